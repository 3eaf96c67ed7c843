"""Read and write MNIST's gzipped idx files (LeCun et al., 1998), by blocks.

An idx file is a big-endian header, then bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from relatent.datasets.archive import Content, content
from relatent.errors import InputError
from relatent.files.atomic import atomic

PREFIX = {"train": "train", "test": "t10k"}
SIDE_PX = 28
UNSIGNED_BYTE = 0x08  # the only idx type code that MNIST uses


def paths(folder: Path, split: str) -> tuple[Path, Path]:
    """Return the image file and the label file of a split, "train" or "test"."""
    if split not in PREFIX:
        raise InputError(f"split must be one of {', '.join(PREFIX)}, got {split!r}")
    prefix = PREFIX[split]
    return folder / f"{prefix}-images-idx3-ubyte.gz", folder / f"{prefix}-labels-idx1-ubyte.gz"


def read_mnist(folder: Path, split: str, *, block: int = 10_000) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Read a split by blocks of rows, in the files' order.

    Parameters
    ----------
    folder : folder of the four idx files that `download.fetch` writes.
    split : "train" or "test".
    block : int, default 10,000. Rows per block; the last block may be shorter.

    Yields
    ------
    images : uint8 array of shape (n, 28, 28)
        0 is background, 255 is ink.
    labels : uint8 array of shape (n,)

    Raises
    ------
    InputError
        If a file is missing, truncated or not an idx file, or the two differ in length.
    """
    if block < 1:
        raise ValueError(f"block must be at least 1, got {block}")
    image_path, label_path = paths(Path(folder), split)
    with _open(image_path) as image_stream, _open(label_path) as label_stream:
        n, *sides = _read_header(image_stream, image_path, n_dims=3)
        (n_labels,) = _read_header(label_stream, label_path, n_dims=1)
        if sides != [SIDE_PX, SIDE_PX]:
            raise InputError(f"{image_path}: images must be 28x28, got {sides[0]}x{sides[1]}")
        if n != n_labels:
            raise InputError(f"{folder}: {split} has {n} images but {n_labels} labels; fetch them again")
        for start in range(0, n, block):
            rows = min(block, n - start)
            images = _read_bytes(image_stream, image_path, rows * SIDE_PX**2)
            labels = _read_bytes(label_stream, label_path, rows)
            yield images.reshape(rows, SIDE_PX, SIDE_PX), labels  # (rows, 28, 28), (rows,)
        for stream, path in ((image_stream, image_path), (label_stream, label_path)):
            if _read(stream, path, 1):
                raise InputError(f"{path}: more bytes than its header's {n} rows; fetch it again")


def _open(path: Path) -> gzip.GzipFile:
    try:
        return gzip.open(path, "rb")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; fetch the data set first") from None


def _read(stream: gzip.GzipFile, path: Path, size: int) -> bytes:
    try:
        return stream.read(size)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path}: truncated or damaged gzip ({error}); delete it and fetch it again") from None


def _read_bytes(stream: gzip.GzipFile, path: Path, size: int) -> np.ndarray:
    data = _read(stream, path, size)
    if len(data) != size:
        raise InputError(f"{path}: truncated, {size - len(data)} bytes missing; delete it and fetch it again")
    return np.frombuffer(data, np.uint8)


def _read_header(stream: gzip.GzipFile, path: Path, *, n_dims: int) -> tuple[int, ...]:
    header = _read(stream, path, 4 + 4 * n_dims)
    expected = bytes((0, 0, UNSIGNED_BYTE, n_dims))
    if header[:4] != expected:
        raise InputError(
            f"{path}: not an idx file of {n_dims} dimensions: it must begin with {expected.hex()}, "
            f"got {header[:4].hex() or 'nothing'}; delete it and fetch it again"
        )
    if len(header) != 4 + 4 * n_dims:
        raise InputError(f"{path}: truncated in its header; delete it and fetch it again")
    return struct.unpack(f">{n_dims}I", header[4:])


def write_idx(path: Path, array: np.ndarray) -> None:
    """Write a uint8 array of up to 255 axes as a gzipped idx file; equal arrays give equal bytes.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_idx(folder / "train-images-idx3-ubyte.gz", np.zeros((2, 28, 28), np.uint8))
    >>> write_idx(folder / "train-labels-idx1-ubyte.gz", np.array([7, 3], np.uint8))
    >>> [labels.tolist() for _, labels in read_mnist(folder, "train")]
    [[7, 3]]
    """
    if array.dtype != np.uint8:
        raise ValueError(f"array must be uint8, got {array.dtype}")
    header = bytes((0, 0, UNSIGNED_BYTE, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    # no name and no time in the gzip header, so that equal arrays give equal bytes
    with (
        atomic(path) as temporary,
        temporary.open("wb") as raw,
        gzip.GzipFile("", "wb", 9, raw, mtime=0) as stream,
    ):
        stream.write(header)
        stream.write(np.ascontiguousarray(array).data)


def mnist_content(folder: Path) -> Content:
    """Compute the content of the four files, unpacked: gzip's own bytes may differ."""
    return content(_unpacked(path) for split in PREFIX for path in paths(folder, split))


def _unpacked(path: Path) -> tuple[str, str, int]:
    sha256, size = hashlib.sha256(), 0
    with _open(path) as stream:
        while data := _read(stream, path, 2**20):
            sha256.update(data)
            size += len(data)
    return path.name.removesuffix(".gz"), sha256.hexdigest(), size
