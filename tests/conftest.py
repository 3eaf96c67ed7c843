"""The demo run, made once for all tests that look at the whole pipeline, and copies of it to change."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

# one thread a process, before numpy and torch are imported: several would wait for one another under xdist
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import pytest  # noqa: E402
from filelock import FileLock  # noqa: E402
from hypothesis import settings  # noqa: E402

from tests.support.harness import ROOT, copy_sources, run  # noqa: E402

settings.register_profile("repeatable", derandomize=True)  # a run tells of the change under test, not of its luck
settings.register_profile(
    "deep"
)  # random, and more examples where a test asks for its name: tests/support/mutations.py
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone whose own params.yaml is the demo's, run to the end with all cores and committed; not to be changed."""
    own = tmp_path_factory.getbasetemp()
    shared = (
        own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    )  # by all workers of one pytest call, and by no other
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
    """What torch keeps for the whole process is the same before each test: its draws, and how it treats denormals."""
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)


@pytest.fixture
def killed_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], AbstractContextManager[None]]:
    """A context in which a training ends right after so many checkpoints, as one that is killed there."""
    from latents.networks import checkpoints

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
    """A copy of the finished run, modification times included, for one test to change."""
    return Path(shutil.copytree(built, tmp_path / "workspace", symlinks=True))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of its own of 1 MiB; needs root."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a tmpfs needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
