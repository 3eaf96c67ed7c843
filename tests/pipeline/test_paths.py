"""A path that is missing, of the wrong kind or unreadable costs one line, in every command."""

from __future__ import annotations

import inspect
import logging
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py  # noqa: F401  imported first: later, as nobody, libraries cannot be read
import pytest
import safetensors.torch  # noqa: F401
import typer.main

from relatent.cli import app
from relatent.files.hdf5 import read_hdf5
from relatent.files.tables import read_csv, read_json
from relatent.files.weights import read_weights
from relatent.jobs.params import read_yaml
from relatent.stages.shared import command as entry
from relatent.stages.shared import discovery
from tests.support.harness import ROOT

Say = Callable[..., str]


def callbacks(group: typer.Typer, *above: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield every command of a group by its words, with its function."""
    for command in group.registered_commands:
        assert command.callback
        yield " ".join([*above, command.name or command.callback.__name__.replace("_", "-")]), command.callback


COMMANDS = dict(callbacks(app))
for name, module in discovery.modules().items():
    COMMANDS |= callbacks(module.app, name)
for name, module in discovery.topics().items():
    COMMANDS |= callbacks(module.app, "figures", name)
WHOLE = typer.main.get_command(app)


def of_the_pipeline() -> dict[str, tuple[list[str], bool]]:
    """Return a command line of every command that jobs run; does it read a job's output?"""
    found = {}
    for stage in read_yaml(ROOT / "dvc.yaml")["stages"].values():
        _, ours, line = stage["cmd"].partition("-m relatent.stages.")
        module, *words = shlex.split(line) if ours else [""]
        reads = any(not path.startswith("src/") for path in stage.get("deps", []))
        found[" ".join([*module.split("."), *words[:1]])] = ["stage", *module.split("."), *words], reads
    return {words: line for words, line in found.items() if words.strip()}


LINES = of_the_pipeline()
BY_HAND = {  # command lines of commands that no job runs
    "claims table": ["--claims", "in/claims.json"],
    "published markdown": ["in/metrics.json"],
    "mosaic": ["in/rows.npy", "picture.png"],
    "rank": ["--queries", "in/rows.h5", "--database", "in/rows.npz"],
    "where": ["in/x"],
    "compare": ["HEAD"],
    "reruns": [],
}
ALL = {words: line for words, (line, _) in LINES.items()} | {
    words: ["stage"] * (" " in words) + [*words.split(), *options] for words, options in BY_HAND.items()
}
READING = {words: line for words, line in ALL.items() if words in BY_HAND or LINES[words][1]}


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Say:
    """Return a call that runs a failing command line in its own folder and gives its one line."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    def call(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["relatent", *words])
        # removes pytest's handlers: if there are any, ours is not added
        monkeypatch.setattr(logging.getLogger(), "handlers", [])
        with pytest.raises(SystemExit) as ended:
            entry.run(WHOLE)
        for handler in logging.getLogger().handlers:
            handler.close()
        said = capfd.readouterr().err
        assert (ended.value.code, said.count("\n"), said[:7]) == (1, 1, "error: "), (
            f"relatent {' '.join(words)}: {said}"
        )
        return said

    return call


def test_every_command_has_a_line_here() -> None:
    """The tests below cover every command."""
    assert set(ALL) == set(COMMANDS)


@pytest.mark.parametrize("words", READING)
def test_a_missing_file_is_one_line(say: Say, words: str) -> None:
    """The folder has parameters and no results, like a fresh one."""
    Path("params.yaml").symlink_to(ROOT / "params.yaml")
    say(*READING[words])


@pytest.mark.parametrize("words", READING)
def test_outside_the_repository_a_command_says_one_line(say: Say, words: str) -> None:
    """The folder has no parameters and no git."""
    say(*READING[words])


@pytest.mark.parametrize("words", ALL)
def test_a_folder_for_a_file_and_a_file_for_a_folder_is_one_line(say: Say, words: str) -> None:
    """Every option that is a path is checked before the command begins."""
    Path("a_folder").mkdir()
    Path("a_file").touch()
    for option in entry.path_options(COMMANDS[words]):
        kinds = {"a_folder": "a folder, allowed: a file", "a_file": "a file, allowed: a folder"}
        given = "a_file" if option == entry.FOLDER else "a_folder"
        assert f"{given}: {kinds[given]}" in say(*swap(ALL[words], COMMANDS[words], option, given))


def swap(line: list[str], command: Callable[..., Any], option: str, value: str) -> list[str]:
    """Set another value of an option; add the option if it is missing or an argument."""
    name = f"--{option.replace('_', '-')}"
    kind = str(inspect.signature(command, eval_str=True).parameters[option].annotation)
    if "ArgumentInfo" in kind:
        return [*line, value] if "list" in kind else [*line[:-1], value]
    if name not in line:
        return [*line, name, value]
    at = line.index(name) + 1
    return [*line[:at], value, *line[at + 1 :]]


@pytest.mark.parametrize("name", ["rows.h5", "rows.npy", "rows.npz"])
@pytest.mark.parametrize(
    ("make", "reason"), [(Path.mkdir, "a folder, allowed: a file"), (lambda path: None, "no such file")]
)
def test_rows_and_features_of_ones_own_are_files(say: Say, name: str, make: Callable[..., None], reason: str) -> None:
    """Their options are texts, since they may name an array in a file."""
    make(Path(name))
    assert f"{name}: {reason}" in say("rank", "--queries", f"{name}:a", "--database", name)
    assert f"{name}: {reason}" in say("mosaic", name, "picture.png")


@pytest.fixture
def not_ours() -> Iterator[Path]:
    """Make a file that this process may not read."""
    Path("not_ours").touch(mode=0o000)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)  # the user nobody
    yield Path("not_ours")
    if is_root:
        os.seteuid(0)


@pytest.mark.parametrize("reader", [read_json, read_csv, read_hdf5, read_weights])
def test_what_may_not_be_read_is_not_called_damaged(say: Say, not_ours: Path, reader: Callable[[Path], Any]) -> None:
    """The system's own error, which `run` turns into a line, has the reason; nothing is deleted."""
    with pytest.raises(PermissionError):
        reader(not_ours)
