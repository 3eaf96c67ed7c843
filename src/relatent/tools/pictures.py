"""Read features from a user's file: HDF5, npy or npz."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from relatent.errors import InputError
from relatent.files import foreign
from relatent.files.hdf5 import open_hdf5


def read_features(path: Path, *, dataset: str | None = None, shape: tuple[int, int] | None = None) -> np.ndarray:
    """Read features as pictures.

    Parameters
    ----------
    path : .h5, .hdf5, .npy or .npz.
    dataset : name of the array; without it the file's only array of two or three dimensions is
        taken.
    shape : rows and columns of a feature, for an array (n, d); without it d must be a square
        number.

    Returns
    -------
    array of shape (n, y, x)

    Raises
    ------
    InputError
        If there is no such file or array (lists the arrays), several arrays fit, the shape does not
        fit, or the file is damaged, declares more than it holds, or links to another file.
    """
    kind = foreign.kind(path)
    features = _from_hdf5(path, dataset) if kind in {".h5", ".hdf5"} else _from_numpy(path, dataset)
    if features.ndim not in (2, 3) or features.dtype.kind not in "fiub":
        raise InputError(f"{path}: features must be numbers (n, y, x) or (n, d), got {features.dtype} {features.shape}")
    return pictures(features, shape)


def pictures(features: np.ndarray, shape: tuple[int, int] | None) -> np.ndarray:
    """Return rows (n, d) as pictures (n, y, x); InputError if d is not y times x."""
    if features.ndim == 3:
        if shape is not None and features.shape[1:] != shape:
            raise InputError(f"--shape: got {shape[0]}x{shape[1]}, but the features are {features.shape}; leave it out")
        return features
    size = features.shape[1]
    edge = round(size**0.5)
    y, x = (edge, edge) if shape is None else shape
    if y * x != size:
        given = "a square is assumed" if shape is None else f"--shape {y}x{x} gives {y * x}"
        raise InputError(f"a feature has {size} values, but {given}; give --shape YxX whose product is {size}")
    return features.reshape(-1, y, x)


def _from_hdf5(path: Path, dataset: str | None) -> np.ndarray:
    import h5py

    with open_hdf5(path) as file:
        shapes: dict[str, tuple[int, ...]] = {}

        def note(name: str, item: object) -> None:
            if isinstance(item, h5py.Dataset) and item.shape is not None:
                shapes[str(name)] = item.shape  # bytes where it is no UTF-8

        with foreign.reading(path, "whole HDF5 file"):
            file.visititems(note)
        found = foreign.stored(path, file, _chosen(path, shapes, dataset))
        return np.asarray(found[...])


def _from_numpy(path: Path, dataset: str | None) -> np.ndarray:
    if path.suffix.lower() == ".npy":
        if dataset is not None:
            raise InputError(f"{path}: a single array without names, but {dataset!r} was asked for; leave it out")
        return np.array(foreign.load_npy(path))
    arrays = foreign.Npz(path)
    return arrays[_chosen(path, arrays.shapes, dataset)]


def _chosen(path: Path, shapes: Mapping[str, tuple[int, ...]], dataset: str | None) -> str:
    """Return the name of the asked array, or of the only one that can be features."""
    there = ", ".join(f"{name} {shape}" for name, shape in sorted(shapes.items())) or "nothing"
    if dataset is not None:
        if dataset not in shapes:
            raise InputError(f"{path}: no data set {dataset!r}; it has {there}")
        return dataset
    fitting = [name for name, shape in shapes.items() if len(shape) in (2, 3)]
    if len(fitting) != 1:
        raise InputError(
            f"{path}: {len(fitting)} arrays of 2 or 3 dimensions (it has {there}); name one, as {path}:NAME"
        )
    return fitting[0]
