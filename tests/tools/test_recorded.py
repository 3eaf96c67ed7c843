"""`compare`, `where` and `reruns` on a repository of two jobs: they tell what made the results,
from wherever asked."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from relatent.tools.compare import in_short, param_changes
from relatent.tools.revisions import Job
from tests.support.harness import ROOT, environment, run

CONFLICT = "<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> other\n"


def lock(epochs: int) -> str:
    """A dvc.lock of a training and of what is made from it."""
    md5 = f"{epochs:032x}"
    train = {
        "cmd": "python -m relatent.stages.vae train",
        "params": {
            "params.yaml": {"vae.runs.a": {"epochs": epochs, "width": 3}},
            "code.json": {"vae train": {"code": "c0de", "environment": "e"}},
        },
        "outs": [{"path": "results/vae/a/model.safetensors", "md5": md5}],
    }
    draw = {
        "cmd": "python -m relatent.stages.figures.vae draw",
        "deps": [{"path": "results/vae/a/model.safetensors", "md5": md5}],
        "outs": [{"path": "results/figures/a.png", "md5": md5}],
    }
    return json.dumps({"schema": "2.0", "stages": {"vae_train-a": train, "figures_a": draw}}, indent=2)


def params(epochs: int) -> str:
    return f"vae: {{runs: {{a: {{epochs: {epochs}, width: 3}}}}, shown: [a]}}\n"


def commit(folder: Path, message: str, **files: str) -> None:
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text, encoding="utf-8")
    run("git", "add", "--all", cwd=folder)
    run("git", "commit", "--quiet", "--message", message, cwd=folder)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Results of 100 epochs; then params.yaml with 90; then their results."""
    folder = tmp_path / "repository"
    (folder / "results/figures").mkdir(parents=True)
    (folder / "results/figures/a.png").write_bytes(b"picture")
    run("git", "init", "--quiet", cwd=folder)
    commit(folder, "100", params_yaml=params(100), dvc_lock=lock(100))
    commit(folder, "code", params_yaml=params(90))
    commit(folder, "90", dvc_lock=lock(90))
    return folder


def relatent(folder: Path, *words: str, check: bool = True) -> str:
    done = run("python", "-m", "relatent.cli", *words, cwd=folder, check=check, PYTHONPATH=str(ROOT / "src"))
    if not check:
        assert (done.returncode, done.stderr.count("\n"), done.stderr[:7]) == (1, 1, "error: "), done.stderr
    return done.stdout if check else done.stderr


def test_compare_shows_the_parameters_that_made_the_results(repository: Path) -> None:
    """Not those of params.yaml, which is the same in both; and says so where no result knows a
    value yet."""
    printed = relatent(repository, "compare", "HEAD~1", "HEAD")
    assert re.search(r"^vae\.runs\.a\.epochs +100 +90 +vae_train-a$", printed, re.MULTILINE)
    assert "width" not in printed
    printed = relatent(repository, "compare", "HEAD~2", "HEAD~1")
    assert re.search(r"^vae\.runs\.a\.epochs +100 +90 +params.yaml alone: not run yet$", printed, re.MULTILINE)
    assert "no difference" in relatent(repository, "compare", "HEAD")


def job(name: str, **values: object) -> Job:
    return Job(name=name, command="", code={}, inputs={}, params=values, outputs={}, environment={})


def test_a_job_that_is_new_changes_no_parameter_that_others_share() -> None:
    """A value counts as changed for the jobs that recorded another one, or that alone record it."""
    first = {"a-0": job("a-0", seed=1, rate=0.1)}
    second = {"a-0": job("a-0", seed=1, rate=0.1), "a-1": job("a-1", seed=1, rate=0.2), "b": job("b", size=3)}
    rows = list(param_changes(first, second, {}, {"shown": "a"}))
    assert rows == [
        ("rate", "0.1", "0.2", "a-1"),
        ("size", "-", "3", "b"),
        ("shown", "-", "a", "params.yaml alone: no job records it"),
    ]
    assert not list(param_changes(first, {"a-0": job("a-0", seed=1.0, rate=0.1)}, {}, {}))


def test_many_jobs_are_named_by_their_rules() -> None:
    assert in_short(["a-0", "a-1", "b-x"]) == "a (2), b-x"
    assert in_short(list("abcdefg")) == "a, b, c, d and 3 more rules"


@pytest.mark.parametrize("stdout", ["closed pipe", "full disk"])
def test_the_page_is_written_whoever_reads_what_is_printed(repository: Path, stdout: str) -> None:
    """`relatent compare ... | head` has its page, and no traceback."""
    command = [sys.executable, "-m", "relatent.cli", "compare", "HEAD~1", "HEAD"]
    reader, writer = os.pipe()
    os.close(reader)
    with open("/dev/full", "wb") as full, open(writer, "wb") as pipe:
        sink = full if stdout == "full disk" else pipe
        done = subprocess.run(
            command, cwd=repository, stdout=sink, stderr=subprocess.PIPE, text=True, check=False,
            env=environment(PYTHONPATH=str(ROOT / "src")),
        )  # fmt: skip
    assert "vae.runs.a.epochs" in (repository / "compare.html").read_text().replace("<wbr>", "")
    assert done.stderr.count("\n") <= 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("verb", [("where", "results/x"), ("compare", "HEAD"), ("compare", "HEAD~1", "other")])
@pytest.mark.parametrize("name", ["dvc.lock", "params.yaml"])
def test_a_merge_that_is_not_done_is_one_line(repository: Path, verb: tuple[str, ...], name: str) -> None:
    run("git", "branch", "other", cwd=repository)
    run("git", "checkout", "--quiet", "other", cwd=repository)
    commit(repository, "both", **{name.replace(".", "_"): CONFLICT})
    if verb[0] == "where" and name == "params.yaml":
        pytest.skip("it is not read")
    assert f"{name}: a merge is not done: git's conflict markers stand in it" in relatent(
        repository, *verb, check=False
    )


def test_reruns_tells_of_a_committed_conflict_in_one_line(repository: Path) -> None:
    commit(repository, "both", dvc_yaml=CONFLICT)
    assert "dvc.yaml: a merge is not done" in relatent(repository, "reruns", check=False)


@pytest.mark.parametrize("damaged", ["", "{", "[1]", "\0", "a: b: c"])
def test_a_damaged_record_is_one_line(repository: Path, damaged: str) -> None:
    (repository / "dvc.lock").write_text(damaged, encoding="utf-8")
    assert "dvc.lock: damaged" in relatent(repository, "where", "results/figures/a.png", check=False)


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        (".", "results/figures/a.png"),
        (".", "./results//figures/../figures/a.png"),
        (".", "{root}/results/figures/a.png"),
        ("results/figures", "a.png"),
        ("results/figures", "../figures/a.png"),
        ("results/figures", "{root}/results/figures/a.png"),
        ("results/figures", "results/figures/a.png"),
    ],
)
def test_where_knows_a_file_by_each_of_its_paths(repository: Path, folder: str, name: str) -> None:
    """Seen from here, from the root, or absolute; the same answer."""
    expected = relatent(repository, "where", "results/figures/a.png")
    assert expected.startswith("figures_a  (rule figures_a, since ")
    assert relatent(repository / folder, "where", name.format(root=repository)) == expected


def test_compare_from_a_subfolder_writes_its_page_there(repository: Path) -> None:
    """And compares the whole repository all the same."""
    printed = relatent(repository / "results", "compare", "HEAD~1", "HEAD", "--page", "page.html")
    assert "figures: 0 differ, 1 are the same" in printed
    assert (repository / "results/page.html").is_file()
