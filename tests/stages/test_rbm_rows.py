"""Test the rows that RBMs read, by role; another width is a one-line error."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from relatent.errors import InputError
from relatent.files.hdf5 import write_hdf5
from relatent.stages.shared.rbm_rows import ROLES, read_visible, reader


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    images = {
        f"{role}_images": np.array([[[0, 127], [128, 255]]] * count, np.uint8)
        for role, count in (("train", 3), ("validation", 2), ("test", 1))
    }
    write_hdf5(tmp_path / "digits.h5", images)
    return tmp_path / "digits.h5"


@pytest.fixture
def features(tmp_path: Path) -> Path:
    """Write six faces of four features, two per role; all features of face i are i."""
    path = tmp_path / "features.h5"
    with h5py.File(path, "w") as file:
        data = file.create_dataset("features", data=np.repeat(np.arange(6.0, dtype=np.float32)[:, None], 4, axis=1))
        data.attrs.update(low=np.zeros(4, np.float32), span=np.full(4, 10, np.float32), eps=1e-3)
        file["role"] = np.array([2, 0, 1, 0, 1, 2], np.uint8)
    return path


@pytest.mark.parametrize(("threshold", "ink"), [(0.5, [0, 0, 1, 1]), (0.49, [0, 1, 1, 1]), (1.0, [0, 0, 0, 1])])
def test_a_pixel_is_ink_from_the_threshold_on(digits: Path, threshold: float, ink: list[int]) -> None:
    rows = read_visible(digits, "test", threshold=threshold)
    assert rows.dtype == torch.float32
    assert rows.tolist() == [ink]


def test_every_role_of_digits_is_read_from_its_own_images(digits: Path) -> None:
    assert [len(read_visible(digits, role, threshold=0.5)) for role in ROLES] == [3, 2, 1]


@pytest.mark.parametrize(("role", "faces"), [("training", [1, 3]), ("validation", [2, 4]), ("test", [0, 5])])
def test_faces_are_tested_on_people_who_are_held_out(features: Path, role: str, faces: list[int]) -> None:
    expected = torch.tensor(faces)[:, None].expand(2, 4) / 10
    torch.testing.assert_close(read_visible(features, role, threshold=None), expected.clamp(1e-3, 1 - 1e-3))


def test_validation_rows_come_after_the_training_rows() -> None:
    read = reader(torch.arange(6.0).view(3, 2), -torch.ones(2, 2))
    assert read(torch.tensor([4, 0, 3]), torch.Generator()).tolist() == [[-1, -1], [0, 1], [-1, -1]]


@pytest.mark.parametrize("kind", ["digits", "features"])
def test_rows_of_another_width_are_one_line_that_names_the_file(request, kind: str) -> None:
    path = request.getfixturevalue(kind)
    threshold = 0.5 if kind == "digits" else None
    with pytest.raises(InputError, match=rf"{kind}.h5: {kind} must be \(n, 5\), got \(\d, 4\): of another") as caught:
        read_visible(path, "test", threshold=threshold, n_visible=5)
    assert "\n" not in str(caught.value)


def test_an_unknown_role_is_one_line(digits: Path) -> None:
    with pytest.raises(InputError, match="role must be one of training, validation, test, got 'held_out'"):
        read_visible(digits, "held_out", threshold=0.5)
