"""Explain why a job would run or ran, by its record, the present files, and sources in git."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bridge import definitions, reasons, why
from bridge.snakemake_side import Job
from relatent.errors import InputError
from relatent.jobs.closure import Sources
from relatent.jobs.params import read_yaml
from relatent.tools import revisions
from tests.support.harness import run

STAGE = """
from relatent.lib import Model, build
@app.command()
def train(model):
    return build(1)
@app.command()
def evaluate(model):
    return Model().score(2)
"""
LIB = '''
WIDTH = 3
class Model:
    """What is trained."""
    depth = 1
    def score(self, x):
        return x * self.depth
def build(n):
    # n layers
    return [WIDTH] * n
'''
FILES = {
    "relatent/__init__.py": "",
    "relatent/stages/__init__.py": "",
    "relatent/stages/toy.py": STAGE,
    "relatent/lib.py": LIB,
}


def package(lib: str = LIB, stage: str = STAGE) -> Sources:
    files = FILES | {"relatent/lib.py": lib, "relatent/stages/toy.py": stage}
    return Sources({path: text.encode() for path, text in files.items()})


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("x * self.depth", "x + self.depth", "Model.score"),
        ("depth = 1", "depth = 2", "Model"),
        ("class Model:", "class Model(dict):", "Model"),
        ("[WIDTH] * n", "[WIDTH] * (n + 1)", "build"),
        ("WIDTH = 3", "WIDTH = 4", "outside its definitions"),
    ],
)
def test_an_edit_is_named_by_the_definition_that_it_is_in(old: str, new: str, name: str) -> None:
    """The innermost function, method or class is named, with the lines before and after."""
    lines = list(definitions.differences("toy-train", package(), package(LIB.replace(old, new))))
    assert lines[0] == f"src/relatent/lib.py: {name}"
    assert sum(line.startswith("src/") for line in lines) == 1
    removed, added = ([line for line in lines if line.strip().startswith(mark)] for mark in "-+")
    assert [len(removed), len(added)] == [1, 1]
    assert (old in removed[0], new in added[0]) == (True, True)


def test_what_decides_on_no_result_is_not_named() -> None:
    """These are comments, docstrings and other commands of the stage."""
    lib = LIB.replace("# n layers", "# so many layers").replace("What is trained", "A model")
    now = package(lib, STAGE.replace("score(2)", "score(3)"))
    assert list(definitions.differences("toy-train", package(), now)) == []
    assert next(definitions.differences("toy-evaluate", package(), now)) == "src/relatent/stages/toy.py: evaluate"


def test_in_a_module_that_changed_what_changed_in_words_alone_is_not_named() -> None:
    """One function has a new comment, another one an edit."""
    now = package(LIB.replace("# n layers", "# layers").replace("x * self", "x + self"))
    named = [line for line in definitions.differences("toy-train", package(), now) if line.startswith("src/")]
    assert named == ["src/relatent/lib.py: Model.score"]


def test_a_long_difference_ends_after_twenty_lines() -> None:
    """A new definition is shown completely."""
    new = "def other():\n" + "".join(f"    line_{number} = {number}\n" for number in range(30))
    lines = list(definitions.differences("toy-train", package(), package(LIB + new)))
    assert lines[0] == "src/relatent/lib.py: other"
    assert len(lines) == 1 + definitions.LINES + 1
    assert lines[-1].strip() == "..."


def test_modules_that_are_imported_or_no_longer_are_named() -> None:
    now = package(stage=STAGE.replace("from relatent.lib import Model, build", "build = list"))
    assert "src/relatent/lib.py: no longer in what it imports" in list(
        definitions.differences("toy-train", package(), now)
    )


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Make a git repository here, with the toy package committed."""
    monkeypatch.chdir(tmp_path)
    for path, text in FILES.items():
        (tmp_path / "src" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "src" / path).write_text(text)
    run("git", "init", "--quiet", cwd=tmp_path)
    commit(tmp_path)
    forget()
    yield tmp_path
    forget()


def forget() -> None:
    revisions.sources.cache_clear()
    revisions.read_code.cache_clear()


def commit(folder: Path) -> str:
    run("git", "add", "--all", cwd=folder)
    run("git", "commit", "--quiet", "--allow-empty", "--message", "a commit", cwd=folder)
    return run("git", "rev-parse", "HEAD", cwd=folder).stdout.strip()


def test_a_digest_is_found_in_the_revision_that_has_it(repository: Path) -> None:
    """It may be many commits ago, past a revision that does not parse; otherwise None."""
    first = run("git", "rev-parse", "HEAD", cwd=repository).stdout.strip()
    lib = repository / "src/relatent/lib.py"
    for text in (LIB.replace("3", "4"), "def broken(:", LIB.replace("3", "5")):
        lib.write_text(text)
        commit(repository)
    code = package().closures()["toy-train"].code
    assert definitions.having("toy-train", code, []) == first
    assert definitions.having("toy-train", package(LIB.replace("3", "5")).closures()["toy-train"].code, []) == "HEAD"
    assert definitions.having("toy-train", package(LIB.replace("3", "6")).closures()["toy-train"].code, []) is None


# --- jobs: a reads source, b reads what a makes, c what b makes -----------------------------------


def job(name: str, reads: str, **other: Any) -> Job:
    command = f"python -m relatent.stages.toy train {name}"
    return Job(name, command, [reads], [f"{name}.out"], "toy-train", other.get("tracked", []), True, True)


JOBS = {"a": job("a", "source", tracked=["toy"]), "b": job("b", "a.out"), "c": job("c", "b.out")}
FOUND = {"source": "0", "a.out": "1", "b.out": "2", "c.out": "3"}
CODE = {"toy-train": {"code": "code", "environment": "environment"}}


def state(found: Mapping[str, str] = FOUND, toy: object = 1, **known: revisions.Job | None) -> why.State:
    """Return the jobs as they would run here; records fit except for what is given."""
    Path("params.yaml").write_text(json.dumps({"toy": toy}))
    Path("code.json").write_text(json.dumps(CODE))
    fit = why.State(JOBS, {}, FOUND)
    records = {name: record(fit, name) for name in JOBS} | known
    return why.State(JOBS, {name: each for name, each in records.items() if each}, found)


def record(fit: why.State, name: str) -> revisions.Job:
    now = fit.now(name)
    return revisions.Job(**{**vars(now), "params": {"toy": 1.0}} if name == "a" else vars(now))


def running(found: why.State) -> list[str]:
    return [name for name in JOBS if found.runs(name)]


def test_a_job_runs_for_its_own_reasons_and_for_those_above_it(repository: Path) -> None:
    """Reasons are parameters, inputs, outputs and records; 1.0 equals 1."""
    assert running(state()) == []
    assert running(state(toy=2)) == ["a", "b", "c"]
    assert running(state(FOUND | {"source": "9"})) == ["a", "b", "c"]
    assert running(state(FOUND | {"c.out": "9"})) == ["c"]
    assert running(state({path: md5 for path, md5 in FOUND.items() if path != "b.out"})) == ["b", "c"]
    assert running(state(b=None)) == ["b", "c"]


def test_a_job_that_runs_only_for_what_is_above_it_names_the_roots(repository: Path) -> None:
    """Jobs in between, whose inputs are made again likewise, are not named."""
    found = state(toy=2)
    assert found.own("c") == found.own("b") == []
    # `a` makes it again: only `a` has a reason of its own
    assert state(FOUND | {"a.out": "9"}).own("b") == []
    assert found.roots("c") == ["a"]
    assert found.own("a") == ["params"]
    assert found.below("b") == ["b", "c"]


@pytest.mark.parametrize("asked", ["b", "out/../b.out", "./b.out", "{}/b.out"])
def test_a_job_is_named_by_itself_or_by_a_file_of_it(repository: Path, asked: str) -> None:
    """A path may start from a folder, from the root, or be absolute."""
    (repository / "out").mkdir()
    for folder in (repository, repository / "out"):
        assert why.resolve(asked.format(repository), JOBS, folder) == "b"
    assert why.resolve("../b.out", JOBS, repository / "out") == "b"


def test_an_unknown_name_is_one_line_with_near_ones(repository: Path) -> None:
    with pytest.raises(InputError, match=r"^d\.out: no such job, and no job makes such a file; did you mean .*c\.out"):
        why.resolve("d.out", JOBS, repository)


def test_files_are_told_by_what_became_of_them() -> None:
    """Changed, missing, new and dropped files are named; unchanged ones are not."""
    lines = list(
        reasons.files("input", {"a": "1", "b": "1", "c": "1", "d": "1"}, {"a": "2", "b": "", "d": "1", "e": "1"})
    )
    assert [line.split(": ") for line in lines] == [
        ["  input a", "md5 1 -> 2"],
        ["  input b", "missing"],
        ["  input c", "not one any more"],
        ["  input e", "not one before"],
    ]


def version(**other: Any) -> revisions.Job:
    values = {"name": "a", "command": "python -m relatent.stages.toy train", "code": "1", "environment": "e1"}
    return revisions.Job(**{**values, "inputs": {}, "params": {}, "outputs": {}, **other})


def test_a_distribution_is_named_with_its_versions(repository: Path) -> None:
    """Only distributions that the code imports count; a line says if no code.json has them."""
    lib = repository / "src/relatent/lib.py"
    lib.write_text("import numpy\n" + LIB)
    table = {"toy-train": {"code": "1", "environment": "e1"}, "distributions": {"numpy": "2.0", "scipy": "1.0"}}
    (repository / "code.json").write_text(json.dumps(table))
    sha = commit(repository)
    table |= {"toy-train": {"code": "1", "environment": "e2"}, "distributions": {"numpy": "2.1", "scipy": "1.1"}}
    (repository / "code.json").write_text(json.dumps(table))
    now = version(environment="e2")
    lines = list(reasons.apart(version(), now, f"{sha} 2026-01-01 a commit"))
    assert lines == ["  environment e1 -> e2", "    numpy 2.0 -> 2.1"]
    lines = list(reasons.apart(version(environment="e0"), now, revisions.UNCOMMITTED))
    assert lines[1] == "    no revision of code.json has the versions of e0"


def test_parameters_are_told_by_their_leaves_and_code_that_git_has_not_by_a_line(repository: Path) -> None:
    old = version(params={"toy": {"width": 1, "depth": [2]}})
    new = version(params={"toy": {"width": 3, "depth": [2]}}, code="2", command=old.command + " --more")
    lines = list(reasons.apart(old, new, revisions.UNCOMMITTED))
    assert lines[:3] == [f"  command {old.command}", f"       -> {new.command}", "  parameter toy.width: 1 -> 3"]
    assert lines[3] == "  code 1 -> 2"
    assert [line.rpartition(" ")[2] for line in lines[4:]] == ["1", "2"]
    assert all("no revision of git" in line for line in lines[4:])


@pytest.mark.pipeline
def test_why_names_the_parameter_the_definition_the_input_and_the_root(workspace: Path) -> None:
    """It says so before a run of each edit, and afterwards as the reason of the last run."""

    def said(name: str, cwd: Path = workspace, check: bool = True) -> str:
        done = run("python", str(workspace / "workflow/bridge"), "why", name, cwd=cwd, check=check)
        return done.stdout if check else done.stderr

    params, source = workspace / "params.yaml", workspace / "src/relatent/stages/vae.py"
    assert "is up to date, since" in said("vae_evaluate-mlp_2d-0")
    assert read_yaml(params)["vae"]["bound"]["samples"] == 50
    params.write_text(params.read_text().replace(" samples: 50", " samples: 20"))
    source.write_text(source.read_text().replace("if idle:", "if idle > 0:"))
    before = said("vae_evaluate-mlp_2d-0")
    expected = ["parameter vae.bound.samples: 50 -> 20", "src/relatent/stages/vae.py: evaluate", "+    if idle > 0:"]
    for reason in expected:
        assert reason in before
    assert "it and all below it: " in before
    below = said("vae_measures_summary")
    assert "made anew by vae_evaluate-mlp_2d-0, which would run" in below
    assert "because of vae_evaluate-mlp_2d-0: its code, params" in below
    assert "Snakemake would" not in before + below
    run("snakemake", "--cores", "2", "results/vae/mnist/mlp_2d/seed0/metrics.json", cwd=workspace)
    run("git", "commit", "--all", "--quiet", "--message", "edited", cwd=workspace)
    after = said("seed0/metrics.json", workspace / "results/vae/mnist/mlp_2d")
    assert "is up to date, since" in after
    for reason in expected:
        assert reason in after
    error = said("vae_evaluate-mlp_2d-1", check=False)
    assert error.startswith("error: vae_evaluate-mlp_2d-1: no such job, and no job makes such a file; did you mean vae")
    assert error.count("\n") == 1
