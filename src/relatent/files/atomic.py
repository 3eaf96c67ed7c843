"""Write files completely or not at all."""

from __future__ import annotations

import glob
import os
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from relatent.errors import InputError


@contextmanager
def atomic(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it becomes `path`, on failure it is removed.

    Parameters
    ----------
    path : file to write; its folder is made if it is missing.

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
    # keep the suffix: some writers choose the format by it
    temporary = target.with_name(f".{target.stem}.{uuid.uuid4().hex[:8]}.tmp{target.suffix}")
    for leftover in target.parent.glob(f".{glob.escape(target.stem)}.*.tmp{glob.escape(target.suffix)}"):
        # left by a killed writer: a target has one writer at a time
        leftover.unlink(missing_ok=True)
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


def announce(path: str | os.PathLike[str]) -> None:
    """Tell Python's audit hooks about a file that native code is about to read, as `open` does."""
    sys.audit("open", os.fspath(path), "rb", os.O_RDONLY)


def check_readable(path: str | os.PathLike[str]) -> None:
    """Raise InputError if the file is missing, and the system's own error if it cannot be read.

    Libraries report a folder or a forbidden file with errors that sound like those of a damaged
    file.
    """
    try:
        with open(path, "rb"):
            pass
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
