"""What RBMs read, by role: digits made binary at a threshold, or the features of faces mapped to (0, 1)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from latents.errors import InputError
from latents.face_models.unit_map import read_units
from latents.files.hdf5 import read_hdf5

ROLES = ("training", "validation", "test")
DIGITS = {"training": "train_images", "validation": "validation_images", "test": "test_images"}
FACES = {"training": "training", "validation": "validation", "test": "held_out"}


def read_visible(path: Path, role: str, *, threshold: float | None, n_visible: int | None = None) -> Tensor:
    """The rows of one role, whole in memory.

    Parameters
    ----------
    path : HDF5 of `latents.digits.files.write_digits`, or of `latents.face_models.features.write_features`.
    role : "training", "validation" or "test"; faces are tested on people who are held out.
    threshold : grey value in (0, 1] from which a pixel of a digit counts as ink; None: the file holds features.
    n_visible : units of the RBM that will read them; None takes any.

    Returns
    -------
    float32 tensor (n, n_visible)
        In {0, 1} for digits, in (0, 1) for features.

    Raises
    ------
    InputError
        In one line, when there is no such role, or the rows are of another width.
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
    """A function from row numbers to values, as `latents.rbm.training.train` reads: validation rows come last.

    Examples
    --------
    >>> read = reader(torch.zeros(2, 3), torch.ones(1, 3))
    >>> read(torch.tensor([2]), torch.Generator())
    tensor([[1., 1., 1.]])
    """
    values = torch.cat([training, validation])
    return lambda rows, _: values[rows]
