"""Describe in words what a field of a section allows, from its type and constraints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, StringConstraints
from pydantic.fields import FieldInfo

WORDS = {1: "one", 2: "two", 3: "three"}


def allowed(annotation: Any, marks: Sequence[Any] = ()) -> str:
    """Describe the values that an annotation and its constraints allow.

    Parameters
    ----------
    annotation : a type, as pydantic reads it.
    marks : constraints of annotated_types, `Field` or `StringConstraints`; others are ignored.

    Examples
    --------
    >>> from pydantic import Field
    >>> allowed(Annotated[int, Field(ge=1, le=64)])
    'a whole number from 1 to 64'
    >>> allowed(list[Literal["rnn", "gru"]], [Field(min_length=1)])
    'a list of at least one item, each rnn or gru'
    """
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return allowed(inner[0], [*inner[1:], *marks])
    if origin is Literal:
        return _either(map(str, inner))
    if origin in (Union, UnionType):
        return _either(allowed(each, marks) for each in inner)
    limits = _limits(marks)
    if origin is list:
        count = _count(limits)
        return f"a list of {count}, each {allowed(inner[0])}" if count else f"a list, each item {allowed(inner[0])}"
    if origin is dict:
        return "named sections" if _is_section(inner[1]) else f"a mapping of names, each to {allowed(inner[1])}"
    if _is_section(annotation):
        return f"a section with {', '.join(annotation.model_fields)}"
    return {int: "a whole number", float: "a number"}.get(annotation, "") + _bounds(limits) or _plain(
        annotation, limits
    )


def _plain(annotation: Any, limits: dict[str, Any]) -> str:
    if annotation is str and limits.get("pattern"):
        return f"a name that matches {limits['pattern']}"
    return {bool: "true or false", NoneType: "null", str: "a text"}.get(annotation, "see the comment beside the key")


def _limits(marks: Iterable[Any]) -> dict[str, Any]:
    """Return the constraints among some marks, by their usual names."""
    found: dict[str, Any] = {}
    for mark in marks:
        if isinstance(mark, FieldInfo):
            found |= _limits(mark.metadata)
        elif isinstance(mark, StringConstraints):
            found["pattern"] = mark.pattern
        else:
            names = ("ge", "gt", "le", "lt", "min_length", "max_length")
            found |= {name: getattr(mark, name) for name in names if hasattr(mark, name)}
    return found


def _bounds(limits: dict[str, Any]) -> str:
    """Describe the bounds of a number; a missing bound is not named.

    Examples
    --------
    >>> _bounds({"gt": 0, "le": 1})
    ' above 0, at most 1'
    """
    if "ge" in limits and "le" in limits:
        return f" from {limits['ge']:g} to {limits['le']:g}"
    words = {"ge": "from", "gt": "above", "lt": "below", "le": "at most"}
    said = ", ".join(f"{words[name]} {limits[name]:g}" for name in words if name in limits)
    return f" {said}" if said else ""


def _count(limits: dict[str, Any]) -> str:
    least, most = limits.get("min_length"), limits.get("max_length")
    if least is None:
        return ""
    number = WORDS.get(least, str(least))
    items = "item" if least == 1 else "items"
    return f"{number} {items}" if least == most else f"at least {number} {items}"


def _either(choices: Iterable[str]) -> str:
    *others, last = choices
    return f"{', '.join(others)} or {last}" if others else last


def _is_section(candidate: Any) -> bool:
    return isinstance(candidate, type) and issubclass(candidate, BaseModel)
