"""The reference head: depth from views, for any landmark scheme."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from relatent.errors import InputError
from relatent.faces import Frame, fit_shape
from relatent.faces.schemes import IBUG68, Scheme
from relatent.faces.shape import fit_people, read_shape, write_shape
from relatent.faces.visibility import Rays, direction
from relatent.files.hdf5 import write_hdf5
from tests.support.heads import MIRROR, UNIT, head_shape, rotation, solid, views

pytest.importorskip("cv2")
# eyes, nose tip, mouth corners: the points of MTCNN, RetinaFace and others
FIVE = Scheme(
    name="5 points",
    mirror=(1, 0, 2, 4, 3),
    weights=(1.0,) * 5,
    unit=(0, 1),
)
FEW = Rays(yaws=(-40.0, 40.0), pitches=(-16.0, 16.0))  # for tests that ignore visibility


def _similar(found: np.ndarray, true: np.ndarray) -> float:
    """Correlate depths without the part that x and y explain, which flat views cannot fix."""
    basis = np.column_stack([true[:, :2], np.ones(len(true))])
    rest = [depth - basis @ np.linalg.lstsq(basis, depth, rcond=None)[0] for depth in (found[:, 2], -true[:, 2])]
    return float(np.corrcoef(*rest)[0, 1])


def test_a_known_head_is_recovered_from_its_views():
    """Depth is recovered from noisy views, up to tilt (which defines frontal) and scale."""
    shape = fit_shape(views(600, np.random.default_rng(1), noise=0.3), mirror=MIRROR, rays=FEW, unit=UNIT)
    true = solid() / np.hypot(*(solid()[UNIT[0], :2] - solid()[UNIT[1], :2]))
    assert _similar(shape.points, true) > 0.995
    middle, outer_eye = 13, 0  # the nose's tip stands out from the eyes' corners
    found_relief = shape.points[outer_eye, 2] - shape.points[middle, 2]
    assert found_relief == pytest.approx(true[middle, 2] - true[outer_eye, 2], rel=0.15)


def test_the_nose_is_nearer_than_the_rim_whatever_the_order_of_views():
    for seed in range(3):
        shape = fit_shape(views(100, np.random.default_rng(seed)), mirror=MIRROR, rays=FEW, unit=UNIT)
        assert shape.points[13, 2] < shape.points[4, 2]


def test_shape_is_its_own_mirror_image():
    shape = fit_shape(views(100, np.random.default_rng(2), noise=2.0), mirror=MIRROR, rays=FEW, unit=UNIT)
    np.testing.assert_allclose(shape.points[MIRROR] * (-1, 1, 1), shape.points, atol=1e-12)
    np.testing.assert_array_equal(shape.depth, shape.depth[:, ::-1])


def test_scale_and_place_of_the_images_do_not_matter():
    seen = views(100, np.random.default_rng(3), noise=1.0)
    factors = np.random.default_rng(4).uniform(0.5, 3, size=(100, 1, 1))
    one, other = (fit_shape(each, mirror=MIRROR, rays=FEW, unit=UNIT) for each in (seen, seen * factors + 40))
    np.testing.assert_allclose(one.points, other.points, atol=1e-9)


def test_five_points_are_enough():
    """Five points of a pyramid-shaped face (eyes, nose, mouth corners) give the nose's height."""
    true = np.array([(-35, -40, 0), (35, -40, 0), (0, 0, 40), (-25, 40, 5), (25, 40, 5)], np.float64)
    generator = np.random.default_rng(5)
    seen = np.stack([(true @ rotation(*angle).T)[:, :2] for angle in generator.normal(0, (20, 10, 3), size=(300, 3))])
    shape = fit_shape(seen, mirror=FIVE.mirror, rays=FEW, unit=FIVE.unit)
    assert _similar(shape.points, true / 70) > 0.999
    assert shape.points[0, 2] - shape.points[2, 2] == pytest.approx(40 / 70, rel=0.15)


@pytest.mark.parametrize("scheme", [IBUG68, FIVE])
def test_every_scheme_is_consistent(scheme):
    mirror = np.array(scheme.mirror)
    np.testing.assert_array_equal(mirror[mirror], np.arange(len(scheme)))
    assert len(scheme.weights) == len(scheme)
    assert mirror[scheme.unit[0]] == scheme.unit[1]
    assert scheme.weights == tuple(np.array(scheme.weights)[mirror])


def test_the_68_points_mirror_into_themselves():
    """Eyes, outer lips, inner lips and jaw each map onto their own kind."""
    mirror = np.array(IBUG68.mirror)
    for start, stop in ((0, 17), (17, 27), (27, 31), (31, 36), (36, 48), (48, 60), (60, 68)):
        assert set(mirror[start:stop]) == set(range(start, stop))
    assert [mirror[i] for i in (8, 27, 30, 33, 51, 57, 62, 66)] == [8, 27, 30, 33, 51, 57, 62, 66]


# --- visibility -----------------------------------------------------------------------------------


def test_visibility_mirrors_with_yaw():
    shape = head_shape()
    np.testing.assert_allclose(shape.seen, shape.seen[::-1, :, :, ::-1], atol=1e-5)


def test_the_side_turned_away_is_hidden():
    """At 40 degrees to the image's right, the nose's right flank is seen less than its left."""
    shape = head_shape()
    right, left = (slice(30, 40), slice(37, 46)), (slice(30, 40), slice(18, 27))
    level = list(shape.pitches).index(0)
    turned, front = (shape.seen[list(shape.yaws).index(yaw), level] for yaw in (40, 0))
    assert turned[right].mean() < 0.8 * turned[left].mean()
    assert turned[right].mean() < 0.8 * front[right].mean()


def test_directions_are_unit_vectors_and_face_the_camera():
    cameras = direction(np.array([-30.0, 0, 50]), np.array([10.0, 0, -20]))
    np.testing.assert_allclose(np.linalg.norm(cameras, axis=1), 1)
    np.testing.assert_allclose(cameras[1], (0, 0, -1), atol=1e-12)


# --- files and errors -----------------------------------------------------------------------------


def test_a_shape_is_the_same_after_writing_and_reading(tmp_path):
    shape = head_shape()
    write_shape(tmp_path / "shape.h5", shape)
    again = read_shape(tmp_path / "shape.h5")
    for name in ("points", "mirror", "weights", "depth", "seen", "yaws", "pitches", "own", "face", "centre"):
        np.testing.assert_array_equal(getattr(shape, name), getattr(again, name))
    assert again.half_width == shape.half_width


def test_a_file_that_is_no_shape_is_refused_in_one_line(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["weights"] = np.zeros(3)
    with pytest.raises(InputError, match=r"no data set 'points'; it has weights") as caught:
        read_shape(tmp_path / "other.h5")
    assert "\n" not in str(caught.value)


def test_frame_sets_the_picture():
    seen = views(50, np.random.default_rng(6))
    shape = fit_shape(seen, mirror=MIRROR, rays=FEW, frame=Frame(half_width=0.7, pixels=32, oversampling=3))
    assert shape.depth.shape == (96, 96)
    assert shape.seen.shape[2:] == shape.face.shape == (32, 32)
    assert not shape.own.any()


VIEWS = views(20, np.random.default_rng(7))


@pytest.mark.parametrize(
    ("landmarks", "changes", "message"),
    [
        (VIEWS[:, :, 0], {}, r"landmarks must be \(n, landmarks, 2\)"),
        (VIEWS[:2], {}, r"with n >= 3"),
        (VIEWS, {"mirror": MIRROR[:5]}, r"mirror must name one landmark for each of the 16"),
        (VIEWS, {"mirror": np.roll(MIRROR, 1)}, r"mirror must lead back"),
        (VIEWS, {"mirror": MIRROR - 16}, r"mirror must lead back"),
        (np.where(VIEWS > 150, np.nan, VIEWS), {}, r"landmarks must be finite"),
        (np.ones_like(VIEWS), {}, r"all one point"),
        (VIEWS, {"unit": (0, 99)}, r"unit must be two of the 16 landmarks"),
        (VIEWS, {"weights": np.zeros(16)}, r"weights must be 16 numbers"),
        (np.repeat(VIEWS[:1], 20, axis=0) * (0, 1), {}, r"one place"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(landmarks, changes, message):
    with pytest.raises(InputError, match=message) as caught:
        fit_shape(landmarks, **{"mirror": MIRROR, **changes})
    assert "\n" not in str(caught.value)


def test_heads_that_never_turn_are_refused():
    still = np.stack([solid()[:, :2] * scale for scale in np.linspace(1, 2, 20)])
    with pytest.raises(InputError, match="must turn"):
        fit_shape(still, mirror=MIRROR, rays=FEW)


@pytest.mark.parametrize("yaws", [(0.0,), (-10.0, 20.0), (10.0, -10.0)])
def test_cameras_that_are_no_symmetric_grid_are_refused(yaws):
    with pytest.raises(InputError, match="yaws must be at least 2 degrees"):
        Rays(yaws=yaws)


def test_a_head_is_fitted_to_the_kept_photographs_of_the_people_asked_for(tmp_path):
    points = views(60, np.random.default_rng(2)).astype(np.float32)
    scheme = Scheme(name="sixteen", mirror=tuple(MIRROR), weights=(1.0,) * 16, unit=UNIT)
    people = np.repeat(["A", "B", "C"], 20)
    write_hdf5(tmp_path / "l.h5", {"points": points, "kept": np.arange(60) < 40, "person": people})
    fitted = fit_people(tmp_path / "l.h5", scheme, {"A", "B"})
    expected = fit_shape(points[:40], mirror=MIRROR, weights=scheme.weights, unit=UNIT)
    np.testing.assert_array_equal(fitted.points, expected.points)
    with pytest.raises(InputError, match="none of the 1 people to fit the head to is kept"):
        fit_people(tmp_path / "l.h5", scheme, {"C"})
