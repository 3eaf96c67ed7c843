"""`relatent compare` and `relatent where`: on a finished demo run with two revisions."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from relatent.tools.compare import better, table
from tests.support.harness import ROOT, run

pytestmark = pytest.mark.pipeline

METRICS = "results/vae/mnist/mlp_2d/seed0/metrics.json"


def relatent(folder: Path, *arguments: str, check: bool = True) -> tuple[str, str]:
    done = run("python", "-m", "relatent.cli", *arguments, cwd=folder, check=check, PYTHONPATH=str(ROOT / "src"))
    return done.stdout, done.stderr


@pytest.fixture
def revisions(workspace: Path) -> Path:
    """A second commit with fewer samples of the bound, run to its end."""
    params = workspace / "params.yaml"
    params.write_text(params.read_text().replace(" samples: 50", " samples: 20"))
    run("snakemake", "--cores", "all", cwd=workspace)
    run("git", "commit", "--all", "--quiet", "--message", "fewer samples", cwd=workspace)
    return workspace


def test_compare_names_what_differs_between_two_revisions(revisions: Path) -> None:
    """The one parameter, the one metric, the jobs below it; no job above it."""
    printed, _ = relatent(revisions, "compare", "HEAD~1", "HEAD", "--all")
    assert re.search(r"^vae\.bound\.samples +50 +20 +vae_evaluate \(2\)$", printed, re.MULTILINE)
    assert re.search(rf"^{METRICS}: bound .*(first|second) is better$", printed, re.MULTILINE)
    jobs = {line.split()[0] for line in printed.partition("\njobs")[2].splitlines()[1:] if line} - {"figures:"}
    assert {"vae_evaluate", "vae_measures_summary", "headlines"} <= jobs
    assert jobs.isdisjoint({"vae_train", "vae_embed", "ranking", "digits"})
    page = (revisions / "compare.html").read_text().replace("<wbr>", "")
    assert "<td>vae.bound.samples</td><td>50</td><td>20</td>" in page
    assert page.count('class="better"') >= 1


def test_compare_shows_figures_of_both_revisions_and_the_working_tree(revisions: Path) -> None:
    figure = revisions / "results/figures/timing/svm.png"
    shutil.copy(revisions / "results/figures/ranking/mnist.png", figure)
    printed, _ = relatent(revisions, "compare", "HEAD", "--page", "both.html")
    assert "figures: 1 differ" in printed
    page = (revisions / "both.html").read_text()
    assert page.count('src="data:image/png;base64,') == 2
    assert "http" not in page


def test_compare_takes_the_name_of_an_experiment(workspace: Path) -> None:
    run("dvc", "exp", "run", "--temp", "--name", "fewer", "--set-param", "vae.bound.samples=30", cwd=workspace)
    printed, _ = relatent(workspace, "compare", "HEAD", "fewer")
    assert re.search(r"^vae\.bound\.samples +50 +30 +vae_evaluate \(2\)$", printed, re.MULTILINE)
    _, said = relatent(workspace, "compare", "HEAD", "fewe", check=False)
    assert said.strip() == "error: fewe: no such revision or experiment; did you mean fewer?"


def test_where_leads_from_a_figure_to_the_digest_of_the_data(revisions: Path) -> None:
    """Each job of the chain once, with its code, parameters and inputs; revisions are those of the
    records."""
    printed, _ = relatent(revisions, "where", "results/figures/rbm/mnist/binary.png")
    jobs = re.findall(r"^ *([\w-]+)  \(rule", printed, re.MULTILINE)
    assert jobs == ["figures_filters-binary", "rbm-mnist-binary", "digits", "data_mnist"]
    digest = json.loads((revisions / "results/data/mnist.json").read_text())["content_digest"]
    assert digest in printed
    assert "param   rbm.runs.binary = " in printed
    assert printed.count("since") == len(jobs) == printed.count(" base)")


def test_where_knows_headline_numbers_and_their_revision(revisions: Path) -> None:
    accuracy = json.loads((revisions / "results/digit_classifier/mnist/metrics.json").read_text())["test_accuracy"]
    printed, _ = relatent(revisions, "where", "digit_classifier.mnist.test_accuracy")
    first, job = printed.splitlines()[:2]
    assert first == f"digit_classifier.mnist.test_accuracy = {accuracy}"
    assert re.fullmatch(r"digit_classifier  \(rule digit_classifier, since .* base\)", job)
    printed, _ = relatent(revisions, "where", METRICS)
    assert printed.splitlines()[0].endswith(" fewer samples)")


def test_where_tells_a_changed_file_and_an_unknown_name(workspace: Path) -> None:
    (workspace / METRICS).write_text("{}")
    printed, _ = relatent(workspace, "where", METRICS)
    assert "(CHANGED since" in printed
    _, said = relatent(workspace, "where", "results/vae/mnist/mlp_2d/seed0/metric.json", check=False)
    assert said.count("\n") == 1
    assert f"did you mean {METRICS}" in said


def test_outside_a_run_one_line_says_what_to_do(tmp_path: Path) -> None:
    _, said = relatent(tmp_path, "where", "x", check=False)
    assert said.startswith("error: here: no dvc.lock, in which runs are recorded; run `make` in the root")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "remark"),
    [("vae.x.elbo", "second is better"), ("a.held_out_mse", "first is better"), ("vae.x.kl", ""), ("n", "")],
)
def test_the_better_metric_is_marked_by_its_name(name: str, remark: str) -> None:
    assert better(name, 1.0, 2.0) == remark


def test_a_table_is_aligned() -> None:
    lines = list(table("metrics", [("a", "1", "20", ""), ("longer", "3", "4", "first is better")], ("A", "B")))
    assert lines[:3] == ["metrics  A  B", "a        1  20", "longer   3  4   first is better"]
