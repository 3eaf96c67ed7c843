"""Test that all stages are mounted, all options are explained, and README names all commands."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from relatent.cli import app
from tests.support.harness import ROOT, run

WHOLE = typer.main.get_command(app)


def commands(group: Any, *above: str) -> Iterator[tuple[str, Any]]:
    """Yield every command and group below a group, with the words that call it."""
    for name in group.list_commands(None) if hasattr(group, "list_commands") else ():
        command = group.get_command(None, name)
        yield " ".join([*above, name]), command
        yield from commands(command, *above, name)


COMMANDS = dict(commands(WHOLE))


def test_every_stage_with_commands_is_mounted() -> None:
    """Each module of relatent.stages that runs as a program is a command of `relatent stage`."""
    folder = ROOT / "src/relatent/stages"
    stages = {
        " ".join(["stage", *path.relative_to(folder).with_suffix("").parts])
        for path in folder.rglob("*.py")
        if '__name__ == "__main__"' in path.read_text(encoding="utf-8")
    }
    assert "stage figures rnn" in stages
    assert stages <= set(COMMANDS)


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_and_each_of_its_options_is_explained(words: str) -> None:
    """The command and each of its parameters have a help text."""
    assert COMMANDS[words].help
    for parameter in COMMANDS[words].params:
        assert getattr(parameter, "help", None), f"relatent {words}: {parameter.name} has no help"


def test_help_names_what_a_person_needs_and_stage_help_the_joints() -> None:
    """`relatent --help` lists the tools and no stage; `relatent stage --help` lists every stage."""

    def said(*words: str) -> str:
        return run("python", "-m", "relatent.cli", *words, "--help", cwd=ROOT, PYTHONPATH=str(ROOT / "src")).stdout

    tools, stages = said(), said("stage")
    assert all(name in tools for name in ("rank", "mosaic", "compare", "where", "reruns", "stage"))
    assert "rbm_likelihood" not in tools
    for group in WHOLE.get_command(None, "stage").list_commands(None):  # type: ignore[attr-defined]
        assert group in stages


def test_the_command_line_imports_no_heavy_library() -> None:
    """`relatent --help` answers at once: only the commands that need a heavy library import it."""
    code = "import sys, relatent.cli; print(*{'torch', 'sklearn', 'matplotlib', 'numba', 'h5py'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "src", capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_environments_agree_on_every_version() -> None:
    """workflow/environment.yaml pins the versions of constraints.txt."""
    from relatent.jobs.params import read_yaml

    def key(name: str) -> str:
        return name.partition("[")[0].lower().replace("_", "-")

    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {key(name): version for name, _, version in (line.partition("==") for line in pins)}
    dependencies = read_yaml(Path(ROOT / "workflow/environment.yaml"))["dependencies"]
    for requirement in dependencies[-1]["pip"]:
        name, _, version = requirement.partition("==")
        assert pinned[key(name)] == version


def test_the_readmes_example_prints_what_it_says() -> None:
    """The library's example in README runs."""
    import doctest

    failures, tried = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert tried > 0
    assert failures == 0


def test_the_readme_names_every_target_of_the_makefile_and_every_verb_of_the_bridge() -> None:
    """README names them, since users look for commands there."""
    import re

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    for target in set(targets) - {"all"}:
        assert f"make {target}" in readme
    for verb in ("gen", "commit", "restore", "status", "why", "hooks"):
        assert f"bridge {verb}" in readme
