"""Run the pipeline's commands on copies of the repository."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


def environment(**extra: str) -> dict[str, str]:
    """Return the caller's environment with our tools first in PATH, a git name and no mirror."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "RELATENT_", "PYTEST_"))}
    who = {
        f"GIT_{role}_{what}": "tests@example.invalid" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    return kept | who | {"PATH": f"{BIN}{os.pathsep}{kept['PATH']}", "DVC_NO_ANALYTICS": "1"} | extra


def run(*command: str, cwd: Path, check: bool = True, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder; a failure's message has its output."""
    words = [sys.executable if word == "python" else word for word in command]
    done = subprocess.run(
        words, cwd=cwd, env=environment(**extra), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if check and done.returncode:
        pytest.fail(f"{' '.join(command)} gave {done.returncode}:\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}")
    return done


def copy_sources(target: Path) -> Path:
    """Copy the repository's files as in the working tree, without results, to a new folder."""
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT).stdout.splitlines()
    for name in listed:
        if (ROOT / name).is_file() and not name.startswith("results/") and name != "dvc.lock":
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


def hashes(folder: Path) -> dict[str, str]:
    """Return the sha256 of every artifact below a folder, except timings and claims.

    Claims are left out because some depend on timings.
    """
    artifacts = [path for part in ("data/raw", "results") for path in (folder / part).rglob("*") if path.is_file()]
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in artifacts
        if "timing" not in path.parts and path.stem != "claims"
    }
