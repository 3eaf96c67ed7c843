"""After a kill, a full disk, a read-only folder or a clock set back, both tools agree."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.edits import named
from tests.support.harness import environment, run

pytestmark = pytest.mark.pipeline

MODEL = "results/language_model/newsgroups/model.safetensors"
TRAINING_LOG = "logs/language_model.log"
BELOW = {"language_model", "headlines"}


def bridge(verb: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return run("python", "workflow/bridge", verb, cwd=folder, check=False)


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line with which a verb failed."""
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("error: ")
    return done.stderr


@contextmanager
def running(*command: str, cwd: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a command, and kill it with all its children at the end."""
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(folder: Path, pattern: str) -> None:
    until = time.monotonic() + 300
    while not list(folder.glob(pattern)):
        assert time.monotonic() < until, f"no {pattern}"
        time.sleep(0.02)


def test_two_runs_at_once_and_one_killed_in_a_training(workspace: Path) -> None:
    """The second run is refused; after the kill, both tools agree, and the bytes come back."""
    whole = (workspace / MODEL).read_bytes()
    (workspace / MODEL).unlink()
    (workspace / TRAINING_LOG).unlink()
    with running("snakemake", "--cores", "1", cwd=workspace) as first:
        wait_for(workspace, TRAINING_LOG)
        # it stays in the middle, however long the second takes to start
        os.killpg(first.pid, signal.SIGSTOP)
        second = run("snakemake", "--cores", "1", cwd=workspace, check=False)
        assert second.returncode
        assert "Directory cannot be locked" in second.stdout + second.stderr
        assert named(workspace) == BELOW
        shutil.rmtree(workspace / ".snakemake/metadata")  # gives the restore something to mark
        assert "snakemake is running here" in one_line(bridge("restore", workspace))
    assert bridge("restore", workspace).returncode == 0
    assert named(workspace) == BELOW
    run("snakemake", cwd=workspace)
    assert (workspace / MODEL).read_bytes() == whole
    assert named(workspace) == set()


def test_a_restore_killed_at_any_time_is_repeated(workspace: Path) -> None:
    """Snakemake has no records, as in a fresh clone."""
    shutil.rmtree(workspace / ".snakemake")
    for seconds in (1.5, 2.5, 3.0, 3.5):
        with running(sys.executable, "workflow/bridge", "restore", cwd=workspace):
            time.sleep(seconds)
    assert bridge("restore", workspace).returncode == 0
    assert named(workspace) == set()
    assert "Nothing to be done" in run("snakemake", "--dry-run", cwd=workspace).stdout


def test_a_large_input_that_is_only_newer_is_taken_as_it_is(workspace: Path) -> None:
    """Snakemake has no checksum of files over 1 MB, and would rerun readers without `restore`."""
    digits = workspace / "results/digits/digits.h5"
    assert digits.stat().st_size > 10**6
    os.utime(digits)
    assert bridge("status", workspace).returncode == 1
    assert bridge("restore", workspace).returncode == 0
    assert named(workspace) == set()


@pytest.fixture
def tight(built: Path, tmp_path: Path) -> Iterator[Path]:
    """Copy the finished run to a disk of its own with 30 MB to spare."""
    folder = tmp_path / "tight"
    folder.mkdir()
    used = sum(path.stat().st_blocks * 512 for path in built.rglob("*"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={used + 30 * 2**20}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a tmpfs needs root")
    shutil.copytree(built, folder / "run", symlinks=True)
    yield folder / "run"
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path, *, free_bytes: int) -> Path:
    """Fill a folder's disk up to some free bytes."""
    ballast = folder.parent / "ballast"
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(folder).free - free_bytes)
    return ballast


def test_a_full_disk_loses_nothing(tight: Path) -> None:
    """A job and a commit without room say so in one line; with room, both continue."""
    mixed = tight / "results/face_model/lfw/mixed.h5"
    whole = mixed.read_bytes()
    mixed.unlink()
    (tight / ".snakemake/plan.json").unlink()  # of the whole run: its place would be free for the job
    lock = (tight / "dvc.lock").read_bytes()
    ballast = fill(tight, free_bytes=700_000)
    assert len(whole) > 10**6
    failed = run("snakemake", "--cores", "1", cwd=tight, check=False)
    assert failed.returncode
    assert "No space left on device; nothing was left half-written" in failed.stdout + failed.stderr
    ballast.unlink()
    assert (tight / "dvc.lock").read_bytes() == lock
    assert named(tight) == {"face_model_mix", "figures_interpolation", "figures_strip"}
    run("snakemake", "--cores", "1", str(mixed.relative_to(tight)), cwd=tight, DVC_STAGE="no commit yet")
    assert mixed.read_bytes() == whole
    kept, last, _ = lock.decode().rpartition("\n  headlines:\n")
    assert last
    # gives the commit something to write
    (tight / "dvc.lock").write_text(kept + "\n", encoding="utf-8")
    ballast = fill(tight, free_bytes=0)
    assert "No space left on device" in one_line(bridge("commit", tight))
    ballast.unlink()
    assert bridge("commit", tight).returncode == 0
    assert (tight / "dvc.lock").read_bytes() == lock
    bridge("restore", tight)
    assert named(tight) == set()


def test_a_read_only_results_folder_loses_nothing(workspace: Path) -> None:
    """The first job and a restore report it, and afterwards everything continues."""
    results = workspace / "results"
    for command in (["--bind", results, results], ["-o", "remount,ro,bind", results]):
        if subprocess.run(["mount", *map(str, command)], capture_output=True, check=False).returncode:
            pytest.skip("mounting needs root")
    try:
        assert named(workspace) == set()
        params = workspace / "params.yaml"
        params.write_text(params.read_text().replace("learning_rate: 0.1\n", "learning_rate: 0.2\n"))
        failed = run("snakemake", "--cores", "1", cwd=workspace, check=False)
        assert failed.returncode
        assert "Write-protected output files" in failed.stdout + failed.stderr
        assert named(workspace) == BELOW
        os.utime(workspace / "data/raw/newsgroups/20news-bydate.tar")  # newer than its outputs
        assert "Read-only file system" in one_line(bridge("restore", workspace))
    finally:
        subprocess.run(["umount", str(results)], check=True)
    bridge("restore", workspace)
    assert named(workspace) == BELOW
    run("snakemake", cwd=workspace)
    assert named(workspace) == set()


def test_a_clock_set_back_hides_no_edit(workspace: Path) -> None:
    """Files are from the next hour and a source is edited now: its digest counts, not its time."""
    later = time.time() + 3600
    for part in ("data", "logs", "results", "src"):
        for path in (workspace / part).rglob("*"):
            os.utime(path, (later, later))
    source = workspace / "src/relatent/stages/headlines.py"
    source.write_text(source.read_text() + "assert True\n")
    said = run("snakemake", cwd=workspace)
    assert "from the future" in said.stdout + said.stderr
    assert "1 of 2 steps" in said.stdout + said.stderr
    assert named(workspace) == set()


def test_a_job_that_reads_files_from_the_future_runs_once(workspace: Path) -> None:
    """Its result is older than its input, but not made again: a run sets future times to now."""
    later = time.time() + 3600
    for path in (*(workspace / "results").rglob("*"), *(workspace / "logs").rglob("*")):
        os.utime(path, (later, later))
    (workspace / MODEL).unlink()
    said = run("snakemake", cwd=workspace)
    assert "from the future" in said.stdout + said.stderr
    assert named(workspace) == set()
    assert "Nothing to be done" in run("snakemake", "--dry-run", cwd=workspace).stdout
