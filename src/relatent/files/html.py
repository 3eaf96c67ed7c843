"""Fill HTML templates (jinja2) that stand beside the modules that name them."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any


def render(template: Path, **values: Any) -> str:
    """Fill a template with values.

    Parameters
    ----------
    template : file of a jinja2 template.
    values : what the template names; text is escaped as `html.escape` does, numbers are written by
        `str`.

    Raises
    ------
    jinja2.UndefinedError
        If the template names a value that is missing.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        autoescape=True,
        finalize=lambda value: value if hasattr(value, "__html__") else Markup(html.escape(str(value))),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.from_string(template.read_text(encoding="utf-8")).render(values)
