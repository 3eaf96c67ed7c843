"""Follow docs/extending.md to the letter on a copy of a finished run."""

from __future__ import annotations

import doctest
import json
import re
from collections.abc import Iterator
from importlib import util
from pathlib import Path

import pytest

from tests.support.harness import ROOT, run

pytestmark = pytest.mark.pipeline

BLOCK = re.compile(r"(?P<said>(?:[^\n]+\n)+)\n```(?P<kind>\w+)\n(?P<text>.*?)```\n", re.DOTALL)


def steps() -> Iterator[tuple[str, str, str]]:
    """Yield (lines before a block, its kind, its text) for every block of the page."""
    page = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
    for block in BLOCK.finditer(page):
        yield " ".join(block["said"].split("\n")), block["kind"], block["text"]


def follow(folder: Path) -> list[str]:
    """Do what the page says, except for its commands, which are returned."""
    file, commands = "", []
    for said, kind, text in steps():
        quoted = re.findall(r"`([^`]+)`", said)
        after = re.search(r"after `([^`]+)`", said)
        if kind == "sh":
            commands += [line.partition("#")[0].strip() for line in text.splitlines()]
        elif after:
            file = next((name for name in quoted if (folder / name).is_file()), file)
            insert(folder / file, after=after[1], text=text)
        elif "Add to the end of" in said:
            for name in quoted[-2:]:
                (folder / name).write_text((folder / name).read_text(encoding="utf-8") + text, encoding="utf-8")
        else:
            assert "New file" in said
            assert not (folder / quoted[-1]).exists()
            (folder / quoted[-1]).write_text(text, encoding="utf-8")
    return commands


def insert(path: Path, *, after: str, text: str) -> None:
    """Insert lines after the first such line that they do not follow yet."""
    whole = path.read_text(encoding="utf-8")
    places = [match.end() for match in re.finditer(rf"^{re.escape(after)}\n", whole, re.MULTILINE)]
    free = [place for place in places if not whole.startswith(text, place)]
    assert free, f"{path} has no line {after!r}"
    path.write_text(whole[: free[0]] + text + whole[free[0] :], encoding="utf-8")


def test_a_stage_added_by_the_five_steps_runs_and_both_tools_agree(workspace: Path) -> None:
    """Only the new job and the headlines run; the command exists, and parameters are checked."""
    commands = follow(workspace)
    assert commands[0] == "python workflow/bridge gen"
    said = [run(*command.split(), cwd=workspace, check=command.endswith(("gen", "status"))) for command in commands]
    named = [done.stdout for command, done in zip(commands, said, strict=True) if command.endswith("status")]
    assert named[0].splitlines() == ["snakemake: ink metrics", "dvc: ink metrics"]
    assert named[1].splitlines() == ["snakemake: nothing", "dvc: nothing"]
    share = json.loads((workspace / "results/ink/mnist/metrics.json").read_text())["share"]
    assert 0.05 < share < 0.4  # strokes on a blank background
    assert json.loads((workspace / "results/metrics.json").read_text())["ink"] == {"mnist": {"share": share}}
    assert "ink" in said[-1].stdout
    shown = run("python", "-m", "latents.cli", "ink", "measure", "--help", cwd=workspace, PYTHONPATH="src").stdout
    assert "--digits" in shown
    params = workspace / "params.yaml"
    params.write_text(
        params.read_text().replace("threshold: 0.5  # grey value from which a pixel has", "threshold: 5  # ")
    )
    refused = run("snakemake", "--dry-run", cwd=workspace, check=False)
    assert "ink.threshold: got 5, allowed: a grey value above 0, at most 1" in refused.stdout + refused.stderr


def test_the_steps_are_five_and_their_example_is_right(tmp_path: Path) -> None:
    """The docstring's example of the new library function runs as a test."""
    page = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
    assert [int(number) for number in re.findall(r"^## (\d)\.", page, re.MULTILINE)] == [1, 2, 3, 4, 5]
    module = tmp_path / "ink.py"
    module.write_text(next(text for said, _, text in steps() if "`src/latents/ink.py`" in said), encoding="utf-8")
    spec = util.spec_from_file_location("ink", module)
    assert spec is not None
    assert spec.loader is not None
    ink = util.module_from_spec(spec)
    spec.loader.exec_module(ink)
    tried = doctest.testmod(ink)
    assert (tried.attempted, tried.failed) == (1, 0)
