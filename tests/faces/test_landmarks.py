"""Landmarks are found where there is a face, and dropped by a recorded rule otherwise."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from relatent.datasets.lfw import index_lfw
from relatent.errors import InputError
from relatent.faces.landmarks import Detection, Rung, _doubt, detect, find_landmarks, write_landmarks
from relatent.faces.schemes import IBUG68
from relatent.files.hdf5 import open_hdf5, read_hdf5
from relatent.files.tables import read_csv
from tests.support.heads import mixed_members, portraits, write_archive

pytest.importorskip("dlib")
MIRROR = Path(os.environ.get("RELATENT_MIRROR") or Path(__file__).parents[3] / "shared" / "data")
TARBALL = MIRROR / "lfw" / "lfw-deepfunneled.tgz"


def _grey(index: int) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(list(portraits(8).values())[index])).convert("L"))


def test_landmarks_lie_on_the_face_and_in_order():
    """Eyes are above nose above mouth above chin, left of the image before right."""
    found = detect(_grey(0))
    assert (found.reason, found.rung) == ("", 0)
    x, y = found.points.T
    assert y[36:48].mean() < y[30] < y[48:68].mean() < y[8]
    assert x[36:42].mean() < x[30] < x[42:48].mean()
    assert np.all(np.abs(found.points.mean(axis=0) - 125) < 40)


def test_landmarks_mirror_with_the_photograph():
    """They agree with the scheme's permutation, within the predictor's scatter."""
    grey = _grey(1)
    one, other = detect(grey).points, detect(grey[:, ::-1]).points
    mirrored = (grey.shape[1] - 1, 0) + other[list(IBUG68.mirror)] * (-1, 1)
    assert np.sqrt(((one - mirrored) ** 2).sum(axis=1).mean()) < 6


def test_an_image_without_a_face_says_so():
    found = detect(np.full((250, 250), 128, np.uint8))
    assert (found.reason, found.rung) == ("no face found", -1)
    assert np.isnan(found.points).all()
    assert np.isnan(found.score)


def test_a_face_at_the_edge_is_not_the_one_looked_for():
    """The same face is accepted if boxes may be anywhere."""
    wide = np.full((250, 750), 128, np.uint8)
    wide[:, :250] = _grey(0)
    assert detect(wide).reason == "no face found"
    assert detect(wide, Detection(central=1.0, off_centre=1.0)).reason == ""


def test_the_ladder_is_climbed_only_until_a_face_is_found():
    # a face below the detector's 80 pixels
    tiny = np.asarray(Image.fromarray(_grey(0)).resize((120, 120)))
    one_rung = Detection(ladder=(Rung(0, 0.0),))
    assert detect(tiny, one_rung).rung == -1
    assert detect(tiny).rung == 1


def test_doubtful_landmarks_off_the_centre_are_dropped():
    """A certain face off the centre is kept, and so is a doubtful one at the centre."""
    options, shape = Detection(), (250, 250)
    centred = np.tile(np.array(options.centre) * 249, (68, 1))
    away = centred + np.array([45, 0])
    assert _doubt(away, 0.1, shape, options).startswith("landmarks beside the face (off by 0.18")
    assert _doubt(away, 1.0, shape, options) == ""
    assert _doubt(centred, -0.5, shape, options) == ""


@pytest.mark.parametrize("image", [np.zeros((9, 9)), np.zeros((9, 9, 3), np.uint8), np.zeros((0, 9), np.uint8)])
def test_what_is_no_grey_image_is_refused(image):
    with pytest.raises(ValueError, match="grey must be uint8"):
        detect(image)


# --- archives -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return write_archive(tmp_path_factory.mktemp("archive"), mixed_members())


def test_bad_photographs_are_dropped_and_listed_with_their_reason(archive, tmp_path):
    """Damaged, wrong-sized and faceless photographs are dropped; a grey one is kept."""
    assert write_landmarks(archive, tmp_path / "landmarks.h5", tmp_path / "dropped.csv") == 8
    reasons = {row["name"]: row["reason"] for row in read_csv(tmp_path / "dropped.csv")}
    assert set(reasons) == {"Bare_0001", "Cut_0001", "Large_0001"}
    assert reasons["Bare_0001"] == "no face found"
    assert reasons["Cut_0001"].startswith("not a whole JPEG")
    assert reasons["Large_0001"] == "must be 250x250 pixels, got 260x300"
    kept, points, rung = read_hdf5(tmp_path / "landmarks.h5", "kept", "points", "rung")
    assert np.isfinite(points[kept]).all()
    np.testing.assert_array_equal(rung >= 0, kept)
    with open_hdf5(tmp_path / "landmarks.h5") as file:
        names = list(file["name"].asstr()[...])
        assert names == [entry.name for entry in index_lfw(archive)]
        assert dict(zip(names, file["reason"].asstr()[...], strict=True)) | reasons == {
            **dict.fromkeys(names, ""),
            **reasons,
        }


def test_bytes_do_not_depend_on_the_number_of_workers(archive, tmp_path):
    for workers in (1, 2):
        write_landmarks(archive, tmp_path / f"{workers}.h5", tmp_path / f"{workers}.csv", workers=workers)
    assert (tmp_path / "1.h5").read_bytes() == (tmp_path / "2.h5").read_bytes()
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "2.csv").read_bytes()


def test_blocks_do_not_change_what_is_found(archive, monkeypatch):
    entries = index_lfw(archive)
    whole = [found for block in find_landmarks(archive, entries) for found in block]
    monkeypatch.setattr("relatent.faces.landmarks.BLOCK", 3)
    parts = list(find_landmarks(archive, entries))
    assert [len(block) for block in parts] == [3, 3, 3, 2]
    for one, other in zip(whole, [found for block in parts for found in block], strict=True):
        np.testing.assert_array_equal(one.points, other.points)


def test_an_archive_that_loses_nothing_has_an_empty_list(tmp_path):
    good = {"Good_0001": next(iter(portraits(8).values()))}
    write_landmarks(write_archive(tmp_path, good), tmp_path / "landmarks.h5", tmp_path / "dropped.csv")
    assert read_csv(tmp_path / "dropped.csv") == []
    assert (tmp_path / "dropped.csv").read_text() == "name,person,reason\n"


def test_an_archive_without_any_face_is_refused(tmp_path):
    bare = {"Bare_0001": mixed_members()["Bare_0001"]}
    with pytest.raises(InputError, match="no face found in any of its 1 photographs"):
        write_landmarks(write_archive(tmp_path, bare), tmp_path / "landmarks.h5", tmp_path / "dropped.csv")
    assert not (tmp_path / "landmarks.h5").exists()


@pytest.mark.real
@pytest.mark.skipif(not TARBALL.is_file(), reason=f"no lfw in the mirror {MIRROR}")
def test_real_faces_are_found(tmp_path):
    """Of the first 150 photographs of LFW, at most one is dropped, and nearly all need one try."""
    members = {}
    with tarfile.open(TARBALL, mode="r|gz") as tar:
        for info in tar:
            if info.isreg() and len(members) < 150:
                members[Path(info.name).stem] = tar.extractfile(info).read()
            if len(members) == 150:
                break
    archive = write_archive(tmp_path, members)
    found = [one for block in find_landmarks(archive, index_lfw(archive), workers=2) for one in block]
    assert sum(not one.reason for one in found) >= 149
    assert sum(one.rung == 0 for one in found) >= 145
