"""Frontal views of a head whose true frontal photograph is known, and of whole archives."""

from __future__ import annotations

import numpy as np
import pytest

from relatent.errors import InputError
from relatent.faces import Symmetry, align, crop, fit_shape, frontalize, normalise
from relatent.faces.frontalize import angles, fit_cameras
from relatent.faces.landmarks import write_landmarks
from relatent.faces.pictures import VARIANTS, Look, write_faces
from relatent.faces.schemes import IBUG68
from relatent.faces.visibility import Rays
from relatent.files.hdf5 import open_hdf5, read_hdf5
from tests.support.heads import MIRROR, head_shape, mixed_members, photograph, write_archive

pytest.importorskip("cv2")


def _alike(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def _seen(yaw: float, pitch: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    image, points = photograph(yaw, pitch)
    return image[None], points[None]


@pytest.mark.parametrize("yaw", [-28, -15, 15, 28])
def test_a_turned_head_comes_nearer_to_its_frontal_photograph(yaw):
    """Frontal views are nearer than aligned ones, within the face; symmetry loses nothing."""
    shape = head_shape()
    inside = shape.face > 0.5
    truth = frontalize(*_seen(0), shape, symmetry=False).images[0][inside]
    aligned = align(*_seen(yaw), shape)[0][inside]
    raw = frontalize(*_seen(yaw), shape, symmetry=False).images[0][inside]
    full = frontalize(*_seen(yaw), shape).images[0][inside]
    assert 1 - _alike(raw, truth) < 0.7 * (1 - _alike(aligned, truth))
    assert _alike(full, truth) > _alike(raw, truth) - 0.02
    assert _alike(full, truth) > 0.9


def test_what_the_camera_could_not_see_is_filled_from_the_other_side():
    """The head has a symmetric pattern; where the camera sees little, its far side is grey."""
    shape = head_shape()
    cameras = np.zeros((1, 4, 2))
    turn = np.radians(40)  # to the image's right
    cameras[0, :3, 0], cameras[0, 1, 1] = np.array([np.cos(turn), 0, -np.sin(turn)]) * 60, 60
    cameras[0, 3] = 125
    points = np.column_stack([shape.points, np.ones(len(shape))]) @ cameras[0]
    image = np.where(np.arange(250) < 131, 200, 50).astype(np.uint8)[None, None].repeat(250, axis=1)
    raw, full = (frontalize(image, points[None], shape, symmetry=each).images[0] for each in (False, True))
    hidden = shape.seen[list(shape.yaws).index(40), list(shape.pitches).index(0)] < 0.6
    assert hidden.any()
    x = np.arange(64)
    far = hidden & (x > 38) & (raw < 0.3) & (raw[:, ::-1] > 0.7)
    assert far.any()
    assert full[far].mean() > raw[far].mean() + 0.1


@pytest.mark.parametrize(("yaw", "pitch"), [(0, 0), (20, 0), (-25, 0), (0, 12), (15, -10)])
def test_yaw_and_pitch_are_those_of_the_head(yaw, pitch):
    """Angles agree within 4 degrees, measured from the head's zero, which the views determine."""
    shape = head_shape()
    zero = frontalize(*_seen(0), shape)
    found = frontalize(*_seen(yaw, pitch), shape)
    assert found.yaw[0] == pytest.approx(yaw, abs=4)
    assert found.pitch[0] - zero.pitch[0] == pytest.approx(pitch, abs=4)


def test_less_of_the_face_is_visible_the_more_it_turns():
    shape = head_shape()
    seen = [frontalize(*_seen(yaw), shape).visibility[0] for yaw in (0, 40, 55)]
    assert 1 >= seen[0] > seen[1] > seen[2] > 0


def test_a_face_that_looks_at_the_camera_is_left_as_it_is():
    shape = head_shape()
    straight = shape.points[None, :, :2] * 60 + 125
    image = np.random.default_rng(0).integers(0, 256, (1, 250, 250), dtype=np.uint8)
    full, raw = (frontalize(image, straight, shape, symmetry=each).images for each in (True, False))
    np.testing.assert_allclose(full, raw, atol=1e-6)


def test_the_picture_of_a_mirrored_photograph_is_the_mirrored_picture():
    shape = head_shape()
    image, points = _seen(20, 5)
    flipped = (249, 0) + points[:, MIRROR] * (-1, 1)
    one, other = frontalize(image, points, shape), frontalize(image[:, :, ::-1], flipped, shape)
    assert np.abs(one.images - other.images[:, :, ::-1]).max() < 0.02
    assert one.yaw[0] == pytest.approx(-other.yaw[0], abs=1e-3)


def test_symmetry_never_leaves_the_range_of_grey():
    result = frontalize(*_seen(35), head_shape(), symmetry=Symmetry(start=0, width=0.1, midline=0, own=0)).images
    assert result.dtype == np.float32
    assert 0 <= result.min() <= result.max() <= 1


def test_alignment_undoes_turn_scale_and_shift_in_the_plane():
    import cv2

    shape = head_shape()
    image, points = photograph(0)
    matrix = cv2.getRotationMatrix2D((125, 125), 12, 0.9)
    turned = cv2.warpAffine(image, matrix, (250, 250), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    moved = points @ matrix[:, :2].T + matrix[:, 2]
    assert _alike(align([image], points[None], shape), align([turned], moved[None], shape)) > 0.99


# --- any image ------------------------------------------------------------------------------------


def test_faces_do_not_depend_on_their_company():
    shape = head_shape()
    images, points = zip(*(photograph(yaw) for yaw in (-20, 0, 25)), strict=True)
    together = frontalize(images, np.stack(points), shape)
    for index in range(3):
        alone = frontalize(images[index][None], points[index][None], shape)
        np.testing.assert_allclose(alone.images[0], together.images[index], atol=1e-6)


def test_images_of_any_size_and_grey_or_colour_are_taken():
    import cv2

    shape = head_shape()
    image, points = photograph(15)
    large = cv2.resize(image, (600, 500), interpolation=cv2.INTER_CUBIC)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    scaled = (points + 0.5) * (600 / 250, 2) - 0.5
    result = frontalize([image, large, grey], np.stack([points, scaled, points]), shape).images
    np.testing.assert_array_equal(result[0], result[2])
    assert _alike(result[0], result[1]) > 0.98


def test_no_images_give_no_faces():
    result = frontalize([], np.zeros((0, 16, 2)), head_shape())
    assert result.images.shape == (0, 64, 64)
    assert result.yaw.shape == (0,)


IMAGE, POINTS = np.zeros((250, 250), np.uint8), np.random.default_rng(1).uniform(0, 250, (1, 16, 2))


@pytest.mark.parametrize(
    ("images", "landmarks", "message"),
    [
        (
            [IMAGE],
            np.zeros((1, 68, 2)),
            r"landmarks must be \(n, 16, 2\), as the shape was fitted to, got \(1, 68, 2\)",
        ),
        ([IMAGE, IMAGE], POINTS, "got 1 for 2"),
        ([IMAGE], POINTS * np.nan, "must be finite"),
        ([IMAGE.astype(float)], POINTS, "image 0 must be uint8"),
        ([IMAGE[None]], POINTS, "image 0 must be uint8"),
        ([IMAGE[:0]], POINTS, "image 0 must be uint8"),
        ([IMAGE[0]], POINTS, "image 0 must be uint8"),
    ],
)
@pytest.mark.parametrize("function", [frontalize, align])
def test_what_does_not_fit_is_refused_in_one_line(function, images, landmarks, message):
    with pytest.raises(InputError, match=message) as caught:
        function(images, landmarks, head_shape())
    assert "\n" not in str(caught.value)


def test_landmarks_that_are_all_one_point_give_a_finite_answer():
    result = frontalize([IMAGE], np.full((1, 16, 2), 100.0), head_shape())
    assert np.isfinite(result.images).all()
    assert np.isfinite([result.yaw[0], result.pitch[0], result.visibility[0]]).all()


def test_cameras_put_the_shape_where_the_landmarks_are():
    shape = head_shape()
    _, points = _seen(20, 10)
    solid = np.column_stack([shape.points, np.ones(len(shape))])
    np.testing.assert_allclose(solid @ fit_cameras(points, shape)[0], points[0], atol=0.5)


def test_angles_of_a_straight_camera_are_zero():
    camera = np.zeros((1, 4, 2))
    camera[0, 0, 0] = camera[0, 1, 1] = 50
    assert [float(angle[0]) for angle in angles(camera)] == [0, 0]


# --- pixels ---------------------------------------------------------------------------------------


def test_normalised_pictures_have_the_notes_statistics():
    pictures = np.random.default_rng(2).uniform(0, 1, (5, 64, 64))
    result = normalise(pictures, epsilon=0)
    np.testing.assert_allclose(result.mean(axis=(1, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(result.std(axis=(1, 2)), 0.3, atol=1e-6)


def test_normalised_pictures_are_clipped_and_even_ones_stay_even():
    spike = np.zeros((2, 64, 64))
    spike[0, 0, 0] = 1
    result = normalise(spike)
    assert result.max() == 1
    assert not result[1].any()


def test_crop_takes_the_middle_of_an_image_of_any_shape():
    image = np.zeros((100, 200), np.uint8)
    image[25:75, 75:125] = 255
    assert (crop([image], side=0.5) == 1).all()
    assert crop([image], side=1.5).shape == (1, 64, 64)


# --- a whole archive ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Make an archive of good and bad photographs, its landmarks, and a head fitted to them."""
    pytest.importorskip("dlib")
    folder = tmp_path_factory.mktemp("faces")
    archive = write_archive(folder, mixed_members())
    write_landmarks(archive, folder / "landmarks.h5", folder / "dropped.csv")
    points, kept = read_hdf5(folder / "landmarks.h5", "points", "kept")
    rays = Rays(yaws=(-40.0, 0.0, 40.0), pitches=(-16.0, 0.0, 16.0))
    shape = fit_shape(points[kept], mirror=IBUG68.mirror, weights=IBUG68.weights, unit=IBUG68.unit, rays=rays)
    return archive, folder / "landmarks.h5", shape


def test_every_photograph_has_a_row_and_the_bad_ones_a_crop(found, tmp_path):
    archive, landmarks, shape = found
    assert write_faces(archive, landmarks, shape, tmp_path / "faces.h5", Look(variants=VARIANTS)) == 8
    with open_hdf5(tmp_path / "faces.h5") as file:
        kept, names = file["kept"][...], file["name"].asstr()[...]
        assert sorted(names[~kept]) == ["Bare_0001", "Cut_0001", "Large_0001"]
        for variant in VARIANTS:
            pictures = file[variant][...]
            assert pictures.shape == (11, 64, 64)
            assert np.abs(pictures).max() <= 1
            np.testing.assert_array_equal(pictures[~kept], file["crop"][...][~kept])
            np.testing.assert_allclose(pictures[kept].std(axis=(1, 2)), 0.3, atol=0.01)
        assert np.isnan(file["yaw"][...][~kept]).all()
        assert np.isfinite(file["visibility"][...][kept]).all()


def test_bytes_do_not_depend_on_the_number_of_workers(found, tmp_path):
    archive, landmarks, shape = found
    for workers in (1, 2):
        write_faces(archive, landmarks, shape, tmp_path / f"{workers}.h5", workers=workers)
    assert (tmp_path / "1.h5").read_bytes() == (tmp_path / "2.h5").read_bytes()


def test_landmarks_of_another_archive_are_refused(found, tmp_path):
    _, landmarks, shape = found
    renamed = {name.replace("Good", "Best"): data for name, data in mixed_members().items()}
    fewer = dict(list(mixed_members().items())[:5])
    for members, message in ((renamed, "where .* has 'Best_0001'"), (fewer, "points must be")):
        other = write_archive(tmp_path, members)
        with pytest.raises(InputError, match=message):
            write_faces(other, landmarks, shape, tmp_path / "faces.h5")
        assert not (tmp_path / "faces.h5").exists()


def test_a_shape_of_another_scheme_is_refused(found, tmp_path):
    archive, landmarks, _ = found
    with pytest.raises(InputError, match=r"points must be \(11, 16, 2\)"):
        write_faces(archive, landmarks, head_shape(), tmp_path / "faces.h5")


@pytest.mark.parametrize("variants", [(), ("frontal", "sideways")])
def test_unknown_variants_are_refused(variants):
    with pytest.raises(InputError, match="variants must be some of crop, aligned, raw, frontal"):
        Look(variants=variants)
