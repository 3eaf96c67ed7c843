"""The command line: every stage is there, every option is explained, README names each."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from bridge.verbs import VERBS
from latents.cli import app
from tests.support.harness import ROOT, run

GROUPS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def commands(group: dict[str, Any], *above: str) -> Iterator[tuple[str, Any]]:
    """Every command below a group by its words, groups themselves included."""
    for name, command in group.items():
        yield " ".join([*above, name]), command
        yield from commands(getattr(command, "commands", {}), *above, name)


COMMANDS = dict(commands(GROUPS))


def test_every_stage_with_commands_is_mounted() -> None:
    """A module of latents.stages that runs as a program is a command of `latents`."""
    folder = ROOT / "src/latents/stages"
    stages = {
        " ".join(path.relative_to(folder).with_suffix("").parts)
        for path in folder.rglob("*.py")
        if '__name__ == "__main__"' in path.read_text(encoding="utf-8")
    }
    assert "figures rnn" in stages
    assert stages <= set(COMMANDS)


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_and_each_of_its_options_is_explained(words: str) -> None:
    """A help text for the command and for each parameter."""
    assert COMMANDS[words].help
    for parameter in COMMANDS[words].params:
        assert getattr(parameter, "help", None), f"latents {words}: {parameter.name} has no help"


def test_help_names_every_stage() -> None:
    """`latents --help` as a user sees it."""
    text = run("python", "-m", "latents.cli", "--help", cwd=ROOT, PYTHONPATH=str(ROOT / "src")).stdout
    for group in GROUPS:
        assert group in text


def test_the_command_line_imports_no_heavy_library() -> None:
    """`latents --help` answers at once: heavy libraries are imported by the commands that need them."""
    code = "import sys, latents.cli; print(*{'torch', 'sklearn', 'matplotlib', 'numba', 'h5py'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "src", capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_environments_agree_on_every_version() -> None:
    """workflow/environment.yaml pins what constraints.txt pins."""
    from latents.jobs.params import read_yaml

    def key(name: str) -> str:
        return name.partition("[")[0].lower().replace("_", "-")

    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {key(name): version for name, _, version in (line.partition("==") for line in pins)}
    dependencies = read_yaml(Path(ROOT / "workflow/environment.yaml"))["dependencies"]
    for requirement in dependencies[-1]["pip"]:
        name, _, version = requirement.partition("==")
        assert pinned[key(name)] == version


def test_the_readmes_example_prints_what_it_says() -> None:
    """The library example runs as it stands."""
    import doctest

    failures, tried = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert tried > 0
    assert failures == 0


def test_the_readme_names_every_target_of_the_makefile_and_every_verb_of_the_bridge() -> None:
    """A command that is not in README cannot be found."""
    import re

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    for target in set(targets) - {"all"}:
        assert f"make {target}" in readme
    for verb in set(VERBS) - {"check"}:  # DVC alone calls check
        assert f"bridge {verb}" in readme
