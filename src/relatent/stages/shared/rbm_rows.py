"""Read the rows that RBMs learn: binarised digits, or features of faces mapped to (0, 1)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from relatent.errors import InputError
from relatent.face_models.unit_map import read_units
from relatent.files.hdf5 import read_hdf5

ROLES = ("training", "validation", "test")
DIGITS = {"training": "train_images", "validation": "validation_images", "test": "test_images"}
FACES = {"training": "training", "validation": "validation", "test": "held_out"}


def read_visible(path: Path, role: str, *, threshold: float | None, n_visible: int | None = None) -> Tensor:
    """Return all rows of one role.

    Parameters
    ----------
    path : Path
        HDF5 of `relatent.digits.files.write_digits`, or of
        `relatent.face_models.features.write_features`.
    role : "training", "validation" or "test"
        For faces, "test" means the held-out people.
    threshold : float in (0, 1] or None
        Grey value from which a pixel of a digit is 1; None if the file holds features.
    n_visible : int, optional
        Number of visible units of the RBM; None accepts rows of any width.

    Returns
    -------
    float32 tensor (n, n_visible)
        In {0, 1} for digits, in (0, 1) for features.

    Raises
    ------
    InputError
        If the role is unknown or the rows have another width.
    """
    if role not in ROLES:
        raise InputError(f"role must be one of {', '.join(ROLES)}, got {role!r}")
    if threshold is None:
        return read_units(path, FACES[role], n_features=n_visible)
    images = torch.from_numpy(read_hdf5(path, DIGITS[role])[0]).flatten(1)  # uint8 (n, 784)
    if n_visible is not None and images.shape[1] != n_visible:
        raise InputError(f"{path}: digits must be (n, {n_visible}), got {tuple(images.shape)}: of another RBM")
    return (images >= 255 * threshold).float()


def reader(training: Tensor, validation: Tensor) -> Callable[[Tensor, torch.Generator], Tensor]:
    """Return a function from row numbers to values, as `relatent.rbm.training.train` needs it.

    Rows of validation follow those of training.

    Examples
    --------
    >>> read = reader(torch.zeros(2, 3), torch.ones(1, 3))
    >>> read(torch.tensor([2]), torch.Generator())
    tensor([[1., 1., 1.]])
    """
    values = torch.cat([training, validation])
    return lambda rows, _: values[rows]
