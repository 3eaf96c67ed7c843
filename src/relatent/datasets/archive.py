"""Read archives from others safely, and write the canonical tar in which a data set is kept.

A canonical tar depends only on its members' paths and bytes: it is uncompressed, ustar, sorted by
path, with mode 0644, owner 0, time 0. Its bytes are the same whatever archive it came from, and any
member can be read at its offset.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, NamedTuple

from relatent.errors import InputError
from relatent.files.atomic import atomic

BLOCK_BYTES = 2**20
HEADER_BYTES = 4096  # tar's overhead per member: its headers and its folder's, padding, long names


class Content(NamedTuple):
    """Identity of a data set, whatever archive holds it.

    `digest` is the sha256 of one line `<sha256 of the bytes>  <path>` per member, sorted by path.
    """

    members: int
    bytes: int
    digest: str


class Member(NamedTuple):
    """File in a canonical tar (or a spool): its path, and where its bytes lie."""

    path: str
    offset: int
    size: int


def content(members: Iterable[tuple[str, str, int]]) -> Content:
    """Compute the content digest of (path, sha256 of the bytes, size), in any order.

    Examples
    --------
    >>> content([]).digest[:8]
    'e3b0c442'
    """
    rows = sorted(members)
    lines = "".join(f"{sha256}  {path}\n" for path, sha256, _ in rows)
    total_bytes = sum(size for _, _, size in rows)
    return Content(len(rows), total_bytes, hashlib.sha256(lines.encode()).hexdigest())


# --- foreign archives -----------------------------------------------------------------------------


def canonical_tar(source: Path, target: Path, expected: Content) -> Content:
    """Rewrite any tar or tar.gz as a canonical tar, and verify its content.

    Parameters
    ----------
    source : the archive; it is not trusted.
    target : the canonical tar; it appears only when it is complete and verified.
    expected : content to verify against; its numbers of members and bytes limit the extraction.

    Returns
    -------
    Content
        Equal to `expected`.

    Raises
    ------
    InputError
        If the archive is damaged, has an unsafe member, exceeds the limits, or has other content.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=target.parent, prefix=f".{target.stem}.") as spool:
        try:
            with source.open("rb") as raw:
                members = sorted(_spool(_opened(raw), spool, expected))
        except InputError as error:
            raise InputError(f"{source}: {error}") from None
        # ValueError: int() raises it in tarfile for a garbage header
        except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, ValueError) as error:
            raise InputError(
                f"{source}: truncated or damaged archive ({error}); delete it and fetch it again"
            ) from None
        with atomic(target) as temporary:
            found = _write(temporary, ((m.path, read_member(spool, m)) for m in members))
            if found != expected:
                raise InputError(_difference(source, expected=expected, found=found))
    return found


def _opened(raw: BinaryIO) -> BinaryIO | gzip.GzipFile:
    magic = raw.read(2)
    raw.seek(0)
    return gzip.GzipFile(fileobj=raw) if magic == b"\x1f\x8b" else raw


class _Bounded:
    """Stream that gives at most a number of bytes, so that no archive fills memory or disk."""

    def __init__(self, stream: BinaryIO | gzip.GzipFile, limit_bytes: int) -> None:
        self.stream, self.limit_bytes, self.read_bytes = stream, limit_bytes, 0

    def read(self, size: int) -> bytes:
        data = self.stream.read(size)
        self.read_bytes += len(data)
        if self.read_bytes > self.limit_bytes:
            raise InputError(f"unpacks to more than the {self.limit_bytes:,} bytes allowed; refused")
        return data


def _spool(stream: BinaryIO | gzip.GzipFile, spool: BinaryIO, limit: Content) -> Iterator[Member]:
    """Append each member's bytes to `spool`, in the archive's order."""
    bounded = _Bounded(stream, limit.bytes + HEADER_BYTES * (limit.members + 32))
    seen: set[str] = set()
    unpacked_bytes = 0
    with tarfile.open(fileobj=bounded, mode="r|") as tar:  # type: ignore[call-overload]
        for info in tar:
            if info.isdir():
                continue
            path = _safe_path(info)
            unpacked_bytes += info.size
            if path in seen:
                raise InputError(f"member {path!r} is there twice; refused")
            seen.add(path)
            if len(seen) > limit.members or unpacked_bytes > limit.bytes:
                raise InputError(f"exceeds the registry's {limit.members:,} members or {limit.bytes:,} bytes; refused")
            yield Member(path, spool.tell(), _copy(tar.extractfile(info), spool, info))
    while bounded.read(BLOCK_BYTES):  # read to the end, where gzip verifies its checksum
        pass


def _safe_path(info: tarfile.TarInfo) -> str:
    """Return the normalised path of a regular file; refuse anything else."""
    path = PurePosixPath(info.name)
    if not info.isreg() or info.issparse():
        kind = "link" if info.issym() or info.islnk() else "special file"
        raise InputError(f"member {info.name!r} is a {kind}, only regular files are allowed; refused")
    odd = "\\" in info.name or not info.name.isprintable()
    if path.is_absolute() or ".." in path.parts or not path.parts or odd:
        raise InputError(f"member {info.name!r} would leave the folder, paths must stay inside; refused")
    return str(path)


def _copy(source: IO[bytes] | None, spool: BinaryIO, info: tarfile.TarInfo) -> int:
    copied = 0
    while source is not None and (block := source.read(BLOCK_BYTES)):
        copied += spool.write(block)
    if copied != info.size:
        raise EOFError(f"{info.name} has {copied} of {info.size} bytes")
    return copied


def _difference(source: Path, *, expected: Content, found: Content) -> str:
    return (
        f"{source}: wrong content: expected {expected.members:,} members, {expected.bytes:,} bytes, "
        f"digest {expected.digest}, got {found.members:,} members, {found.bytes:,} bytes, "
        f"digest {found.digest}; delete it and fetch it again"
    )


# --- canonical tars -------------------------------------------------------------------------------


def write_tar(target: Path, members: Iterable[tuple[str, bytes]]) -> Content:
    """Write (path, bytes), given in the order of their paths, as a canonical tar, atomically."""
    with atomic(target) as temporary:
        return _write(temporary, members)


def _write(path: Path, members: Iterable[tuple[str, bytes]]) -> Content:
    rows: list[tuple[str, str, int]] = []
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in members:
            if rows and name <= rows[-1][0]:
                raise ValueError(f"members must be sorted by path, got {name!r} after {rows[-1][0]!r}")
            # TarInfo's defaults are mode 0644, owner 0, time 0, no names
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
            tar.members.clear()  # type: ignore[attr-defined]  # else every header stays in memory
            rows.append((name, hashlib.sha256(data).hexdigest(), len(data)))
    return content(rows)


def index_tar(path: Path) -> list[Member]:
    """List a canonical tar's members with the offsets of their bytes; InputError if incomplete."""
    try:
        with path.open("rb") as stream:
            size = _check_end(stream)
            whole = _Clamped(stream, size)
            # strict: our own tars have UTF-8 names only
            with tarfile.open(fileobj=whole, mode="r:", errors="strict") as tar:  # type: ignore[call-overload]
                return list(_members(tar, size))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; fetch the data set first") from None
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
        raise InputError(f"{path}: not a whole canonical tar ({error}); delete it and fetch it again") from None


class _Clamped:
    """File that is never asked for more bytes than it has.

    A header may state any size, and tarfile would allocate memory for it.
    """

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self.stream, self.size = stream, size
        self.seek, self.tell = stream.seek, stream.tell

    def read(self, size: int) -> bytes:
        return self.stream.read(min(size, max(0, self.size - self.tell())))


def _members(tar: tarfile.TarFile, size: int) -> Iterator[Member]:
    while (info := tar.next()) is not None:
        tar.members.clear()  # type: ignore[attr-defined]  # else every header stays in memory
        if not info.isreg() or info.size < 0 or info.offset_data + info.size > size:
            raise EOFError(f"member {info.name!r} of {info.size:,} bytes is no file that lies in it")
        yield Member(info.name, info.offset_data, info.size)


def _check_end(stream: BinaryIO) -> int:
    """Check that a tar ends with its closing zero blocks, and return its size.

    A tar that was cut between two members reads as a shorter tar.
    """
    size = stream.seek(0, 2)
    stream.seek(max(0, size - 2 * tarfile.BLOCKSIZE))
    if size % tarfile.RECORDSIZE or stream.read().strip(b"\0"):
        raise EOFError("truncated, or compressed: its end is missing")
    stream.seek(0)
    return size


def read_member(stream: BinaryIO, member: Member) -> bytes:
    """Read the bytes of one member; `stream` is the tar, opened for reading in binary."""
    stream.seek(member.offset)
    return stream.read(member.size)
