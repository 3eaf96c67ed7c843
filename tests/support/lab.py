"""Provide a finished demo run to break, for tests/support/faults.py.

It makes copies, runs commands in them, and knows what a rerun must end with.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.support.harness import ROOT, copy_sources, environment, hashes

LONGEST_SECONDS = 1200.0  # a command that takes longer is considered to hang

Draw = random.Random


@dataclass
class Lab:
    """A finished demo run in its own clone, never changed, and copies of it to break."""

    base: Path
    folder: Path  # folder of the copies
    cores: int = 2
    # seconds of a rerun divided by those of its jobs, since the machine has other work
    pace: float = 1.0

    def copy(self, name: str) -> Path:
        """Copy the run, including modification times."""
        target = self.folder / name
        shutil.rmtree(target, ignore_errors=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-a", self.base, target], check=True)
        return target

    def call(self, *command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run a command; kill it if it hangs, with returncode -1000."""
        with self.start(*command, cwd=cwd) as process:
            try:
                said, _ = process.communicate(timeout=LONGEST_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                said, process.returncode = process.communicate()[0], -1000
        return subprocess.CompletedProcess(command, process.returncode, said)

    def start(self, *command: str, cwd: Path, stdout: Any = subprocess.PIPE) -> subprocess.Popen[str]:
        """Start a command in its own process group."""
        words = [sys.executable if word == "python" else word for word in command]
        return subprocess.Popen(
            words, cwd=cwd, env=environment(DVC_SITE_CACHE_DIR=str(self.folder / "site")), text=True,
            stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def snakemake(self, folder: Path) -> subprocess.CompletedProcess[str]:
        """Run the plain rerun."""
        return self.call("snakemake", "--cores", str(self.cores), cwd=folder)

    @cached_property
    def stages(self) -> dict[str, dict[str, Any]]:
        """Return the stages of dvc.yaml."""
        stages = YAML(typ="safe").load(self.base / "dvc.yaml")["stages"]
        return {name: stage for name, stage in stages.items() if "cmd" in stage and outputs(stage)}

    @cached_property
    def hashes(self) -> dict[str, str]:
        """Return the digests that every rerun must end with."""
        return hashes(self.base)

    def seconds(self, name: str) -> float:
        """Return the seconds that a job took, from its benchmark file."""
        found = re.search(r"--log (\S+)\.log", self.stages[name]["cmd"])
        path = self.base / f"{found[1]}.tsv" if found else None
        if path is None or not path.exists():
            return 2.0
        return float(path.read_text(encoding="utf-8").splitlines()[1].split("\t")[0])

    def part(self, draw: Draw, busy: tuple[float, float]) -> tuple[list[str], float]:
        """Draw jobs that together take about some seconds; return them and their seconds."""
        limit, chosen, total = draw.uniform(*busy), [], 0.0
        names = sorted(self.stages)
        for name in draw.sample(names, len(names)):
            if chosen and total + self.seconds(name) > limit:
                continue
            chosen.append(name)
            total += self.seconds(name)
            if total > 0.8 * limit:
                break
        return chosen, total

    def differences(self, folder: Path) -> list[str]:
        """List artifacts that differ from the unbroken run, and files beside them."""
        found = hashes(folder)
        names = sorted(self.hashes.keys() | found.keys())
        litter = [f"checkpoint {path.name}" for path in (folder / "checkpoints").glob("*")]
        return [name for name in names if self.hashes.get(name) != found.get(name)] + litter


def outputs(stage: dict[str, Any]) -> list[str]:
    """Return the outputs of a stage of dvc.yaml."""
    entries = [entry for kind in ("outs", "metrics", "plots") for entry in stage.get(kind, [])]
    return [entry if isinstance(entry, str) else next(iter(entry)) for entry in entries]


def build(folder: Path, cores: int) -> Path:
    """Make the unbroken run, once."""
    base = folder / "base"
    if not (folder / "base.done").exists():
        shutil.rmtree(base, ignore_errors=True)
        copy_sources(base)
        shutil.copy2(ROOT / "demo" / "params.yaml", base / "params.yaml")
        lab = Lab(base, folder, cores)
        for command in (["git", "init", "--quiet", "--initial-branch", "main"], ["snakemake", "--cores", str(cores)],
                        ["git", "add", "--all"],
                        ["git", "commit", "--quiet", "--message", "base"]):  # fmt: skip
            done = lab.call(*command, cwd=base)
            if done.returncode:
                sys.exit(f"error: {' '.join(command)}: {done.stdout[-2000:]}")
        (folder / "base.done").touch()
    return base
