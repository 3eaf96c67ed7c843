"""Write the claims as one HTML page that stands alone: no script, no request, fit for
telephones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from relatent.claims.markdown import MARKS, counts, rounded
from relatent.claims.rules import RULE
from relatent.files.html import render

PAGE = "page.html.j2"
COLOURS = {"holds": "#0072B2", "holds in part": "#8a6d00", "does not hold": "#b34700", "not testable": "#555555"}


def as_html(claims: Mapping[str, Any]) -> str:
    """Return the page.

    Parameters
    ----------
    claims : dict, as `relatent.claims.as_json` returns it.
    """
    topics: dict[str, dict[str, Any]] = {}
    for name, claim in claims.items():
        topics.setdefault(claim["topic"], {})[name] = claim
    return render(
        Path(__file__).with_name(PAGE),
        topics=topics,
        counts=counts(claims),
        rule=RULE,
        colours=COLOURS,
        marks=MARKS,
        rounded=rounded,
    )
