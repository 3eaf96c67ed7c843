"""Read and write HDF5 files; every write is atomic and byte-stable.

A file is written under a temporary name beside its target, flushed to disk, and renamed, so that
the target is always complete. The same content gives the same bytes: no dates, no file names, keys
in the order given.
"""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from relatent.errors import InputError
from relatent.files.atomic import announce, atomic, check_readable
from relatent.files.tables import plain_values

if TYPE_CHECKING:
    import h5py
    from scipy import sparse

CHUNK_BYTES = 2**18  # one HDF5 chunk: about 256 KiB of whole rows


# --- HDF5 -----------------------------------------------------------------------------------------


@contextmanager
def create_hdf5(path: str | os.PathLike[str], **attrs: Any) -> Iterator[h5py.File]:
    """Yield a new HDF5 file to fill by blocks; it gets its name when it is complete.

    Parameters
    ----------
    path : the file to write.
    attrs : attributes of the file, such as `dataset`, `split`, `params`; mappings are stored as
        JSON.
    """
    import h5py

    with atomic(path) as temporary, _Sink(temporary, "w+") as sink:
        try:
            with h5py.File(sink, "w") as file:
                set_attrs(file, attrs)
                yield file
        finally:
            if sink.fault is not None:
                raise sink.fault


class _Sink(io.FileIO):
    """File that keeps its first write error and ignores all later writes.

    HDF5 crashes the process if a file that cannot be flushed (as on a full disk) is garbage
    collected. Here HDF5 never sees the error, closes in order, and the error is raised afterwards.
    """

    fault: OSError | None = None

    def write(self, data: Any, /) -> int:
        """Write all bytes, or keep the error."""
        rest = memoryview(data).cast("B")
        while len(rest) and self.fault is None:
            try:
                rest = rest[super().write(rest) or 0 :]
            except OSError as error:
                error.filename = self.name
                self.fault = error
        return len(data)

    def readinto(self, buffer: Any, /) -> int:
        """Read as many bytes as asked for; bytes that an error kept from the file are zero."""
        view = memoryview(buffer).cast("B")
        count = super().readinto(view) or 0
        view[count:] = bytes(len(view) - count)
        return len(view)


def set_attrs(target: h5py.File | h5py.Dataset, attrs: Mapping[str, Any]) -> None:
    """Store attributes; mappings, lists of strings and models as JSON."""
    for name, value in attrs.items():
        is_json = isinstance(value, Mapping | list | tuple)
        target.attrs[name] = json.dumps(plain_values(value)) if is_json else value


def add_dataset(
    file: h5py.File, name: str, shape: tuple[int, ...], dtype: Any, *, dims: tuple[str, ...] = ()
) -> h5py.Dataset:
    """Add an empty data set, chunked by whole rows, with the names of its axes in `dims`."""
    row_bytes = max(1, math.prod(shape[1:]) * np.dtype(dtype).itemsize)
    rows = max(1, min(shape[0], CHUNK_BYTES // row_bytes))
    chunks = (rows, *shape[1:]) if math.prod(shape) else None
    data = file.create_dataset(name, shape, dtype, chunks=chunks, track_times=False)
    if dims:
        data.attrs["dims"] = ",".join(dims)
    return data


def add_growing(file: h5py.File, name: str, dtype: Any) -> h5py.Dataset:
    """Add a one-dimensional data set that starts empty and grows by `append`."""
    return file.create_dataset(name, (0,), dtype, maxshape=(None,), chunks=(1024,), track_times=False)


def append(data: h5py.Dataset, values: Sequence[Any]) -> None:
    """Append values to a data set made by `add_growing`."""
    start = len(data)
    data.resize(start + len(values), axis=0)
    data[start:] = values


def write_hdf5(path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray], **attrs: Any) -> None:
    """Write whole arrays; strings are stored as variable-length UTF-8.

    To write by blocks, see `create_hdf5`.
    """
    import h5py

    with create_hdf5(path, **attrs) as file:
        for name, value in arrays.items():
            array = np.asarray(value)
            dtype = h5py.string_dtype() if array.dtype.kind in "UO" else array.dtype
            data = add_dataset(file, name, array.shape, dtype)
            data[...] = array.astype(object) if array.dtype.kind == "U" else array


def add_csr(file: h5py.File, name: str, rows: sparse.csr_array) -> None:
    """Store sparse rows as a group of `data`, `indices`, `indptr` and the attribute `shape`."""
    for part in ("data", "indices", "indptr"):
        values = getattr(rows, part)
        add_dataset(file, f"{name}/{part}", values.shape, values.dtype)[...] = values
    file[name].attrs["shape"] = rows.shape


def rows_of(file: h5py.File, name: str) -> h5py.Dataset | sparse.csr_array:
    """Return rows of an open file: a data set to slice, or sparse rows stored by `add_csr`.

    Strings are read as str.

    Raises
    ------
    InputError
        If the file has no such name; the message lists the names it has.
    """
    import h5py
    from scipy import sparse

    # h5py's errors for a damaged file
    with _whole(file.filename, KeyError, RuntimeError, ValueError, TypeError):
        if name not in file:
            raise InputError(f"{file.filename}: no data set {name!r}; it has {', '.join(sorted(map(str, file)))}")
        found = file[name]
        if isinstance(found, h5py.Dataset):
            return found.asstr() if h5py.check_string_dtype(found.dtype) else found
        parts = [found[part][...] for part in ("data", "indices", "indptr")]
        return sparse.csr_array(tuple(parts), shape=tuple(found.attrs["shape"]))


@contextmanager
def _whole(path: str | os.PathLike[str], *faults: type[Exception]) -> Iterator[None]:
    """Turn these errors, and those of HDF5, into InputError: the opened file is damaged inside."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        of_system = getattr(error, "errno", None) is not None  # may concern any file
        if of_system or not isinstance(error, (OSError, *faults)):
            raise
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: damaged inside ({reason}); delete it and run again") from None


@contextmanager
def open_hdf5(path: str | os.PathLike[str]) -> Iterator[h5py.File]:
    """Yield an HDF5 file to read by slices; InputError if it is missing, incomplete or not HDF5."""
    import h5py

    announce(path)
    check_readable(path)
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: not a whole HDF5 file ({reason}); delete it and run again") from None
    with file, _whole(path):
        yield file


def read_hdf5(path: str | os.PathLike[str], *names: str) -> list[np.ndarray]:
    """Read whole data sets by name; InputError lists the available names if one is missing."""
    with open_hdf5(path) as file:
        return [rows_of(file, name)[...] for name in names]
