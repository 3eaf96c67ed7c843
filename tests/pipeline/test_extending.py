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
    commands = []
    for said, kind, text in steps():
        quoted = re.findall(r"`([^`]+)`", said)
        if kind == "sh":
            commands += [line.partition("#")[0].strip() for line in text.splitlines()]
        elif "Add to the end of" in said:
            for name in quoted[-2:]:
                (folder / name).write_text((folder / name).read_text(encoding="utf-8") + text, encoding="utf-8")
        else:
            assert "New file" in said
            assert not (folder / quoted[-1]).exists()
            (folder / quoted[-1]).write_text(text, encoding="utf-8")
    return commands


def test_a_stage_added_by_the_steps_runs_and_both_tools_agree(workspace: Path) -> None:
    """Only the new job and the headlines run; the command exists, and parameters are checked."""
    commands = follow(workspace)
    assert commands[0] == "python workflow/bridge gen"
    said = [run(*command.split(), cwd=workspace, check=command.endswith(("gen", "status"))) for command in commands]
    named = [done.stdout for command, done in zip(commands, said, strict=True) if command.endswith("status")]
    assert named[0].splitlines() == ["snakemake: headlines ink", "dvc: headlines ink"]
    assert named[1].splitlines() == ["snakemake: nothing", "dvc: nothing"]
    share = json.loads((workspace / "results/ink/mnist/metrics.json").read_text())["share"]
    assert 0.05 < share < 0.4  # strokes on a blank background
    assert json.loads((workspace / "results/metrics.json").read_text())["ink"] == {"mnist": {"share": share}}
    assert "ink" in said[-1].stdout
    shown = run(
        "python", "-m", "relatent.cli", "stage", "ink", "measure", "--help", cwd=workspace, PYTHONPATH="src"
    ).stdout
    assert "--digits" in shown
    params = workspace / "params.yaml"
    params.write_text(
        params.read_text().replace("threshold: 0.5  # grey value from which a pixel has", "threshold: 5  # ")
    )
    refused = run("snakemake", "--dry-run", cwd=workspace, check=False)
    assert "ink.threshold: got 5, allowed: a number above 0, at most 1" in refused.stdout + refused.stderr


def test_the_page_asks_for_at_most_four_files() -> None:
    """A module, a rule file and the two parameter files."""
    page = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
    new = re.findall(r"New file `([^`]+)`", page)
    edited = re.findall(r"Add to the end of `([^`]+)` and of `([^`]+)`", page)
    assert [*new, *edited[0]] == [
        "src/relatent/stages/ink.py",
        "workflow/rules/ink.smk",
        "params.yaml",
        "demo/params.yaml",
    ]
    assert len(edited) == 1
    assert not re.search(r"[Ii]n `[^`]+`, after", page)


def test_the_pages_example_is_right(tmp_path: Path) -> None:
    """The docstring's example of the new function is run as a test."""
    module = tmp_path / "ink.py"
    module.write_text(next(text for said, kind, text in steps() if kind == "python"), encoding="utf-8")
    spec = util.spec_from_file_location("ink", module)
    assert spec is not None
    assert spec.loader is not None
    ink = util.module_from_spec(spec)
    spec.loader.exec_module(ink)
    tried = doctest.testmod(ink)
    assert (tried.attempted, tried.failed) == (2, 0)
