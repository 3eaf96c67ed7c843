"""Find the stages, and the constants by which each describes itself.

Every module of `relatent.stages` is a stage. Beside its commands (`app`) it may define

- `SECTION`: the model of its section of params.yaml, which has the stage's name;
- `faults(whole)`: a function that yields faults across sections, one line each;
- `HEADLINES`: the numbers of its metrics that are copied to `results/metrics.json`;
- `AXES`: the columns x and y of each of its tables that `dvc plots` draws.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

STAGES = __name__.rpartition(".shared")[0]  # no import: this module must not depend on any stage


@cache
def modules() -> dict[str, ModuleType]:
    """Import every stage.

    Returns
    -------
    dict
        {name: module} in alphabetical order, without the stages that draw figures.
    """
    return _below(STAGES)


@cache
def topics() -> dict[str, ModuleType]:
    """Import every stage that draws figures, {topic: module}."""
    return _below(f"{STAGES}.figures")


def _below(package: str) -> dict[str, ModuleType]:
    """Import every module of a package, {name: module}."""
    names = [each.name for each in iter_modules(import_module(package).__path__) if not each.ispkg]
    return {name: import_module(f"{package}.{name}") for name in names}


def told(attribute: str) -> dict[str, Any]:
    """Return a constant of every stage that defines it, {stage: value}."""
    return {name: getattr(module, attribute) for name, module in modules().items() if hasattr(module, attribute)}
