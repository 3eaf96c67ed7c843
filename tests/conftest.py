"""Make the demo run once for all tests of the whole pipeline, and copies of it to change."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

# one thread per process, set before numpy and torch are imported: under xdist, several would wait
# for each other
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import pytest  # noqa: E402
from filelock import FileLock  # noqa: E402
from hypothesis import settings  # noqa: E402

from tests.support.harness import ROOT, copy_sources, run  # noqa: E402

# results depend on the change under test, not on luck
settings.register_profile("repeatable", derandomize=True)
# random; tests/support/mutations.py gives more examples under this name
settings.register_profile("deep")
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a finished, committed run of the demo as the main run of a clone; do not change it."""
    own = tmp_path_factory.getbasetemp()
    # shared by all workers of one pytest call
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder = shared / "built"
    with FileLock(shared / "built.lock"):
        if not (shared / "built.done").exists():
            copy_sources(folder)
            shutil.copy2(ROOT / "demo" / "params.yaml", folder / "params.yaml")
            run("git", "init", "--quiet", "--initial-branch", "main", cwd=folder)
            run("snakemake", "--cores", "all", cwd=folder)
            run("git", "add", "--all", cwd=folder)
            run("git", "commit", "--quiet", "--message", "base", cwd=folder)
            (shared / "built.done").touch()
    return folder


@pytest.fixture(autouse=True)
def torch_state() -> Iterator[None]:
    """Reset torch's global state before each test: its draws, and its handling of denormals."""
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)


@pytest.fixture
def killed_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], AbstractContextManager[None]]:
    """Return a context in which a training ends after some checkpoints, as if killed."""
    from relatent.networks import checkpoints

    save = checkpoints.save

    @contextmanager
    def context(written: int) -> Iterator[None]:
        left = iter(range(written - 1))

        def dying(*arguments: object, **options: object) -> None:
            save(*arguments, **options)
            if next(left, None) is None:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(checkpoints, "save", dying)
            with pytest.raises(KeyboardInterrupt):
                yield

    return context


@pytest.fixture
def workspace(built: Path, tmp_path: Path) -> Path:
    """Copy the finished run, including modification times, for one test to change."""
    return Path(shutil.copytree(built, tmp_path / "workspace", symlinks=True))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 1 MiB; needs root."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a tmpfs needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
