"""Turn the fields of dataclasses into options of a command."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields
from typing import Any, get_type_hints


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one option per field of the dataclasses that are its parameters.

    Parameters
    ----------
    command : function whose parameters are annotated with dataclasses; their fields are annotated
        as typer asks for, and no two have the same name.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Size:
    ...     width: int = 3
    ...     height: int = 2
    >>> grouped(lambda size: print(size.width * size.height)).__name__
    Traceback (most recent call last):
    TypeError: size of <lambda> must be annotated with a dataclass
    >>> def area(size: Size) -> None:
    ...     print(size.width * size.height)
    >>> inspect.signature(grouped(area))
    <Signature (*, width: int = 3, height: int = 2)>
    >>> grouped(area)(width=5, height=2)
    10
    """
    groups = {each.name: each.annotation for each in inspect.signature(command, eval_str=True).parameters.values()}
    for name, kind in groups.items():
        if not hasattr(kind, "__dataclass_fields__"):
            raise TypeError(f"{name} of {command.__name__} must be annotated with a dataclass")

    @functools.wraps(command)
    def flat(**given: Any) -> None:
        command(
            **{name: kind(**{each.name: given[each.name] for each in fields(kind)}) for name, kind in groups.items()}
        )

    options = [option for kind in groups.values() for option in _options(kind)]
    flat.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]
    flat.__annotations__ = {each.name: each.annotation for each in options}
    return flat


def _options(kind: Any) -> Iterator[inspect.Parameter]:
    hints = get_type_hints(kind, include_extras=True)
    for field in fields(kind):
        default = inspect.Parameter.empty if field.default is MISSING else field.default
        yield inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, annotation=hints[field.name], default=default
        )
