"""Imports run down: one contract covers all packages, and sees every violation."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.harness import ROOT

SOURCE = ROOT / "src/relatent"
PACKAGES = sorted(path.name for path in SOURCE.iterdir() if (path / "__init__.py").exists())
MODULES = ["errors"]  # at the root of the package, beside `cli`, above which there is nothing
ABOVE = "relatent.cli"
PLANTED = {
    "in a function": "def planted():\n    from relatent import cli\n\n    return cli\n",
    "for types alone": ("from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from relatent import cli\n"),
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts for the package below a folder."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(
        command, cwd=folder, env={"PYTHONPATH": str(folder / "src")}, capture_output=True, text=True, check=False
    )


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the package with its contracts."""
    shutil.copytree(SOURCE, tmp_path / "src/relatent", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_root_holds_three_modules() -> None:
    """`__init__`, `errors` and `cli` alone."""
    assert {path.name for path in SOURCE.glob("*.py")} == {"__init__.py", "cli.py", "errors.py"}


@pytest.mark.parametrize("how", PLANTED)
def test_a_violation_in_any_package_is_seen(house: Path, how: str) -> None:
    """An import that runs up, planted in every package at once: each one is named."""
    for package in PACKAGES:
        (house / "src/relatent" / package / "planted.py").write_text(PLANTED[how], encoding="utf-8")
    for module in MODULES:
        path = house / f"src/relatent/{module}.py"
        path.write_text(path.read_text(encoding="utf-8") + "\n\n" + PLANTED[how], encoding="utf-8")
    done = lint(house)
    assert done.returncode == 1
    for place in [*(f"relatent.{package}.planted" for package in PACKAGES), *(f"relatent.{name}" for name in MODULES)]:
        assert f"{place} -> {ABOVE}" in done.stdout, place


def test_a_new_package_must_be_given_its_floor(house: Path) -> None:
    (house / "src/relatent/attic").mkdir()
    (house / "src/relatent/attic/__init__.py").write_text('"""New."""\n', encoding="utf-8")
    done = lint(house)
    assert done.returncode == 1
    assert "attic" in done.stdout


def test_a_circle_inside_a_package_is_seen(house: Path) -> None:
    """Two modules of one package that import each other."""
    for one, other in (("here", "there"), ("there", "here")):
        text = f"def late():\n    from relatent.stats import {other}\n\n    return {other}\n"
        (house / f"src/relatent/stats/{one}.py").write_text(text, encoding="utf-8")
    done = lint(house)
    assert done.returncode == 1
    assert "relatent.stats" in done.stdout
