"""Check the whole of params.yaml before any job, against the sections of all stages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from typing import Any

from pydantic import create_model

from relatent.errors import InputError
from relatent.jobs.params import RUNS, Section, merged, read_yaml, structure, validate
from relatent.stages.shared.discovery import told
from relatent.stages.shared.sections import SHARED


@cache
def schema() -> type[Section]:
    """Compose the model of the whole file: a section per stage, and those that stages share."""
    fields: dict[str, Any] = {name: (section, ...) for name, section in (SHARED | told("SECTION")).items()}
    return create_model("Schema", __base__=Section, **fields)


def load(path: str | os.PathLike[str] = "params.yaml") -> dict[str, Any]:
    """Check the whole file and return its plain values, as DVC compares them.

    Raises
    ------
    InputError
        In one line: the path of each faulty key, its value, and what is allowed.
    """
    values = read_yaml(path)
    whole = validate(schema(), values, path)
    if faults := [fault for across in told("faults").values() for fault in across(whole)]:
        raise InputError(f"{path}: " + "; ".join(faults))
    return values


def filled(values: dict[str, Any]) -> dict[str, Any]:
    """Give every run of every section its defaults."""
    return {name: merged(section) if isinstance(section, dict) else section for name, section in values.items()}


def shape(path: str | os.PathLike[str] = "params.yaml") -> dict[str, Any]:
    """Return the values that decide which jobs exist and which keys they read, {path: value}."""
    values = read_yaml(path)
    return dict(structure(validate(schema(), values, path))) | dict(_own_keys(values))


def _own_keys(values: dict[str, Any]) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """Yield the keys that each run overrides, {run: keys}; all others have the defaults."""
    for name, section in values.items():
        for key in RUNS if "defaults" in section else ():
            if isinstance(section.get(key), dict):
                yield f"{name}.{key}", {run: sorted(own) for run, own in section[key].items()}
