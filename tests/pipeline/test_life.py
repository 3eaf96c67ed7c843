"""Both tools record what really ran, whatever a person does meanwhile or afterwards."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.support.edits import SRC, bridge, change, named, replace
from tests.support.harness import environment, run

pytestmark = pytest.mark.pipeline

MODEL = "results/language_model/newsgroups/model.safetensors"
LOG = "logs/language_model.log"
TRAINING = ("language_model", "headlines")


@contextmanager
def training(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a run that is in the middle of a training when the body begins; it must succeed."""
    (folder / MODEL).unlink()
    (folder / LOG).unlink()
    with subprocess.Popen(
        ["snakemake", "--cores", "1", MODEL], cwd=folder, env=environment(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        until = time.monotonic() + 300
        while not (folder / LOG).exists() and time.monotonic() < until:
            time.sleep(0.02)
        yield process
        said, _ = process.communicate()
        assert process.returncode == 0, said


def recorded(folder: Path, name: str) -> dict:
    return YAML(typ="safe").load(folder / "dvc.lock")["stages"][name]


def test_an_edit_while_a_job_runs_counts_as_not_run(workspace: Path) -> None:
    """Both tools then name the job; without the edit, the result of the old code counts again."""
    source = workspace / SRC / "text/language_model.py"
    old, before = source.read_text(encoding="utf-8"), recorded(workspace, "language_model")
    with training(workspace):
        source.write_text(old + "EDITED = 1\n", encoding="utf-8")
    assert "language_model" in named(workspace)
    assert recorded(workspace, "language_model") == before
    source.write_text(old, encoding="utf-8")
    bridge("commit", workspace)
    assert named(workspace) == set()


def test_a_parameter_edited_and_edited_back_while_a_job_starts_is_never_read(workspace: Path) -> None:
    """A job gets the values that it was planned with, so bytes are unchanged."""
    whole, params = (workspace / MODEL).read_bytes(), workspace / "params.yaml"
    old = params.read_text(encoding="utf-8")
    (workspace / MODEL).unlink()
    with subprocess.Popen(
        ["snakemake", "--cores", "1", MODEL], cwd=workspace, env=environment(),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        plan = workspace / ".snakemake/plan.json"
        planned = plan.stat().st_mtime_ns
        while plan.stat().st_mtime_ns == planned and process.poll() is None:
            time.sleep(0.01)
        change(language_model__epochs=2)(params)
        assert process.wait() == 0
    params.write_text(old, encoding="utf-8")
    assert (workspace / MODEL).read_bytes() == whole
    assert named(workspace) == set()


def test_a_structural_change_stops_every_target_of_dvc(workspace: Path) -> None:
    """`dvc repro TARGET` runs nothing, and one line names the key and what to do."""
    change(vae__runs__mlp_2d__seeds=[0, 1])(workspace / "params.yaml")
    done = run("dvc", "repro", "vae_train-mlp_2d-0", cwd=workspace, check=False)
    said = done.stdout + done.stderr
    assert done.returncode
    assert said.count("run `python workflow/bridge gen` first") == 1
    assert "Running stage 'vae" not in said


def test_another_version_of_a_library_is_named_by_both_tools(workspace: Path, tmp_path: Path) -> None:
    """With another matplotlib, all figures are named, and no training."""
    info = tmp_path / "other/matplotlib-99.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: matplotlib\nVersion: 99.0\n", encoding="utf-8")
    done = run("python", "workflow/bridge", "status", cwd=workspace, PYTHONPATH=str(info.parent))
    lines = dict(line.split(": ", 1) for line in done.stdout.splitlines()[:2])
    assert lines["snakemake"] == lines["dvc"]
    named_ones = set(lines["dvc"].split())
    assert "figures_embedding" in named_ones
    assert not [name for name in named_ones if name.startswith(("vae_train", "rbm", "hashing"))]


def test_outputs_that_come_out_the_same_rerun_nothing_below(workspace: Path) -> None:
    """In one plain run, three edited jobs run, and all jobs below put their outputs back."""
    replace("def fetch(", "EDITED = 1\n\n\ndef fetch(")(workspace / SRC / "datasets/download.py")
    planned = named(workspace)
    done = run("snakemake", "--cores", "all", cwd=workspace)
    said = done.stdout + done.stderr
    assert said.count("outputs put back") == len(planned) - 3 > 100
    assert named(workspace) == set()
    assert "up to date" in run("dvc", "status", cwd=workspace).stdout


def test_two_runs_that_change_places_rerun_what_gathers_them(workspace: Path) -> None:
    """Their files are the same, but jobs that read them all have another command."""
    yaml = YAML()
    content = yaml.load(workspace / "params.yaml")
    runs = content["vae"]["runs"]
    runs.move_to_end(next(iter(runs)))
    yaml.dump(content, workspace / "params.yaml")
    bridge("gen", workspace)
    found = named(workspace)
    assert "vae_measures_summary" in found
    assert not [name for name in found if name.startswith("vae_train")]


def test_an_edit_is_seen_though_snakemakes_records_are_gone(workspace: Path) -> None:
    """DVC's record has the old value: jobs run, and no record pairs new value and old result."""
    shutil.rmtree(workspace / ".snakemake")
    before = recorded(workspace, "rbm_likelihood-mnist-binary")
    change(rbm_likelihood__burn_in=90)(workspace / "params.yaml")
    done = run("snakemake", "--dry-run", cwd=workspace)
    assert "rbm_likelihood" in done.stdout
    assert "vae_train" not in done.stdout
    bridge("commit", workspace)
    assert recorded(workspace, "rbm_likelihood-mnist-binary") == before
    assert "rbm_likelihood-mnist-binary" in named(workspace)


def test_a_touched_job_is_not_recorded(workspace: Path) -> None:
    """After an edit of a parameter and `--touch`, the old record stays, and the job runs."""
    before = recorded(workspace, "rbm_likelihood-mnist-binary")
    change(rbm_likelihood__burn_in=90)(workspace / "params.yaml")
    run("snakemake", "--touch", "--cores", "1", cwd=workspace)
    said = bridge("commit", workspace, check=False)
    assert recorded(workspace, "rbm_likelihood-mnist-binary") == before
    assert "rbm_likelihood-mnist-binary" in named(workspace), said


def test_a_docstring_between_kill_and_resume_keeps_the_checkpoint(workspace: Path) -> None:
    """The training continues; after an edit of its code it would start again."""
    whole = (workspace / MODEL).read_bytes()
    (workspace / MODEL).unlink()
    code = (
        "import os; from relatent.networks import checkpoints; save = checkpoints.save\n"
        "def dying(*a, **k): save(*a, **k); os._exit(1)\n"
        "checkpoints.save = dying\n"
    )
    (workspace / "sitecustomize.py").write_text(code, encoding="utf-8")
    command = json.loads((workspace / ".snakemake/plan.json").read_text())["jobs"]
    words = next(line for line in command if "language_model train" in line).split()
    run("python", *words, cwd=workspace, PYTHONPATH=f"src{os.pathsep}.", check=False)
    (workspace / "sitecustomize.py").unlink()
    assert len(list((workspace / "checkpoints").glob("*"))) == 1
    replace('"""Train `module` in place;', '"""Fit `module`;')(workspace / SRC / "networks/training.py")
    done = run("snakemake", "--cores", "1", MODEL, cwd=workspace)
    assert "resumed" in done.stdout + done.stderr
    assert (workspace / MODEL).read_bytes() == whole
    assert named(workspace) == set()
