"""Every example of the pages below docs/ runs as it is; README links to each page."""

from __future__ import annotations

import doctest
import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.harness import ROOT, environment

PAGES = sorted((ROOT / "docs").glob("*.md"))


def test_the_librarys_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python examples print what the page says; the commands work on the files that they write."""
    page = ROOT / "docs/library.md"
    monkeypatch.chdir(tmp_path)
    failures, tried = doctest.testfile(str(page), module_relative=False)
    assert (failures, tried > 20) == (0, True)
    for commands in re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        command = ["bash", "-euo", "pipefail", "-c", commands]
        subprocess.run(command, cwd=tmp_path, env=environment(PYTHONPATH=str(ROOT / "src")), check=True)
    assert json.loads((tmp_path / "ranking.json").read_text())["precision@10"] > 0.9
    assert (tmp_path / "gratings.png").stat().st_size > 100


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_readme_links_to_every_page(page: Path) -> None:
    assert f"docs/{page.name}" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_name_files_that_there_are(page: Path) -> None:
    """Paths in backticks exist, except for those that the page itself makes."""
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"`((?:src|tests|workflow|profiles|benchmarks|docs|demo)/[\w./-]+)`", text)
    for path in named:
        assert (ROOT / path).exists() or f"New file `{path}`" in " ".join(text.split()), path
