"""The claims as Markdown: headlines for README, all of them for docs/."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from latents.claims.rules import VERDICTS
from latents.errors import InputError

BEGIN, END = "<!-- claims: begin -->", "<!-- claims: end -->"
MARKS = {"holds": "✔", "holds in part": "◐", "does not hold": "✘", "not testable": "?"}
SHOWN = 3  # numbers of the first comparison in a row of the table


def counts(claims: Mapping[str, Any]) -> str:
    """How many claims there are of each verdict, in one line."""
    of_verdict = [sum(claim["verdict"] == verdict for claim in claims.values()) for verdict in VERDICTS]
    parts = [f"{number} {MARKS[verdict]} {verdict}" for verdict, number in zip(VERDICTS, of_verdict, strict=True)]
    return f"{len(claims)} statements: {', '.join(parts)}."


def figure_of(number: Mapping[str, Any]) -> str:
    """A number with its label and standard error.

    Examples
    --------
    >>> figure_of({"label": "MLP", "value": 5.0736, "std_error": 0.0404})
    'MLP 5.074 ± 0.04'
    >>> figure_of({"label": "units", "value": 30.0, "std_error": 0.0})
    'units 30'
    """
    error = f" ± {number['std_error']:.2g}" if number["std_error"] else ""
    return f"{number['label']} {number['value']:.4g}{error}"


def row(name: str, claim: Mapping[str, Any]) -> str:
    """A row of a table: statement, verdict, the numbers of the first comparison or why there are none."""
    comparisons = claim["comparisons"]
    numbers = "; ".join(figure_of(number) for number in comparisons[0]["numbers"][:SHOWN]) if comparisons else ""
    cells = [claim["statement"], f"{MARKS[claim['verdict']]} {claim['verdict']}", numbers or claim["why"]]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def headlines(claims: Mapping[str, Any]) -> str:
    """The claims that are marked as headlines, as a table."""
    chosen = {name: claim for name, claim in claims.items() if claim["headline"]}
    lines = ["| the notes say | verdict | measured |", "| --- | --- | --- |"]
    return "\n".join([counts(claims), "", *lines, *(row(name, claim) for name, claim in chosen.items())])


def between_markers(text: str, new: str, *, path: Path) -> str:
    """The text with what stands between the markers replaced; InputError when they are not there."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise InputError(f"{path}: needs the lines {BEGIN} and {END}, between which the table is written")
    return f"{head}{BEGIN}\n{new}\n{END}{tail}"


def every_claim(claims: Mapping[str, Any]) -> str:
    """A page with every claim: what is measured, the comparisons and their numbers."""
    lines = [
        "# The notes' claims",
        "",
        "<!-- Written by `latents claims table` from results/claims.json; do not edit. -->",
        "",
        counts(claims),
        "A comparison holds when the numbers say so by more than two standard errors. All of a claim hold: the claim",
        "holds; some: in part; none: it does not hold. `results/claims.json` names the source of each number.",
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
