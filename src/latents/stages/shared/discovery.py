"""Find the stages, and what each says about itself.

A module of `latents.stages` is a stage. Beside its commands (`app`) it may define

- `SECTION`: the model of its section of params.yaml, which has the stage's name;
- `faults(whole)`: faults that only show across sections, one line each;
- `HEADLINES`: names of numbers in its metrics that `results/metrics.json` gathers;
- `AXES`: for each table that `dvc plots` draws, its columns x and y.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

STAGES = __name__.rpartition(".shared")[0]  # by name: this module must not depend on any stage


@cache
def modules() -> dict[str, ModuleType]:
    """Import every stage.

    Returns
    -------
    dict
        {name: module} in alphabetical order, such as "vae". Stages of figures are left out.
    """
    return _below(STAGES)


@cache
def topics() -> dict[str, ModuleType]:
    """Import every stage that draws figures, {topic: module}."""
    return _below(f"{STAGES}.figures")


def _below(package: str) -> dict[str, ModuleType]:
    names = [each.name for each in iter_modules(import_module(package).__path__) if not each.ispkg]
    return {name: import_module(f"{package}.{name}") for name in names}


def told(attribute: str) -> dict[str, Any]:
    """Collect what stages say of themselves, {stage: value}; stages that say nothing are left out."""
    return {name: getattr(module, attribute) for name, module in modules().items() if hasattr(module, attribute)}
