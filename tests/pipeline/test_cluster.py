"""Run the demo on a real SLURM of one node: `make test-cluster`, as root.

It needs Debian's slurm-wlm and munge.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from relatent.jobs.params import read_yaml
from tests.support.harness import ROOT, copy_sources, hashes, run

SLURM = [
    "--workflow-profile",
    "profiles/slurm",
    "--slurm-status-command",
    "squeue",
    "--seconds-between-status-checks",
    "2",
]
PROFILES = ("slurm", "generic")


@pytest.fixture(scope="module")
def slurm() -> Iterator[None]:
    """Run slurmctld and slurmd on this machine."""
    if os.geteuid() or not shutil.which("slurmctld", path=os.environ["PATH"] + ":/usr/sbin"):
        pytest.skip("needs root and Debian's packages slurm-wlm and munge")
    subprocess.run([ROOT / "tests/pipeline/slurm.sh", "start"], check=True)
    yield
    subprocess.run([ROOT / "tests/pipeline/slurm.sh", "stop"], check=True)


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    """Copy the repository's files to a new folder, with the demo's parameters."""
    folder = copy_sources(tmp_path / "demo")
    shutil.copy2(ROOT / "demo/params.yaml", folder / "params.yaml")
    return folder


@pytest.mark.cluster
def test_the_demo_on_slurm_gives_the_bytes_of_a_local_run(slurm: None, demo: Path, built: Path) -> None:
    """Every job is submitted, also the scattered ranking; a cancelled one is submitted again."""
    cancelled: list[str] = []

    def cancel_a_training() -> None:
        while not cancelled:
            listed = subprocess.run(
                ["squeue", "--noheader", "--states=RUNNING", "--format=%i %k"],
                capture_output=True,
                text=True,
                check=True,
            )
            for line in listed.stdout.splitlines():
                number, _, comment = line.partition(" ")
                if "vae_train" in comment:
                    subprocess.run(["scancel", number], check=True)
                    cancelled.append(number)
                    return
            time.sleep(0.3)

    threading.Thread(target=cancel_a_training, daemon=True).start()
    done = run("snakemake", *SLURM, cwd=demo)
    said = done.stdout + done.stderr
    assert cancelled
    assert "Trying to restart job" in said
    assert hashes(demo) == hashes(built)


@pytest.mark.cluster
def test_the_generic_profile_runs_jobs_through_sbatch(slurm: None, demo: Path, built: Path) -> None:
    targets = ["results/digits/digits.h5"]
    run("snakemake", "--workflow-profile", "profiles/generic", *targets, cwd=demo)
    for target in targets:
        assert (demo / target).read_bytes() == (built / target).read_bytes()
    assert list((demo / "logs/cluster").glob("digits-*.log"))


@pytest.mark.parametrize("name", PROFILES)
def test_profiles_name_rules_that_there_are(name: str) -> None:
    """A renamed rule would lose its resources without notice."""
    rules = set(run("snakemake", "--list-rules", cwd=ROOT).stdout.split())
    profile = read_yaml(ROOT / "profiles" / name / "config.yaml")
    groups = [group.partition("=")[0] for group in profile.get("groups", [])]
    assert {*profile["set-resources"], *profile.get("set-threads", {}), *groups} <= rules


def test_both_profiles_ask_for_the_same_and_for_more_on_each_attempt() -> None:
    """Both have the same measured memory and minutes; no rule asks for a GPU by itself."""
    slurm, generic = (read_yaml(ROOT / "profiles" / name / "config.yaml") for name in PROFILES)
    asked = [slurm["default-resources"], *slurm["set-resources"].values()]
    assert slurm["set-resources"] == generic["set-resources"]
    assert slurm["default-resources"] == generic["default-resources"]
    assert all(value.endswith("* attempt") for resources in asked for value in resources.values())
    assert not any("gpu" in resources for resources in asked)
