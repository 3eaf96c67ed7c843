"""Edit a copy of the pipeline, and ask both tools what they would run."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

from ruamel.yaml import YAML

from tests.support.harness import run

SRC = "src/relatent"


def bridge(verb: str, folder: Path, **options: bool) -> str:
    done = run("python", "workflow/bridge", verb, cwd=folder, **options)
    return done.stdout + done.stderr


def named(folder: Path) -> set[str]:
    """Return the jobs that both tools would run; fail if they differ."""
    lines = bridge("status", folder).splitlines()
    jobs = dict(line.split(": ", maxsplit=1) for line in lines[:2])
    assert jobs["snakemake"] == jobs["dvc"]
    return set(jobs["dvc"].split()) - {"nothing"}


def replace(old: str, new: str) -> Callable[[Path], None]:
    def edit(path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {path}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return edit


def add_line(line: str) -> Callable[[Path], None]:
    return lambda path: path.write_text(path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")


def change(**values: object) -> Callable[[Path], None]:
    """Set values at keys of a YAML file; two underscores separate the levels of a key."""

    def edit(path: Path) -> None:
        yaml = YAML()
        content = yaml.load(path)
        for key, value in values.items():
            *above, last = key.split("__")
            section = functools.reduce(lambda part, name: part[name], above, content)
            assert section.get(last) != value
            section[last] = value
        yaml.dump(content, path)

    return edit
