"""`relatent reruns`: what each commit touched, by the digests of what jobs run on; on a tiny
history."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from relatent.jobs.closure import Sources, table
from relatent.tools import revisions
from relatent.tools.reruns import count
from tests.support.harness import run

STAGE = """
@app.command()
def train():
    from relatent.lib import width
    return width()
@app.command()
def draw():
    return 1
"""
LIB, STAGE_FILE = Path("src/relatent/lib.py"), Path("src/relatent/stages/toy.py")


def job(command: str, deps: list[str], out: str, params: list) -> dict:
    return {"cmd": f"python -m relatent.stages.toy {command}", "deps": deps, "outs": [out], "params": params}


def write(params: dict, *, digests: bool) -> None:
    """dvc.yaml of the two jobs, with digests as parameters in place of sources, or not."""
    sources = [] if digests else ["src/relatent/lib.py", "src/relatent/stages/toy.py"]
    keys = [[{"code.json": [f"toy-{command}"]}] if digests else [] for command in ("train", "draw")]
    stages = {
        "structure": {"cmd": "python workflow/bridge check", "deps": ["src/relatent"], "outs": ["code.json"]},
        "train": job("train", ["data.txt", *sources], "model", ["width", *keys[0]]),
        "draw": job("draw", ["model", *sources], "figure", keys[1]),
    }
    Path("dvc.yaml").write_text(json.dumps({"stages": stages}))
    Path("params.yaml").write_text(json.dumps(params))
    if digests:
        Path("code.json").write_text(json.dumps(table(Sources.on_disk(Path("src")).closures())))


@pytest.fixture
def touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], tuple[int, int, int]]]:
    """A repository of two jobs, and a function that commits and says how many jobs that touched, of
    how many to run."""
    monkeypatch.chdir(tmp_path)
    STAGE_FILE.parent.mkdir(parents=True)
    for path in (Path("src/relatent/__init__.py"), STAGE_FILE.with_name("__init__.py")):
        path.write_text("")
    STAGE_FILE.write_text(STAGE)
    LIB.write_text("def width():\n    return 3\n")
    Path("data.txt").write_text("data")
    run("git", "init", "--quiet", cwd=tmp_path)

    def commit() -> tuple[int, int, int]:
        run("git", "add", "--all", cwd=tmp_path)
        run("git", "commit", "--quiet", "--allow-empty", "--message", "a commit", cwd=tmp_path)
        return next(count("HEAD", 1))[1:]

    yield commit
    revisions.sources.cache_clear()
    revisions.read_code.cache_clear()


@pytest.mark.parametrize("digests", [False, True])
def test_a_commit_touches_what_runs_on_what_it_changed(
    touched: Callable[[], tuple[int, int, int]], digests: bool
) -> None:
    """By digest, not by text, before code.json as with it; jobs below are to run, and are not
    touched."""
    write({"width": 1}, digests=digests)
    assert touched() == (2, 2, 2)
    LIB.write_text("# a comment\n" + LIB.read_text())
    write({"width": 1}, digests=digests)
    assert touched() == (0, 0, 2)
    LIB.write_text("def width():\n    return 4\n")
    write({"width": 1}, digests=digests)
    assert touched() == (1, 2, 2)
    STAGE_FILE.write_text(STAGE.replace("return 1", "return 2"))
    write({"width": 1}, digests=digests)
    assert touched() == (1, 1, 2)
    write({"width": 2}, digests=digests)
    assert touched() == (1, 2, 2)
    Path("data.txt").write_text("other data")
    assert touched() == (1, 2, 2)


def test_the_commit_that_brings_digests_touches_nothing_by_that(touched: Callable[[], tuple[int, int, int]]) -> None:
    """The digest of the sources of before is the same; an environment counts from then on."""
    write({"width": 1}, digests=False)
    touched()
    write({"width": 1}, digests=True)
    assert touched() == (0, 0, 2)
    code = json.loads(Path("code.json").read_text())
    code["toy-draw"]["environment"] = "another"
    Path("code.json").write_text(json.dumps(code))
    assert touched() == (1, 1, 2)
