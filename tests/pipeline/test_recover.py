"""Traces of a killed run are told from those of a running one, and damage is always noticed."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge import recover


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Make a working directory in which this process holds nothing afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(recover, "_held", [])
    yield tmp_path
    let_go()


def let_go() -> None:
    """Free the locks, as the end of a process does."""
    while recover._held:
        recover._held.pop().close()


def leave_lock() -> Path:
    """Leave the lock file of a killed snakemake."""
    lock = Path(".snakemake/locks/0.output.lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text("results/a\n", encoding="utf-8")
    return lock


def made(path: str, content: str = "made") -> str:
    """Make an artifact as a finished job leaves it, with its time of last write on record."""
    from snakemake.persistence import MetadataRecord

    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(content, encoding="utf-8")
    recover._store()._write_record(path, MetadataRecord(endtime=Path(path).stat().st_mtime))
    return path


def marked(path: str) -> bool:
    return bool(recover._store()._filter_incomplete_keys([path]))


def test_a_lock_that_nobody_holds_is_dropped(folder: Path) -> None:
    lock = leave_lock()
    recover.recover([])
    assert not lock.exists()


def test_the_lock_of_a_running_snakemake_stays(folder: Path) -> None:
    """It stays exactly as long as another process has called `recover`."""
    code = "import recover, sys; recover.recover([]); print(flush=True); sys.stdin.read()"
    other = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(recover.__file__).parent)},
    )  # fmt: skip
    assert other.stdout
    other.stdout.readline()
    lock = leave_lock()
    recover.recover([made("results/a"), made("results/b")])
    Path("results/a").write_text("damaged", encoding="utf-8")
    recover.recover(["results/a"])
    assert lock.exists()
    assert not marked("results/a")
    let_go()
    other.kill()
    other.communicate()
    recover.recover(["results/a"])
    assert not lock.exists()
    assert marked("results/a")


def test_a_job_that_outlived_its_snakemake_is_waited_for(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The shell that Snakemake starts holds the lock until all that it started has ended."""
    recover.recover([])
    let_go()
    job = subprocess.Popen(["bash", "-c", f"set -euo pipefail; {recover.HOLD} (sleep 4; touch results) & sleep 0.3"])
    job.wait()
    assert not Path("results").exists()
    recover.recover([])
    assert Path("results").exists()
    assert capfd.readouterr().err.count("waiting for their end") == 1


def test_a_commit_that_outlived_its_snakemake_is_waited_for(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A commit reads the Snakefile, too, but is not a run: its lock is a job's."""
    code = (
        "import pathlib, recover, time; recover.bridging = True; recover.recover([]); print(flush=True)"
        "; time.sleep(4); pathlib.Path('results').touch()"
    )
    commit = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(recover.__file__).parent)},
    )  # fmt: skip
    assert commit.stdout
    commit.stdout.readline()
    lock = leave_lock()
    recover.recover([])
    assert Path("results").exists()
    assert not lock.exists()
    assert capfd.readouterr().err.count("waiting for their end") == 1
    commit.communicate()


def test_a_job_runs_where_no_lock_can_be_had(folder: Path) -> None:
    """Outside the folder of a run, the prefix fails and the command runs."""
    done = subprocess.run(["bash", "-c", f"set -euo pipefail; {recover.HOLD} echo ran"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ran\n", "")


def test_an_artifact_is_vouched_for_by_its_record_or_by_dvc_lock(folder: Path) -> None:
    """Untouched artifacts are not read, touched ones count by bytes, unknown ones do not count."""
    paths = [made(f"results/{name}") for name in "abcd"]
    for path in paths[1:]:
        time.sleep(0.02)
        Path(path).write_text("other bytes", encoding="utf-8")
    known = {"results/b": b"other bytes", "results/c": b"made"}
    outs = "".join(
        f"    - path: {path}\n      md5: {hashlib.md5(content).hexdigest()}\n" for path, content in known.items()
    )
    Path("dvc.lock").write_text(f"schema: '2.0'\nstages:\n  s:\n    cmd: x\n    outs:\n{outs}", encoding="utf-8")
    Path("results/e").write_text("of no record", encoding="utf-8")
    assert recover.unvouched([*paths, "results/e", "results/missing"]) == ["results/c", "results/d", "results/e"]
    recover.recover(paths)
    assert [marked(path) for path in paths] == [False, False, True, True]


@pytest.mark.parametrize("content", ["", "{", "stages: 3", "stages: {s: {outs: [1]}}", "\0"])
def test_a_damaged_dvc_lock_vouches_for_nothing(folder: Path, content: str) -> None:
    Path("dvc.lock").write_text(content, encoding="utf-8")
    assert recover.committed() == {}


def test_files_that_swap_places_are_noticed(folder: Path) -> None:
    """Both files keep their times of last write."""
    first, second = made("results/a", "one"), made("results/b", "two")
    Path(first).rename("aside")
    Path(second).rename(first)
    Path("aside").rename(second)
    assert recover.unvouched([first, second]) == [first, second]


def test_a_lock_stays_where_a_cluster_may_run_jobs_still(folder: Path) -> None:
    """Nodes may not see our locks, so a person must say by --unlock that jobs have ended."""
    lock, path = leave_lock(), made("results/a")
    Path(path).write_text("half", encoding="utf-8")
    recover._store()._mark_incomplete(path, "job 7 of the cluster")
    recover.recover([path])
    assert lock.exists()
    let_go()
    recover._store()._unmark_incomplete(path)
    recover.recover([path])
    assert not lock.exists()


def test_a_folder_to_read_only_is_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "open", refuse)
    recover.recover(["results/a"])


def test_the_lock_is_held_until_this_process_ends(folder: Path) -> None:
    recover.recover([])
    with recover.RUN.open("a+b") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_bridge_that_reads_the_snakefile_twice_does_not_wait_for_itself(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recover, "bridging", True)
    recover.recover([])
    recover.recover([])
