"""Rows and labels from somebody's own files: HDF5, npy and npz, read by slices where the format allows it."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from latents.errors import InputError
from latents.storage import open_hdf5, rows_of

KINDS = ".h5, .hdf5, .npy or .npz"


def open_rows(spec: str, stack: ExitStack, *, dimensions: int = 2, name: str | None = None) -> Any:
    """Open an array of a file; files stay open until `stack` closes.

    Parameters
    ----------
    spec : "file" or "file:name"; without a name the file's only array of this many dimensions is taken.
    dimensions : 2 for rows, 1 for labels; indicator labels may have 2.
    name : preferred when the spec has none and the file has it.

    Returns
    -------
    h5py data set, memory-mapped array, or CSR rows (HDF5 as `latents.storage.add_csr` stores them; npz as
    `scipy.sparse.save_npz` does)

    Raises
    ------
    InputError
        When there is no such file or array, the kind is another, or the choice is open.
    """
    path, _, chosen = spec.partition(":")
    kind = Path(path).suffix.lower()
    if kind not in {".h5", ".hdf5", ".npy", ".npz"}:
        raise InputError(f"{path}: must be {KINDS}, got {kind or 'no suffix'}")
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file")
    if kind == ".npy":
        return _load(path)
    if kind == ".npz":
        return _from_npz(path, chosen or None, dimensions, name)
    file = stack.enter_context(open_hdf5(path))
    shapes = {key: _dimensions(file[key]) for key in file}
    return rows_of(file, chosen or _only(path, shapes, dimensions, name))


def _dimensions(item: Any) -> int:
    return len(item.shape) if hasattr(item, "shape") else len(item.attrs.get("shape", ()))


def _load(path: str) -> Any:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise InputError(f"{path}: not a plain numpy file ({str(error).splitlines()[0]})") from None


def _from_npz(path: str, chosen: str | None, dimensions: int, name: str | None) -> Any:
    arrays = _load(path)
    if chosen is None and {"data", "indices", "indptr", "shape"} <= set(arrays.files):
        return sparse.csr_array((arrays["data"], arrays["indices"], arrays["indptr"]), shape=tuple(arrays["shape"]))
    if chosen is None:
        chosen = _only(path, {key: arrays[key].ndim for key in arrays.files}, dimensions, name)
    if chosen not in arrays.files:
        raise InputError(f"{path}: no array {chosen!r}; it has {', '.join(sorted(arrays.files))}")
    return arrays[chosen]


def _only(path: str, shapes: dict[str, int], dimensions: int, name: str | None) -> str:
    """The preferred name, or the one array of the wanted number of dimensions."""
    if name in shapes:
        return str(name)
    fitting = sorted(key for key, count in shapes.items() if count == dimensions)
    if len(fitting) != 1:
        found = ", ".join(sorted(shapes)) or "nothing"
        raise InputError(
            f"{path}: {len(fitting)} arrays with {dimensions} dimensions in it (it has {found}); "
            f"name one, as {path}:NAME"
        )
    return fitting[0]
