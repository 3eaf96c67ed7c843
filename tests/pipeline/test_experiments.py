"""Follow docs/sharing.md block by block on a finished demo run; both tools agree after each."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from pathlib import Path

import pytest
from PIL import Image

from tests.support.edits import named
from tests.support.harness import ROOT, environment, run

pytestmark = pytest.mark.pipeline

METRICS = "results/language_model/newsgroups/metrics.json"
HISTORY = "results/language_model/newsgroups/history.csv"
LEARNING_RATE = "language_model.learning_rate"


def blocks(heading: str) -> list[str]:
    """Return the blocks of commands in one section of the page."""
    page = (ROOT / "docs/sharing.md").read_text(encoding="utf-8")
    section = page.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    assert section, heading
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


def shell(commands: str, cwd: Path, **extra: str) -> str:
    """Run lines of the page in the environment that `make` makes; return what they print."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=cwd,
        env=environment(PYTHONPATH=os.pathsep.join(filter(None, ["src", os.environ.get("PYTHONPATH")])), **extra),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


def agree(folder: Path) -> None:
    """Check that neither tool has anything to run."""
    assert named(folder) == set()


def perplexity(folder: Path) -> float:
    return json.loads((folder / METRICS).read_text(encoding="utf-8"))["perplexity"]


def test_the_demo_becomes_the_run_on_a_branch(workspace: Path) -> None:
    """The way back works, too; here, the run is already the demo's."""
    (block,) = blocks("Try all this on the demo")
    (workspace / "note").write_text("something to commit")
    shell(block, workspace)
    assert shell("git branch --show-current", workspace) == "demo\n"
    agree(workspace)
    shell("git switch -; dvc checkout; python workflow/bridge restore", workspace)
    agree(workspace)


def test_a_parameter_is_changed_compared_and_changed_back(workspace: Path) -> None:
    """Both metrics, parameters and curves are shown; the way back trains nothing."""
    before = perplexity(workspace)
    forth, back = blocks("Change a parameter and compare")
    said = shell(forth, workspace)
    after = perplexity(workspace)
    assert after != before
    first, second = (f"{value:.5f}".rstrip("0") for value in (before, after))
    assert re.search(rf"^{re.escape(METRICS)} +perplexity +{first} +{second} ", said, re.MULTILINE)
    assert re.search(rf"^params.yaml +{re.escape(LEARNING_RATE)} +0.1 +0.05$", said, re.MULTILINE)
    assert re.search(rf"^{re.escape(LEARNING_RATE)} +0.1 +0.05 +language_model", said, re.MULTILINE)
    plot = (workspace / "dvc_plots/index.html").read_text(encoding="utf-8")
    assert "validation_cross_entropy" in plot
    assert {'"rev": "workspace"', '"rev": "HEAD"'} <= set(re.findall(r'"rev": "\w+"', plot))
    assert (workspace / "compare.html").is_file()
    agree(workspace)
    said = shell(back, workspace)
    assert said.count("is cached - skipping run") == 2
    assert "Running stage 'language_model'" not in said
    assert perplexity(workspace) == before
    agree(workspace)
    assert run("git", "status", "--porcelain", "--", "results", "dvc.yaml", cwd=workspace).stdout == ""


def test_experiments_of_the_queue_run_side_by_side_and_one_is_applied(workspace: Path) -> None:
    """The working tree stays unchanged until `apply`, and is then as after a run here."""
    before = perplexity(workspace)
    queue, rest = blocks("Try several values at once")
    shell(queue, workspace)
    until = time.monotonic() + 300
    while len(re.findall("Success|Failed", said := shell("dvc queue status", workspace))) < 2:
        assert time.monotonic() < until, said
        time.sleep(1)
    assert said.count("Success") == 2, said
    assert perplexity(workspace) == before
    agree(workspace)
    said = shell(rest, workspace)
    assert all(name in said for name in ("half", "double"))
    assert perplexity(workspace) != before
    assert "  learning_rate: 0.2\n" in (workspace / "params.yaml").read_text(encoding="utf-8")
    agree(workspace)


def test_features_of_ones_own_are_ranked_beside_ours(workspace: Path) -> None:
    """With one line in a rule file, numbers and figure have them, and their mosaic is drawn."""
    rank, mosaic = blocks("Rank features of your own beside ours")
    before = (workspace / "results/figures/ranking/mnist.png").read_bytes()
    assert "map" in shell(rank, workspace)
    agree(workspace)
    metrics = json.loads((workspace / "results/metrics.json").read_text(encoding="utf-8"))
    ranked = {name: values["map"] for name, values in metrics["ranking"].items() if name.startswith("mnist_")}
    assert 0.1 < ranked["mnist_columns"] < ranked["mnist_pixels"]  # ten classes: chance is 0.1
    assert metrics["classification"]["mnist_columns"]["knn"] > 0.5
    assert (workspace / "results/figures/ranking/mnist.png").read_bytes() != before
    shell(mosaic, workspace)
    with Image.open(workspace / "data/columns.png") as picture:
        assert picture.width >= 12 * 7
        assert picture.height >= 5 * 4


def test_results_are_shared_and_a_revision_is_restored(workspace: Path, tmp_path: Path) -> None:
    """A clone pulls and runs nothing; an older revision is restored completely."""
    share, pull = blocks("Share results through a remote")
    shell(share, workspace, REMOTE=str(tmp_path / "remote"))
    clone = tmp_path / "clone"
    run("git", "clone", "--quiet", str(workspace), str(clone), cwd=tmp_path)
    shell(pull, clone)
    agree(clone)
    (restore,) = blocks("Restore a revision")
    run("git", "rm", "--quiet", METRICS, cwd=clone)
    run("git", "commit", "--quiet", "--message", "a result is lost", cwd=clone)
    shell(restore, clone, REV="HEAD~1")
    agree(clone)


def test_why_answers_for_a_job_and_for_a_file(workspace: Path) -> None:
    """In a finished run, both are up to date."""
    (block,) = blocks("Why would this run?")
    said = shell(block, workspace)
    current = re.findall(r"^(\S+) is up to date, since .* base$", said, re.MULTILINE)
    assert current == ["vae_train-mlp_2d-0", "headlines"]


def test_the_cost_of_commits_is_counted(workspace: Path) -> None:
    """A commit that changes one parameter counts the jobs that Snakemake names."""
    params = workspace / "params.yaml"
    params.write_text(params.read_text().replace("rate: 0.1\n", "rate: 0.2\n"))
    run("git", "commit", "--all", "--quiet", "--message", "faster", cwd=workspace)
    (block,) = blocks("How much a commit costs")
    first, second, third = (line.split() for line in shell(block, workspace).splitlines()[:3])
    assert first == ["commit", "touched", "to", "run"]
    assert second[1:5] == ["faster", "1", "2", "of"]
    assert third[1:5] == ["base", third[6 - 1], third[6 - 1], "of"]
