"""Write the claims as Markdown: headlines for README, all of them for docs/."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from relatent.claims.rules import RULE, VERDICTS
from relatent.errors import InputError

BEGIN, END = "<!-- claims: begin -->", "<!-- claims: end -->"
MARKS = {"holds": "✔", "holds in part": "◐", "does not hold": "✘", "not testable": "?"}
SHOWN = 2  # numbers of a comparison in a row of the table


def counts(claims: Mapping[str, Any]) -> str:
    """Count the claims per verdict, in one line."""
    of_verdict = [sum(claim["verdict"] == verdict for claim in claims.values()) for verdict in VERDICTS]
    parts = [f"{number} {MARKS[verdict]} {verdict}" for verdict, number in zip(VERDICTS, of_verdict, strict=True)]
    return f"{len(claims)} statements: {', '.join(parts)}."


def figure_of(number: Mapping[str, Any]) -> str:
    """Write a number with its label, rounded to two digits of its standard error.

    Examples
    --------
    >>> figure_of({"label": "MLP", "value": 5.0736, "std_error": 0.0404})
    'MLP 5.074 ± 0.040'
    >>> figure_of({"label": "units", "value": 30.0, "std_error": 0.0})
    'units 30'
    """
    return f"{number['label']} {rounded(number['value'], number['std_error'])}"


def rounded(value: float, error: float) -> str:
    """Write a value with its standard error, or with four digits if its error is 0."""
    if error == 0:
        return f"{value:.4g}"
    places = 1 - int(f"{error:.1e}".partition("e")[2])
    if places > 5:
        return f"{value:.4g} ± {error:.2g}"
    return f"{round(value, places):.{max(0, places)}f} ± {round(error, places):.{max(0, places)}f}"


def row(claim: Mapping[str, Any]) -> str:
    """Write a row: statement, verdict, and the numbers of the first comparison that fails, else of
    the first."""
    comparisons = claim["comparisons"]
    failing = [comparison for comparison in comparisons if not comparison["holds"]]
    shown = [*failing, *comparisons][:1]
    numbers = "; ".join(figure_of(number) for comparison in shown for number in comparison["numbers"][:SHOWN])
    said = f"{claim['quantity']}: {numbers}" if numbers and claim["quantity"] else numbers or claim["why"]
    held = f" ({len(comparisons) - len(failing)} of {len(comparisons)})" if claim["verdict"] == "holds in part" else ""
    cells = [claim["statement"], f"{MARKS[claim['verdict']]} {claim['verdict']}{held}", said]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def headlines(claims: Mapping[str, Any]) -> str:
    """Write the claims that are marked as headlines, as a table."""
    chosen = [claim for claim in claims.values() if claim["headline"]]
    lines = ["| the notes say | verdict | measured |", "| --- | --- | --- |"]
    return "\n".join([counts(claims), "", *lines, *map(row, chosen)])


def between_markers(text: str, new: str, *, path: Path) -> str:
    """Replace the text between the markers; InputError if a marker is missing."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise InputError(f"{path}: needs the lines {BEGIN} and {END}, between which the table is written")
    return f"{head}{BEGIN}\n{new}\n{END}{tail}"


def every_claim(claims: Mapping[str, Any]) -> str:
    """Write a page with every claim: what is measured, the comparisons and their numbers."""
    lines = [
        "# The notes' claims",
        "",
        "<!-- Written by `make docs` from results/claims.json; do not edit. -->",
        "",
        counts(claims),
        *textwrap.wrap(f"{RULE} `results/claims.json` names the source of each number.", 120),
    ]
    topic = None
    for name, claim in claims.items():
        if claim["topic"] != topic:
            topic = claim["topic"]
            lines += ["", f"## {topic}"]
        lines += ["", f"### {MARKS[claim['verdict']]} {claim['statement']}", ""]
        lines += [f"**{claim['verdict'].capitalize()}**: {claim['why']}. `{name}`; notes {claim['note']}."]
        lines += [f"Measured: {claim['measured']}" + ("" if claim["measured"].endswith(".") else ".")]
        for comparison in claim["comparisons"]:
            numbers = "; ".join(figure_of(number) for number in comparison["numbers"])
            lines.append(
                f"- {'yes' if comparison['holds'] else 'no'}: {comparison['asked']} ({numbers})".replace(" ()", "")
            )
    return "\n".join(lines) + "\n"
