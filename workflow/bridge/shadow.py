"""Run a job in a separate folder: its inputs are links, and its outputs stay there."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

SOURCE = Path(__file__).resolve().parents[2] / "src"


# variables in the environment of a run's job
OF_A_JOB = ("RELATENT_PLAN", "RELATENT_PROBE", "DVC_STAGE")


class Ran(NamedTuple):
    """How a job ended in its folder, and its last line."""

    folder: Path
    ended_well: bool
    said: str


def run(command: str, inputs: Iterable[str], folder: Path, *, base: Path = Path(), **variables: str) -> Ran:
    """Run a stage's command below `folder`, on links to inputs and params.yaml below `base`."""
    shutil.rmtree(folder, ignore_errors=True)
    for path in [*inputs, "params.yaml"]:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).symlink_to((base / path).resolve())
    words = [sys.executable if word == "python" else word for word in shlex.split(command)]
    done = subprocess.run(words, cwd=folder, env=_environment(variables), capture_output=True, text=True, check=False)
    lines = done.stderr.strip().splitlines()
    return Ran(folder, done.returncode == 0, lines[-1] if lines else "")


def same(one: Path, other: Path) -> bool:
    """Check that two files have the same bytes."""
    return one.is_file() and other.is_file() and one.read_bytes() == other.read_bytes()


def environment() -> dict[str, str]:
    """Return our environment without the variables that a run gives its jobs."""
    return {key: value for key, value in os.environ.items() if key not in OF_A_JOB}


def _environment(variables: dict[str, str]) -> dict[str, str]:
    kept = environment()
    if mirror := kept.get("RELATENT_MIRROR"):
        kept["RELATENT_MIRROR"] = str(Path(mirror).resolve())
    return kept | {"PYTHONPATH": str(SOURCE)} | variables
