"""Seal a job: let it read only declared files and its environment, and write only declared files.

There are two guards, since each sees what the other cannot. Landlock, in the kernel, also stops
native code and child processes, but it works by folders: a job that may write a file may write its
whole folder. Python's audit hook works by files and gives a refusal its message, but it sees only
what Python opens or what is reported by `sys.audit`. Both guard against mistakes, not malice.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from relatent.jobs import landlock
from relatent.jobs.audit import Seal, SealedError, place

PACKAGE = Path(__file__).resolve().parent.parent
SYSTEM = ["/bin", "/etc", "/lib", "/lib32", "/lib64", "/nix", "/opt", "/run", "/sbin", "/sys", "/usr", "/var/cache"]
DEVICES = ["/dev", "/proc"]  # also writable: shared memory, GPUs, a process's own memory peak
# paths that the stage data reads
FETCHING = ("RELATENT_MIRROR", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")

_active: list[Seal] = []  # at most one; it is never removed


def sealed_from(job: str, reads: Sequence[Path], writes: Sequence[Path]) -> None:
    """Seal this process as a job of the stage whose module it runs, unless RELATENT_UNSEALED=1."""
    if not os.environ.get("RELATENT_UNSEALED"):
        module = sys.modules["__main__"].__spec__
        seal(job, reads=reads, writes=writes, network=module is not None and module.name == "relatent.stages.data")


def seal(job: str, *, reads: Sequence[Path], writes: Sequence[Path], network: bool = False) -> None:
    """Restrict this process and all that it starts to these files, its environment and checkpoints.

    Call this before there are threads: Landlock does not restrict threads that already run.

    Parameters
    ----------
    job : name of the job in the message of a refusal.
    reads : files and folders that it reads, beside params.yaml.
    writes : files that it writes, through temporary files `.<stem>.*` beside them; their folders
        are made.
    network : bool, default False. Allow the network, and unfinished downloads in data/downloads.
        Otherwise, all network calls of Python and TCP of native code are refused.
    """
    own = [Path("checkpoints"), *([Path("data/downloads")] if network else [])]
    beside: dict[str, tuple[str, ...]] = {}
    for folder in {*own, *(path.parent for path in writes)}:
        folder.mkdir(parents=True, exist_ok=True)
    for path in writes:
        parent = os.path.realpath(path.parent)
        beside[parent] = (*beside.get(parent, ()), f".{path.stem}.")
    temporary = _temporary()
    read = [*reads, Path("params.yaml")]
    # files of this folder are checked one by one
    grants = _grant("r", _environment(network)) | {os.getcwd(): ""}
    grants |= _grant("r", read) | dict.fromkeys(map(place, read), "r")
    grants |= _grant("rw", [*own, *_caches(), *DEVICES, temporary]) | dict.fromkeys(map(place, writes), "rw")
    if landlock.version():
        whole = {path: how for path, how in grants.items() if how} | dict.fromkeys(beside, "rw")
        landlock.restrict({os.path.dirname(temporary): "rmdir"} | whole, network=network)
    _active.append(Seal(job, grants, beside, network))
    sys.addaudithook(_active[0].audit)


def _grant(how: str, paths: Sequence[str | Path]) -> dict[str, str]:
    return {os.path.realpath(path): how for path in paths}


def _environment(network: bool) -> list[str | Path]:
    """List what every job may read: the system, Python, its libraries, our modules."""
    named = [*sys.path, *os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)]
    named += [os.environ.get(name, "") for name in FETCHING if network]
    return [*SYSTEM, sys.prefix, sys.base_prefix, PACKAGE, *named]


def _caches() -> list[Path]:
    """Make the folders where libraries cache fonts of this machine and code compiled for it."""
    homes = [os.environ.get("XDG_CACHE_HOME", "~/.cache"), os.environ.get("XDG_CONFIG_HOME", "~/.config")]
    folders = [Path(home).expanduser() / name for home in homes for name in ("matplotlib", "relatent")]
    folders += [Path(os.environ[name]) for name in ("MPLCONFIGDIR", "NUMBA_CACHE_DIR") if name in os.environ]
    folders += [path.parent / "__pycache__" for path in PACKAGE.rglob("__init__.py")]
    for folder in folders:
        with suppress(OSError):  # not writable: then nothing is cached
            folder.mkdir(parents=True, exist_ok=True)
    return folders


def _temporary() -> str:
    """Make a folder for this process's temporary files only; it is removed at the end."""
    folder = os.path.realpath(tempfile.mkdtemp(prefix="relatent-"))
    tempfile.tempdir = os.environ["TMPDIR"] = folder
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def refusal(error: BaseException | None) -> str | None:
    """Return the message of an error that the seal caused, also through others; else None."""
    while error is not None and _active:
        if isinstance(error, SealedError):
            return error.strerror
        text = f"{error} {getattr(error, 'stderr', '')}"
        # Landlock refused native code or a child process, whose error may be plain text
        if "ermission denied" in text:
            named = re.search(r"(?:name = |denied: )'([^']+)'", text)
            if named is None or _active[0].allows(named[1]) != "rw":
                return _active[0].refused(named[1] if named else "what native code opened").strerror
        error = error.__cause__ or error.__context__
    return None
