"""The one place that knows file formats: HDF5, safetensors, JSON, CSV. Every write is atomic and byte-stable.

A file is written under a temporary name beside its target, flushed to disk, and renamed: whoever finds the
target finds it whole. The same content gives the same bytes: no dates, no file names, keys in the order given.
"""

from __future__ import annotations

import csv
import glob
import io
import json
import math
import os
import sys
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from latents.errors import InputError

if TYPE_CHECKING:
    import h5py
    import torch
    from scipy import sparse

CHUNK_BYTES = 2**18  # one HDF5 chunk: about 256 KiB of whole rows


@contextmanager
def atomic(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it becomes `path`, on failure it is removed.

    Parameters
    ----------
    path : path of the file to write; its folder is made when missing.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "a.txt"
    >>> with atomic(target) as temporary:
    ...     _ = temporary.write_text("whole")
    >>> target.read_text()
    'whole'
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    # the suffix stays: some writers choose the format by it
    temporary = target.with_name(f".{target.stem}.{uuid.uuid4().hex[:8]}.tmp{target.suffix}")
    for leftover in target.parent.glob(f".{glob.escape(target.stem)}.*.tmp{glob.escape(target.suffix)}"):
        leftover.unlink(missing_ok=True)  # of a writer that was killed: a target has one writer at a time
    try:
        yield temporary
        _flush(temporary)
        os.replace(temporary, target)
        _flush(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _announce(path: str | os.PathLike[str]) -> None:
    """Tell Python's audit hooks of a file that native code is about to read, as its own `open` does."""
    sys.audit("open", os.fspath(path), "rb", os.O_RDONLY)


# --- JSON and CSV ---------------------------------------------------------------------------------------------------


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write JSON, indented, in the order given; nan and infinity become null, since JSON has neither."""
    text = json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False)
    with atomic(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def _plain(value: Any) -> Any:
    """The same value in JSON's own types."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def read_json(path: str | os.PathLike[str]) -> Any:
    """Read JSON; InputError when the file is no whole JSON document."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: not a whole JSON file ({error}); delete it and run again") from None


def write_csv(path: str | os.PathLike[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows that share their keys; floats in their shortest exact form."""
    rows = list(rows)
    if not rows:
        raise InputError(f"{path}: a table needs at least one row")
    with atomic(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, fieldnames=list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def read_csv(path: str | os.PathLike[str]) -> list[dict[str, str]]:
    """Read a table as one dict of strings a row."""
    with Path(path).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


# --- HDF5 -----------------------------------------------------------------------------------------------------------


@contextmanager
def create_hdf5(path: str | os.PathLike[str], **attrs: Any) -> Iterator[h5py.File]:
    """Yield a new HDF5 file to fill by blocks; it appears under its name when it is whole.

    Parameters
    ----------
    path : the file to write.
    attrs : attributes of the file, among them `dataset`, `split`, `params` where they apply;
        mappings are stored as JSON.
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
    """A file that keeps its first write error and lets all later writes pass.

    HDF5 crashes the process when a file that cannot be flushed, as on a full disk, is collected: so it never hears
    of the error, closes in order, and the error is raised then.
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
        """Read as many bytes as are asked for; those that an error kept from being written are zero."""
        view = memoryview(buffer).cast("B")
        count = super().readinto(view) or 0
        view[count:] = bytes(len(view) - count)
        return len(view)


def set_attrs(target: h5py.File | h5py.Dataset, attrs: Mapping[str, Any]) -> None:
    """Store attributes; mappings, lists of strings and models as JSON."""
    for name, value in attrs.items():
        is_json = isinstance(value, Mapping | list | tuple)
        target.attrs[name] = json.dumps(_plain(value)) if is_json else value


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
    """Write whole arrays; strings are stored as variable-length UTF-8. For streams see `create_hdf5`."""
    import h5py

    with create_hdf5(path, **attrs) as file:
        for name, value in arrays.items():
            array = np.asarray(value)
            dtype = h5py.string_dtype() if array.dtype.kind in "UO" else array.dtype
            data = add_dataset(file, name, array.shape, dtype)
            data[...] = array.astype(object) if array.dtype.kind == "U" else array


def add_csr(file: h5py.File, name: str, rows: sparse.csr_array) -> None:
    """Store sparse rows as a group of `data`, `indices` and `indptr`, with the attribute `shape`."""
    for part in ("data", "indices", "indptr"):
        values = getattr(rows, part)
        add_dataset(file, f"{name}/{part}", values.shape, values.dtype)[...] = values
    file[name].attrs["shape"] = rows.shape


def rows_of(file: h5py.File, name: str) -> h5py.Dataset | sparse.csr_array:
    """Rows of an open file: a data set to be read by slices (strings as str), or sparse rows stored by `add_csr`.

    Raises
    ------
    InputError
        When the name is none of the file's; lists those there are.
    """
    import h5py
    from scipy import sparse

    with _whole(file.filename, KeyError, RuntimeError, ValueError, TypeError):  # of h5py, over a damaged file
        if name not in file:
            raise InputError(f"{file.filename}: no data set {name!r}; it has {', '.join(sorted(map(str, file)))}")
        found = file[name]
        if isinstance(found, h5py.Dataset):
            return found.asstr() if h5py.check_string_dtype(found.dtype) else found
        parts = [found[part][...] for part in ("data", "indices", "indptr")]
        return sparse.csr_array(tuple(parts), shape=tuple(found.attrs["shape"]))


@contextmanager
def _whole(path: str | os.PathLike[str], *faults: type[Exception]) -> Iterator[None]:
    """These errors, and those of HDF5 itself, as an InputError: the file was opened, but is damaged inside."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        of_system = getattr(error, "errno", None) is not None  # of whatever file
        if of_system or not isinstance(error, (OSError, *faults)):
            raise
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: damaged inside ({reason}); delete it and run again") from None


def check_readable(path: str | os.PathLike[str]) -> None:
    """InputError when there is no such file; the system's own error for a folder, and for what is not ours to read.

    Libraries hide those two in errors of their own, which sound like those over a damaged file.
    """
    try:
        with open(path, "rb"):
            pass
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None


@contextmanager
def open_hdf5(path: str | os.PathLike[str]) -> Iterator[h5py.File]:
    """Yield an HDF5 file to read by slices; InputError when it is missing, half-written or no HDF5."""
    import h5py

    _announce(path)
    check_readable(path)
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: not a whole HDF5 file ({reason}); delete it and run again") from None
    with file, _whole(path):
        yield file


def read_hdf5(path: str | os.PathLike[str], *names: str) -> list[np.ndarray]:
    """Read whole data sets by name; InputError that lists the names there are when one is missing."""
    with open_hdf5(path) as file:
        return [rows_of(file, name)[...] for name in names]


# --- weights --------------------------------------------------------------------------------------------------------


def write_weights(
    path: str | os.PathLike[str], state: Mapping[str, torch.Tensor], architecture: Mapping[str, Any]
) -> None:
    """Write weights as safetensors, with the architecture as JSON in the file's header.

    Parameters
    ----------
    state : tensors by name, as `module.state_dict()` gives them.
    architecture : what it takes to build the module, in JSON's types.
    """
    from safetensors.torch import save

    # cloned: safetensors refuses tensors that share memory, as tied weights do
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in state.items()}
    # a single metadata key: the header's map has no order of its own
    content = save(tensors, metadata={"architecture": json.dumps(_plain(architecture))})
    with atomic(path) as temporary:
        temporary.write_bytes(content)


def read_weights(path: str | os.PathLike[str]) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Read weights and architecture; InputError when the file is not whole. No pickle is involved."""
    from safetensors import SafetensorError, safe_open

    _announce(path)
    check_readable(path)
    try:
        with safe_open(path, framework="pt") as file:
            architecture = json.loads((file.metadata() or {}).get("architecture", "{}"))
            if not isinstance(architecture, dict):
                raise ValueError(f"the architecture is a {type(architecture).__name__}, no mapping")
            return {name: file.get_tensor(name) for name in file.keys()}, architecture  # noqa: SIM118 not a dict
    except (SafetensorError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not a whole safetensors file ({error}); delete it and run again") from None
