"""`kernel` compiles a function as numba's `njit(cache=True)` does, and keeps its machine code where
no edit is missed.

numba keys the machine code of a function by the file that holds it
(https://github.com/numba/numba/issues/1833). What the function calls is compiled into it, so an
edit of a callee in another file goes unnoticed. Here the folder is named by a digest of every
source that a kernel can reach, and of the versions that compile it; a file in it by a digest of the
function, the types, the processor and the options. Other people's functions are cached as they
were.

This module imports numba.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import pickle
import re
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import llvmlite  # type: ignore[import-untyped]
import numba
import numpy as np
from numba.core import caching, config

PACKAGE = Path(__file__).parents[1]
KERNELS = re.compile(r"^\s*(?:from|import)\s+(?:numba|relatent\.machine\.numba_cache)\b", re.M)
IMPORTS = re.compile(r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import[ \t]+(\([^)]*\)|.*)|import[ \t]+(.*))", re.M)
# a folder that no process has opened for so long is removed: each edit of a kernel leaves one
# behind
DAYS = 30
# of numba
OPTIONS = ("OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "BOUNDSCHECK", "DEBUGINFO_DEFAULT", "USING_SVML")


class Sources(NamedTuple):
    """The sources that compiled code can come from, as they were when this process began to import
    them."""

    digest: str
    stamps: dict[str, tuple[Path, Any]]  # of each module


def read_sources() -> Sources:
    """Hash all modules that import numba or this one, and whatever of the package they import."""
    paths = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}
    # before the text: an edit between is seen
    stamps = {name: (path, stamp(path)) for name, path in paths.items()}
    texts = {name: path.read_bytes() for name, path in paths.items()}
    names = sorted(reached({name: text.decode() for name, text in texts.items()}))
    versions = sys.version, numba.__version__, llvmlite.__version__, np.__version__
    parts = [repr(versions).encode(), *(part for name in names for part in (name.encode(), texts[name]))]
    digest = hashlib.sha256(b"".join(b"%d:%b" % (len(part), part) for part in parts)).hexdigest()
    return Sources(digest[:32], {name: stamps[name] for name in names})


def module_name(path: Path) -> str:
    """The dotted name of a module of this package."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def reached(texts: dict[str, str]) -> set[str]:
    """Modules that hold kernels, and all that these import: a constant of theirs may be compiled
    in."""
    found: set[str] = set()
    waiting = {name for name, text in texts.items() if "numba" in text and KERNELS.search(text)}
    while waiting:
        found |= waiting
        waiting = set().union(*(imported(texts[name], texts) for name in waiting)) - found
    return found


def imported(text: str, known: Iterable[str]) -> set[str]:
    """Modules among the known ones that a source imports by their full names, anywhere in it."""
    found = set()
    for parent, names, plain in IMPORTS.findall(text):
        found |= set(re.findall(r"[\w.]+", plain))
        for name in re.findall(r"[\w*]+", names):
            found.add(f"{parent}.{name}" if f"{parent}.{name}" in known else parent)
    return found & set(known)


def stamp(path: Path) -> Any:
    """What changes when a file is written or replaced; None where there is none."""
    with contextlib.suppress(OSError):
        found = path.stat()
        return found.st_mtime_ns, found.st_size, found.st_ino
    return None


def unchanged() -> bool:
    """Are the sources as they were? If not, what was imported may be older or newer than the
    digest."""
    return all(stamp(path) == before for path, before in SOURCES.stamps.values())


def parents() -> Iterator[Path]:
    """Folders for caches, best first: the one given to numba, the user's cache directory, a private
    temporary one."""
    if chosen := getattr(config, "CACHE_DIR", ""):
        yield Path(chosen, "relatent").absolute()
    given = os.environ.get("XDG_CACHE_HOME", "")
    cache = given if os.path.isabs(given) else os.path.expanduser("~/.cache")
    if os.path.isabs(cache):  # no user, no home
        yield Path(cache, "relatent", "numba")
    # no temporary folder; no user ids on Windows
    with contextlib.suppress(OSError, AttributeError):
        temporary = Path(tempfile.gettempdir(), f"relatent-numba-{os.getuid()}")
        temporary.mkdir(mode=0o700, exist_ok=True)
        found = temporary.lstat()  # machine code is run: nobody else may have put it there
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077:
            yield temporary


def open_folder(digest: str) -> Path | None:
    """The first folder of this name that can be written; its time says that it was used. None:
    nothing is cached."""
    for parent in parents():
        folder = parent / digest
        with contextlib.suppress(OSError):
            is_new = not folder.exists()
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
            os.utime(folder)
            if is_new:
                remove_unused(parent)
            return folder
    return None


def remove_unused(parent: Path) -> None:
    """Remove folders of digests that no process has opened for `DAYS` days; one that does so now
    compiles again."""
    for folder in parent.iterdir():
        if re.fullmatch("[0-9a-f]{32}", folder.name) and folder.lstat().st_mtime < time.time() - DAYS * 86_400:
            shutil.rmtree(folder, ignore_errors=True)


class _Locator(caching.InTreeCacheLocator):
    def __init__(self, py_func: Any, py_file: str) -> None:
        super().__init__(py_func, py_file)
        self._cache_path = str(FOLDER)


class _Implementation(caching.CompileResultCacheImpl):
    _locator_classes = [_Locator]  # noqa: RUF012 - numba's own is a list


class _Files(caching.IndexDataCacheFile):
    """A file for each key. numba's index can mix up two that are saved at once, and then runs code
    for other types."""

    def load(self, key: Any) -> Any:
        """The data saved with the key; None where there are none, or a crash has spoilt them."""
        with contextlib.suppress(OSError, EOFError, ValueError, pickle.UnpicklingError):
            saved, data = self._load_data(self._name(key))
            return data if saved == key else None
        return None

    def save(self, key: Any, data: Any) -> None:
        """Put a file in place at once."""
        self._save_data(self._name(key), (key, data))

    def _name(self, key: Any) -> str:
        return self._data_name(int.from_bytes(hashlib.sha256(repr(key).encode()).digest()[:16], "big"))


class KernelCache(caching.FunctionCache):
    """numba's cache of one function, in our folder."""

    _impl_class = _Implementation

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._cache_file = _Files(self._cache_path, self._impl.filename_base, None)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The code for these types, None where it has to be compiled."""
        return super().load_overload(sig, target_context) if unchanged() else None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the code, if it can be: a full disk is no reason to stop."""
        if unchanged():
            with contextlib.suppress(OSError):
                super().save_overload(sig, data)

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        options = tuple(str(getattr(config, name, None)) for name in OPTIONS)
        return *super()._index_key(sig, codegen), options  # numba's own has the processor


def kernel(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Compile a function of this package on its first call, without the GIL, or load what an
    earlier process compiled.

    Options are those of `numba.njit`.
    """
    if function is None:
        return functools.partial(kernel, **options)
    compiled = numba.njit(nogil=True, **options)(function)
    is_hashed = function.__module__ in SOURCES.stamps
    # else NUMBA_DISABLE_JIT is set
    if FOLDER is not None and is_hashed and hasattr(compiled, "enable_caching"):
        compiled._cache = KernelCache(function)
    return compiled


SOURCES = read_sources()
FOLDER = open_folder(SOURCES.digest)
