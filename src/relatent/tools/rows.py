"""Open rows and labels of a user's file: HDF5, npy or npz, read by slices where the format allows
it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from relatent.errors import InputError
from relatent.files import foreign
from relatent.files.hdf5 import open_hdf5


def open_rows(spec: str, stack: ExitStack, *, dimensions: int = 2, name: str | None = None) -> Any:
    """Open an array of a file; files stay open until `stack` closes.

    Parameters
    ----------
    spec : "file" or "file:name"; without a name, the file's only array of that many dimensions.
    dimensions : 2 for rows, 1 for labels; indicator labels may have 2.
    name : preferred when the spec has none and the file has it.

    Returns
    -------
    HDF5 rows (`relatent.files.foreign.Stored`), memory-mapped array, or CSR rows
        CSR rows in HDF5 are those of `relatent.files.hdf5.add_csr`, in npz of
        `scipy.sparse.save_npz`.

    Raises
    ------
    InputError
        If there is no such file or array, the file has another format, several arrays fit, or the
        file is damaged, declares more than it holds, or links to another file.
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
    """Open the labels of the rows of a file: `labels`, or the file's only array of one dimension.

    Parameters
    ----------
    rows : file of the rows, "file" or "file:name".
    spec : file of the labels, "file" or "file:name"; "" if they are in the file of the rows.
    option : the command line's option for `spec`, named in the error.

    Raises
    ------
    InputError
        As `open_rows`; or if the rows' file holds a single array and `spec` is empty.
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
    """Return the preferred name, or that of the only array with this number of dimensions."""
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
