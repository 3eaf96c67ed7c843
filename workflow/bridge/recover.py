"""What a killed run or a damaged disk leaves, put right at the start of the next run: the Snakefile calls `recover`.

While a snakemake lives, or a job of one, it holds a lock that the kernel frees at its end, however that comes. So who
gets the lock alone knows that nothing else runs here: that a lock file of Snakemake's is stale, and that an artifact
which is neither as Snakemake's record of its job has it nor as dvc.lock has it was cut off or damaged.
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
# Before each job's command: its shell and all that it starts hold the lock until the last of them ends.
HOLD = (
    f"test -f {JOBS} && exec 9<{JOBS} && {shlex.quote(sys.executable)} -SE"
    " -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_SH)' 2>/dev/null || true; "
)

bridging = False  # set by the bridge, which runs no jobs: as `snakemake` ends with it, it may outlive that like a job
_held: list[IO[Any]] = []  # open until this process ends, and with it the lock


def recover(artifacts: Iterable[str]) -> None:
    """Wait for jobs of a killed run, drop its lock, and have artifacts made again that nobody vouches for.

    While another snakemake runs in this folder, or where a cluster may still run jobs of a killed one, nothing is
    touched: what is to be done then is Snakemake's to say.
    """
    if bridging and _held:  # this process has looked already, and would wait for itself
        return
    artifacts = list(artifacts)
    try:
        FOLDER.mkdir(exist_ok=True)
        run, jobs = RUN.open("a+b"), JOBS.open("a+b")
    except OSError:  # a folder to read only: nothing can run here
        return
    if _lock(run, fcntl.LOCK_EX | fcntl.LOCK_NB) and not _submitted(artifacts):
        _wait(jobs)
        shutil.rmtree(FOLDER / "locks", ignore_errors=True)
        make_again(unvouched(artifacts))
    kept, dropped = (jobs, run) if bridging else (run, jobs)
    _lock(kept, fcntl.LOCK_SH)  # as long as this process lives: later ones see it
    dropped.close()
    _held.append(kept)
    if not bridging and Path(".dvc").is_dir() and "DVC_STAGE" not in os.environ and unrecorded(artifacts):
        restore = [sys.executable, str(Path(__file__).parent), "restore"]
        subprocess.run(restore, check=False)  # says of each what DVC knows: as recorded, or to be made again


def unrecorded(artifacts: Iterable[str]) -> list[str]:
    """Artifacts that Snakemake has no record of, whose changes it would overlook, but for those that it makes again."""
    store = _store()
    found = [path for path in artifacts if Path(path).is_file() and store._read_record(path) is None]
    return sorted({*found} - set(store._filter_incomplete_keys(found)))


def _wait(jobs: IO[Any]) -> None:
    """Until no job is left that a killed snakemake had started."""
    if not _lock(jobs, fcntl.LOCK_EX | fcntl.LOCK_NB):
        print("jobs or a commit of a killed run still run here: waiting for their end", file=sys.stderr)
        _lock(jobs, fcntl.LOCK_EX)


def _lock(file: IO[Any], how: int) -> bool:
    try:
        fcntl.flock(file, how)
    except OSError:  # held by another, or a file system without locks
        return False
    return True


def unvouched(artifacts: Iterable[str]) -> list[str]:
    """Artifacts that were written to since their job's record, or have none, and whose bytes are not dvc.lock's.

    In a folder without a dvc.lock, such as demo/, the record is the one witness.
    """
    store = _store()
    suspects = [
        path for path in artifacts if Path(path).is_file() and Path(path).stat().st_mtime != _written(store, path)
    ]
    known = committed() if suspects else {}
    return [path for path in suspects if known.get(path) != _md5(path)]


def recorded() -> dict[str, Any]:
    """The stages of dvc.lock by name; none when it is missing or damaged."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return dict(YAML(typ="safe").load(Path("dvc.lock"))["stages"])
    except (OSError, ValueError, TypeError, KeyError, YAMLError):
        return {}


def committed() -> dict[str, str]:
    """The md5 of each artifact in dvc.lock; none when it is missing or damaged."""
    try:
        return {out["path"]: out["md5"] for stage in recorded().values() for out in stage.get("outs", [])}
    except (TypeError, KeyError, AttributeError):
        return {}


def _md5(path: str) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "md5").hexdigest()


def make_again(paths: list[str], why: str = "not as their jobs left them") -> None:
    """Have Snakemake hold these artifacts incomplete, so that their jobs run; one line names them."""
    paths = [path for path in paths if Path(path).exists()]
    if not paths:
        return
    shown = ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
    print(f"{why}, to be made again: {shown}", file=sys.stderr)
    store = _store()
    for path in paths:
        store._mark_incomplete(path, None)


# --- Snakemake's records: private calls, its version is pinned --------------------------------------------------------


def _submitted(artifacts: list[str]) -> bool:
    """Are there jobs that a cluster was given and that did not end? Its nodes may share no locks with us."""
    store = _store()
    return bool(store._get_external_jobids(store._filter_incomplete_keys(artifacts)))


def _store() -> Any:
    from snakemake.persistence.file import FilePersistence

    return FilePersistence()


def _written(store: Any, path: str) -> float | None:
    """When an artifact was last written to, as recorded at the end of its job."""
    record = store._read_record(path)
    return None if record is None else record.endtime
