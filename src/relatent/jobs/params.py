"""Load parameters: YAML 1.2 -> closed, typed, frozen models -> function arguments.

This module knows no stage. A section of `params.yaml` is a subclass of `Section`, defined beside
the stage that it configures. Every key must be in the file; the code has no defaults. Errors are
one
line: path of the key, value given, values allowed.
"""

from __future__ import annotations

import difflib
import os
import reprlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from relatent.errors import InputError
from relatent.jobs.limits import allowed


class Structural:
    """Mark a field that decides which jobs exist, such as a list of seeds; see `structure`."""


class Section(BaseModel):
    """Closed, frozen, strictly typed section of params.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class WithDefaults(Section):
    """Section with named runs and their `defaults`: a run states only what differs.

    The key `defaults` stands beside the mapping of runs; a run's own value replaces it.
    """

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, values: Any) -> Any:
        return merged(values) if isinstance(values, dict) else values


def merged(values: dict[str, Any]) -> dict[str, Any]:
    """Give each run of a section the defaults that it does not override.

    Parameters
    ----------
    values : the section as in the file. If it has `defaults`, its keys in `RUNS` hold runs.

    Examples
    --------
    >>> merged({"defaults": {"epochs": 2, "seed": 0}, "runs": {"long": {"epochs": 9}}})
    {'runs': {'long': {'epochs': 9, 'seed': 0}}}
    """
    defaults = values.get("defaults")
    if not isinstance(defaults, dict):
        return values
    others = {key: value for key, value in values.items() if key != "defaults"}
    return {key: _filled(value, defaults) if key in RUNS else value for key, value in others.items()}


def _filled(runs: Any, defaults: dict[str, Any]) -> Any:
    if not isinstance(runs, dict):
        return runs
    return {name: defaults | own if isinstance(own, dict) else own for name, own in runs.items()}


RUNS = ("runs", "corpora", "learned")  # keys of a section that hold named runs

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]+$")]
"""A name that becomes a wildcard, a folder and part of a DVC stage's name."""

Seeds = Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1), Structural()]
"""One job per seed."""

AnySection = TypeVar("AnySection", bound=Section)
AnyRun = TypeVar("AnyRun")

LISTED = 10  # most faults in one message
SHOWN = 200  # most characters of a value


def read_yaml(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a YAML 1.2 mapping (1e-3 is a number, yes is a string); InputError for anything else."""
    from ruamel.yaml import YAML

    try:
        values = YAML(typ="safe", pure=True).load(Path(path))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; run in the folder that holds params.yaml") from None
    except OSError:
        raise
    except Exception as error:  # the parser also raises KeyError, IndexError, RecursionError, ...
        reason = " ".join(str(error).split())[:500]
        raise InputError(f"{path}: not YAML: {reason or type(error).__name__}") from None
    if not isinstance(values, dict):
        raise InputError(f"{path}: got {type(values).__name__}, allowed: a mapping of sections")
    return values


# parameters that a job was planned with; the file may have changed since
_taken: dict[str, Any] = {}


def take(values: dict[str, Any]) -> None:
    """Make `load_section` use these values from now on instead of the file."""
    _taken.update(values)


def taken() -> dict[str, Any]:
    """Return the values that `load_section` uses instead of a file; empty if there are none."""
    return _taken


def load_section(model: type[AnySection], name: str, path: str | os.PathLike[str] = "params.yaml") -> AnySection:
    """Load one section into its model.

    Parameters
    ----------
    model : class of the section.
    name : its key in the file, such as "vae".
    path : YAML file, default "params.yaml".

    Raises
    ------
    InputError
        With one line: path of the key, value given, values allowed.
    """
    values = _taken or read_yaml(path)
    if name not in values:
        raise InputError(f"{path}: {name}: missing section; add it")
    return validate(model, values[name], path, prefix=(name,))


def named_run(runs: Mapping[str, AnyRun], name: str) -> AnyRun:
    """Return a run by its name.

    Raises
    ------
    InputError
        If there is no such run; the line lists those there are.
    """
    if name not in runs:
        raise InputError(f"--run: got {name!r}, allowed: {', '.join(runs)}")
    return runs[name]


def validate(
    model: type[AnySection], values: Any, path: str | os.PathLike[str], prefix: tuple[str, ...] = ()
) -> AnySection:
    """Build a model from plain values; InputError lists all faults in one line."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults = [_describe(model, fault, prefix) for fault in error.errors(include_url=False)[:LISTED]]
        more = [f"and {error.error_count() - LISTED} more"] if error.error_count() > LISTED else []
        raise InputError(f"{path}: " + "; ".join(faults + more)) from None


def _describe(model: type[Section], fault: ErrorDetails, prefix: tuple[str, ...]) -> str:
    """Describe one fault: path, value given, values allowed."""
    keys = [str(key) for key in fault["loc"] if key != "[key]"]
    name = ".".join((*prefix, *keys))
    name = name if name.isprintable() and len(name) <= SHOWN else _shown(name)
    if fault["type"] == "extra_forbidden":
        allowed = _siblings(model, keys[:-1])
        near = difflib.get_close_matches(keys[-1], allowed, n=1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        return f"{name}: got an unknown key, allowed: {', '.join(allowed)}{hint}"
    if fault["type"] == "missing":
        return f"{name}: missing, allowed: {_allowed(model, keys)}"
    if fault["type"] == "value_error":  # our validators' messages say what is allowed
        return f"{name}: got {_shown(fault['input'])}, allowed: {fault['ctx']['error']}"
    return f"{name}: got {_shown(fault['input'])}, allowed: {_allowed(model, keys) or fault['msg'].lower()}"


def _shown(value: Any) -> str:
    """Shorten a value: one line of YAML may stand for gigabytes."""
    short = reprlib.Repr()
    short.maxlevel, short.maxlist, short.maxdict, short.maxstring, short.maxother = 3, 20, 20, SHOWN, SHOWN
    text = short.repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _siblings(model: type[Section], keys: list[str]) -> list[str]:
    """Return the keys that the section at this path may have."""
    found = _find(model, keys)
    section: Any = found.annotation if isinstance(found, FieldInfo) else found
    return list(section.model_fields) if _is_section(section) else []


def _allowed(model: type[Section], keys: list[str]) -> str:
    """Describe what the field at this path allows: type, bounds, choices."""
    while keys and keys[-1].isdigit():  # for an item of a list, describe the list
        keys = keys[:-1]
    found = _find(model, keys)
    if found is None:
        return ""
    if not isinstance(found, FieldInfo):
        return "a section" if keys else "a mapping of sections"
    return allowed(found.annotation, found.metadata)


def _find(model: Any, keys: list[str]) -> Any:
    """Walk from a section's class along keys to a FieldInfo or another section's class."""
    found: Any = model
    for key in keys:
        section: Any = found.annotation if isinstance(found, FieldInfo) else found
        if _is_section(section):
            found = section.model_fields.get(key)
        else:  # dict[Name, SomeSection] has any key
            found = next((item for item in getattr(section, "__args__", ()) if _is_section(item)), found)
    return found


def _is_section(candidate: Any) -> bool:
    return isinstance(candidate, type) and issubclass(candidate, Section)


def structure(section: Section, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (path, value) for everything that decides which jobs exist.

    These are structural fields and the names of runs.
    """
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        path = f"{prefix}{name}"
        if any(isinstance(mark, Structural) or mark is Structural for mark in field.metadata):
            yield path, sorted(value) if isinstance(value, dict) else value
        if isinstance(value, Section):
            yield from structure(value, f"{path}.")
        elif isinstance(value, dict):
            for key, item in value.items():
                if isinstance(item, Section):
                    yield from structure(item, f"{path}.{key}.")
