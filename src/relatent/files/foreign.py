"""Read arrays from HDF5, npy and npz files that others made.

What a file declares is checked against what it holds. Such a file may be damaged or malicious: it
may declare more than memory holds, name other files to be read instead, or hold a pickle. Each case
is one InputError, and no memory is allocated for what the file does not hold.
"""

from __future__ import annotations

import math
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.lib import format as npy
from scipy import sparse

from relatent.errors import InputError
from relatent.files.atomic import check_readable

if TYPE_CHECKING:
    import h5py

KINDS = ".h5, .hdf5, .npy or .npz"
FREE_BYTES = 2**24  # may always be declared: fill values take no space in the file
INFLATION = 1032  # deflate's largest ratio of unpacked to packed bytes (zlib documentation)
MOST_COLUMNS = 2**26  # of sparse rows: indexing them takes memory for each column
CSR_PARTS = ("data", "indices", "indptr")


def kind(path: str | os.PathLike[str]) -> str:
    """Return the suffix of a readable file; InputError for other kinds and missing files."""
    suffix = Path(path).suffix.lower()
    if suffix not in {".h5", ".hdf5", ".npy", ".npz"}:
        raise InputError(f"{path}: must be {KINDS}, got {suffix or 'no suffix'}")
    check_readable(path)
    return suffix


@contextmanager
def reading(path: str | os.PathLike[str], what: str) -> Iterator[None]:
    """Turn whatever a library raises for a damaged file into one line."""
    try:
        yield
    except (InputError, PermissionError):
        raise
    except Exception as error:  # parsers raise all kinds of errors for damaged files
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"{path}: not a {what} ({reason}); make it anew") from None


def check_sizes(path: str | os.PathLike[str], name: str, *, declared_bytes: int, stored_bytes: int) -> None:
    """Raise InputError if a file declares more than the stored bytes could unpack to."""
    if declared_bytes > max(FREE_BYTES, INFLATION * stored_bytes):
        raise InputError(
            f"{path}: {name!r} declares {declared_bytes:,} bytes, but {stored_bytes:,} are stored; refused"
        )


def csr(path: str | os.PathLike[str], parts: tuple[Any, Any, Any], shape: Any) -> sparse.csr_array:
    """Build sparse rows after checking all indices; wrong ones would read past an array's end."""
    with reading(path, "whole sparse matrix"):
        n_rows, n_columns = (int(side) for side in shape)
        if n_columns > MOST_COLUMNS:
            raise InputError(
                f"{path}: sparse rows of {n_columns:,} columns, allowed: at most {MOST_COLUMNS:,}; hash them"
            )
        if np.any(np.diff(parts[2]) < 0):  # scipy checks it only if the last entry is above 0
            raise InputError(f"{path}: not whole sparse rows (their index pointer decreases); make it anew")
        rows = sparse.csr_array(parts, shape=(n_rows, n_columns))
        rows.check_format(full_check=True)
        return rows


# --- HDF5 -----------------------------------------------------------------------------------------


class Stored:
    """Data set to read by slices of rows; reading a damaged part raises InputError.

    Attributes
    ----------
    shape, dtype, chunks : as in h5py; strings are read as str.
    """

    def __init__(self, path: str | os.PathLike[str], data: h5py.Dataset) -> None:
        import h5py

        self.path = path
        self.shape, self.dtype, self.chunks = data.shape, data.dtype, data.chunks
        self._data = data.asstr() if h5py.check_string_dtype(data.dtype) else data

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, rows: Any) -> np.ndarray:
        with reading(self.path, "whole HDF5 file"):
            return np.asarray(self._data[rows])


def stored(path: str | os.PathLike[str], file: h5py.File, name: str) -> Stored | sparse.csr_array:
    """Open a data set, or sparse rows that `relatent.files.hdf5.add_csr` stored, of an open file.

    Raises
    ------
    InputError
        If the file has no such name, or the name leads to another file, holds no values, or
        declares more than is stored.
    """
    import h5py

    with reading(path, "whole HDF5 file"):
        if name not in file:
            raise InputError(f"{path}: no data set {name!r}; it has {', '.join(sorted(map(str, file)))}")
        item = file[name]
        if isinstance(item, h5py.Group):
            _check_dataset(path, file, name, *(item[part] for part in CSR_PARTS))
            return csr(path, tuple(item[part][...] for part in CSR_PARTS), item.attrs["shape"])
        _check_dataset(path, file, name, item)
        return Stored(path, item)


def dimensions(path: str | os.PathLike[str], file: h5py.File) -> dict[str, int]:
    """Count the dimensions of each data set or sparse rows of an open file; 0 for others."""
    import h5py

    with reading(path, "whole HDF5 file"):
        found = {}
        for name in file:
            item = file[name]
            shape = item.attrs.get("shape", ()) if isinstance(item, h5py.Group) else getattr(item, "shape", None)
            found[str(name)] = len(np.atleast_1d(shape)) if shape is not None and np.size(shape) else 0
        return found


def _check_dataset(path: str | os.PathLike[str], file: h5py.File, name: str, *items: Any) -> None:
    import h5py

    for item in items:
        if not isinstance(item, h5py.Dataset) or item.shape is None:
            raise InputError(f"{path}: {name!r} is no array")
        if item.file.filename != file.filename or item.external or item.is_virtual:
            raise InputError(f"{path}: {name!r} lies in another file; refused")
        largest = max(math.prod(item.shape), math.prod(item.chunks or ()))
        declared = largest * item.dtype.itemsize
        check_sizes(path, name, declared_bytes=declared, stored_bytes=item.id.get_storage_size())


# --- npy and npz ----------------------------------------------------------------------------------


def load_npy(path: str | os.PathLike[str]) -> np.ndarray:
    """Map an array into memory, so that none is allocated for data that the file lacks."""
    with reading(path, "plain numpy file"):
        return npy.open_memmap(path, mode="r")


class Npz:
    """Arrays of an npz file, each read when it is asked for.

    Attributes
    ----------
    shapes : shape of each array by name; members that are not arrays are left out.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = path
        with reading(path, "plain numpy file"), zipfile.ZipFile(path) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            self._members = {name: info for name, info in members.items() if info.filename.endswith(".npy")}
            self.shapes = {name: self._checked_shape(archive, name) for name in self._members}

    def _checked_shape(self, archive: zipfile.ZipFile, name: str) -> tuple[int, ...]:
        info = self._members[name]
        check_sizes(self.path, name, declared_bytes=info.file_size, stored_bytes=info.compress_size)
        if info.compress_size > os.path.getsize(self.path):
            raise EOFError("a member is longer than the file")
        with archive.open(info) as stream:
            shape, dtype = _header(stream)
            if stream.tell() + math.prod(shape) * dtype.itemsize > info.file_size:
                raise EOFError(f"{name} declares {shape} of {dtype}, but has fewer bytes")
        return shape

    @property
    def is_csr(self) -> bool:
        """Check that these are the parts of one matrix written by `scipy.sparse.save_npz`."""
        return {*CSR_PARTS, "shape"} <= self.shapes.keys()

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._members:
            raise InputError(f"{self.path}: no array {name!r}; it has {', '.join(sorted(self._members)) or 'nothing'}")
        member = self._members[name]
        with reading(self.path, "plain numpy file"), zipfile.ZipFile(self.path) as file, file.open(member) as stream:
            return np.asarray(npy.read_array(stream, allow_pickle=False))


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Read shape and type of an npy file; the stream then stands at the values."""
    version = npy.read_magic(stream)
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    if version not in readers:
        raise ValueError(f"version {version} of the npy format")
    shape, _, dtype = readers[version](stream)
    if dtype.hasobject:
        raise ValueError("it holds a pickle, which is never loaded")
    if any(side < 0 for side in shape):
        raise ValueError(f"a shape of {shape}")
    return shape, dtype
