"""Repair what a killed run or a damaged disk left, at the start of the next run.

The Snakefile calls `recover`. While a snakemake or one of its jobs lives, it holds a lock, which
the kernel frees when the process ends in any way. A process that gets the lock alone knows that
nothing else runs here. Then a lock file of Snakemake's is stale, and an artifact that fits neither
Snakemake's record of its job nor dvc.lock was cut off or damaged.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

FOLDER = Path(".snakemake")
RUN, JOBS = FOLDER / "run.lock", FOLDER / "jobs.lock"
# put before each job's command: its shell and all that it starts hold the lock until the last one
# ends
HOLD = (
    f"test -f {JOBS} && exec 9<{JOBS} && {shlex.quote(sys.executable)} -SE"
    " -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_SH)' 2>/dev/null || true; "
)

# set by the bridge, which runs no jobs; `snakemake` calls it at the end, and it may outlive
# snakemake
bridging = False
_held: list[IO[Any]] = []  # open until this process ends, which keeps the lock


def recover(artifacts: Iterable[str]) -> None:
    """Wait for jobs of a killed run, drop its lock, and have unconfirmed artifacts made again.

    Nothing is touched while another snakemake runs in this folder, or while a cluster may still run
    jobs of a killed one: Snakemake then reports what to do.
    """
    if bridging and _held:  # this process has checked already, and would wait for itself
        return
    artifacts = list(artifacts)
    try:
        FOLDER.mkdir(exist_ok=True)
        run, jobs = RUN.open("a+b"), JOBS.open("a+b")
    except OSError:  # read-only folder: nothing can run here
        return
    if _lock(run, fcntl.LOCK_EX | fcntl.LOCK_NB) and not _submitted(artifacts):
        _wait(jobs)
        shutil.rmtree(FOLDER / "locks", ignore_errors=True)
        make_again(unvouched(artifacts))
    kept, dropped = (jobs, run) if bridging else (run, jobs)
    _lock(kept, fcntl.LOCK_SH)  # held as long as this process lives, for later processes to see
    dropped.close()
    _held.append(kept)
    if not bridging and Path(".dvc").is_dir() and "DVC_STAGE" not in os.environ and unrecorded(artifacts):
        restore = [sys.executable, str(Path(__file__).parent), "restore"]
        # tells Snakemake what DVC knows: as recorded, or to be made again
        subprocess.run(restore, check=False)


def unrecorded(artifacts: Iterable[str]) -> list[str]:
    """List artifacts without a record in Snakemake, which would overlook their changes.

    Those that it makes again anyway are left out.
    """
    store = _store()
    found = [path for path in artifacts if Path(path).is_file() and store._read_record(path) is None]
    return sorted({*found} - set(store._filter_incomplete_keys(found)))


def _wait(jobs: IO[Any]) -> None:
    """Wait until no job is left that a killed snakemake had started."""
    if not _lock(jobs, fcntl.LOCK_EX | fcntl.LOCK_NB):
        print("jobs or a commit of a killed run still run here: waiting for their end", file=sys.stderr)
        _lock(jobs, fcntl.LOCK_EX)


def _lock(file: IO[Any], how: int) -> bool:
    try:
        fcntl.flock(file, how)
    except OSError:  # held by another process, or the file system has no locks
        return False
    return True


def unvouched(artifacts: Iterable[str]) -> list[str]:
    """List artifacts written after their job's record, or without one, that do not fit dvc.lock.

    In a folder without a dvc.lock, such as demo/, only the record counts.
    """
    store = _store()
    suspects = [
        path for path in artifacts if Path(path).is_file() and Path(path).stat().st_mtime != _written(store, path)
    ]
    known = committed() if suspects else {}
    return [path for path in suspects if known.get(path) != _md5(path)]


def recorded() -> dict[str, Any]:
    """Return the stages of dvc.lock by name; empty if it is missing or damaged."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return dict(YAML(typ="safe").load(Path("dvc.lock"))["stages"])
    except (OSError, ValueError, TypeError, KeyError, YAMLError):
        return {}


def committed() -> dict[str, str]:
    """Return the md5 of each artifact in dvc.lock; empty if it is missing or damaged."""
    try:
        return {out["path"]: out["md5"] for stage in recorded().values() for out in stage.get("outs", [])}
    except (TypeError, KeyError, AttributeError):
        return {}


def _md5(path: str) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "md5").hexdigest()


def make_again(paths: list[str], why: str = "not as their jobs left them") -> None:
    """Make Snakemake consider these artifacts incomplete, so that jobs run; print one line."""
    paths = [path for path in paths if Path(path).exists()]
    if not paths:
        return
    shown = ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
    print(f"{why}, to be made again: {shown}", file=sys.stderr)
    store = _store()
    for path in paths:
        store._mark_incomplete(path, None)


# --- Snakemake's records: private calls, its version is pinned ------------------------------------


def _submitted(artifacts: list[str]) -> bool:
    """Check for unfinished jobs on a cluster, whose nodes may not share locks with us."""
    store = _store()
    return bool(store._get_external_jobids(store._filter_incomplete_keys(artifacts)))


def _store() -> Any:
    from snakemake.persistence.file import FilePersistence

    return FilePersistence()


def _written(store: Any, path: str) -> float | None:
    """Return when an artifact was last written, as recorded at the end of its job."""
    record = store._read_record(path)
    return None if record is None else record.endtime
