"""Call functions that take option objects with the fields of these objects as plain keywords."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, get_type_hints


def flat(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that gathers its keywords into the dataclass parameters that have fields of
    these names."""
    hints = get_type_hints(function)
    kinds = {name: kind for name, kind in hints.items() if name != "return" and name in OBJECTS}

    def call(*given: Any, **keywords: Any) -> Any:
        gathered = {}
        for name, kind in kinds.items():
            fields = {field.name for field in dataclasses.fields(kind)} & keywords.keys()
            gathered[name] = kind(**{field: keywords.pop(field) for field in sorted(fields)})
        return function(*given, **gathered, **keywords)

    return call


OBJECTS = ("options", "protocol", "recipe", "journal")
