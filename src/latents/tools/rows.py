"""Rows and labels from somebody's own files: HDF5, npy and npz, read by slices where the format allows it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from latents.errors import InputError
from latents.files import foreign
from latents.files.hdf5 import open_hdf5


def open_rows(spec: str, stack: ExitStack, *, dimensions: int = 2, name: str | None = None) -> Any:
    """Open an array of a file; files stay open until `stack` closes.

    Parameters
    ----------
    spec : "file" or "file:name"; without a name the file's only array of this many dimensions is taken.
    dimensions : 2 for rows, 1 for labels; indicator labels may have 2.
    name : preferred when the spec has none and the file has it.

    Returns
    -------
    HDF5 rows (`latents.files.foreign.Stored`), memory-mapped array, or CSR rows (HDF5 as `latents.files.hdf5.add_csr` stores
    them; npz as `scipy.sparse.save_npz` does)

    Raises
    ------
    InputError
        When there is no such file or array, the kind is another, the choice is open, or the file is damaged, declares
        more than it holds, or leads to another file.
    """
    path, _, chosen = spec.partition(":")
    kind = foreign.kind(path)
    if kind == ".npy":
        return foreign.load_npy(path)
    if kind == ".npz":
        return _from_npz(path, chosen or None, dimensions, name)
    file = stack.enter_context(open_hdf5(path))
    return foreign.stored(path, file, chosen or _only(path, foreign.dimensions(path, file), dimensions, name))


def open_labels(rows: str, spec: str, stack: ExitStack, *, option: str) -> Any:
    """Labels of the rows of a file: an array named `labels` or the only one of one dimension beside them.

    Parameters
    ----------
    rows : where the rows are, "file" or "file:name".
    spec : where the labels are instead; "" for beside the rows.
    option : of the command line that gives `spec`, for the error.

    Raises
    ------
    InputError
        As `open_rows`; when the rows' file holds a single array and no other is given.
    """
    if spec:
        return open_rows(spec, stack, dimensions=1, name="labels")
    path = rows.partition(":")[0]
    kind = foreign.kind(path)
    if kind == ".npy" or (kind == ".npz" and foreign.Npz(path).is_csr):
        raise InputError(f"{path}: no labels beside its rows; name their file by {option}")
    return open_rows(path, stack, dimensions=1, name="labels")


def _from_npz(path: str, chosen: str | None, dimensions: int, name: str | None) -> Any:
    arrays = foreign.Npz(path)
    if chosen is None and arrays.is_csr:
        data, indices, indptr = (arrays[part] for part in foreign.CSR_PARTS)
        return foreign.csr(path, (data, indices, indptr), arrays["shape"])
    counts = {key: len(shape) for key, shape in arrays.shapes.items()}
    return arrays[chosen or _only(path, counts, dimensions, name)]


def _only(path: str, shapes: Mapping[str, int], dimensions: int, name: str | None) -> str:
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
