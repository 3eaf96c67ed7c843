"""Write docs/gallery.md: every figure with its caption and the claims that it shows, in the order
of the flow.

    python workflow/gallery.py

Which figures there are, and their headings, come from the Snakefile's `report(...)`; the captions,
which say what one
sees and what follows, from workflow/report/; the verdicts from results/claims.json.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from bridge.snakemake_side import Job, open_flow
from relatent.claims.markdown import MARKS
from relatent.errors import InputError
from relatent.files.atomic import atomic
from relatent.files.tables import read_json

GALLERY = Path("docs/gallery.md")
CLAIMS = Path("results/claims.json")
FIGURES = "results/figures/"
HEAD = """# Gallery

<!-- Written by `make docs` from workflow/report/ and results/claims.json; do not edit. -->

Every figure of the run that is committed, in the order of the flow. Below each stands what one sees and what follows,
and the notes' claims that it shows, with their verdicts (`docs/claims.md`).
"""


FLOW = ["Faces", "RBM", "VAE", "RNN", "Ordering", "Text", "Ranking", "Timing"]  # headings; others come last


def captioned(jobs: list[Job]) -> list[tuple[str, str, str]]:
    """(heading, figure, caption) of every figure that the report shows, in the order of the
    flow."""
    found = [
        (heading, figure, rendered(Path(caption), job.wildcards))
        for job in jobs
        for figure, (heading, caption) in job.shown.items()
        if figure.startswith(FIGURES)
    ]
    return sorted(found, key=lambda each: FLOW.index(each[0]) if each[0] in FLOW else len(FLOW))


def rendered(caption: Path, wildcards: dict[str, str]) -> str:
    """A caption's text, with the wildcards of its job filled in."""
    from types import SimpleNamespace

    from jinja2 import Template

    job = SimpleNamespace(wildcards=SimpleNamespace(**wildcards))
    return " ".join(Template(caption.read_text(encoding="utf-8")).render(snakemake=job).split())


def verdicts(name: str, claims: dict[str, Any]) -> str:
    """Yield the claims that a figure shows, one line per claim."""
    shown = [claim for claim in claims.values() if name in claim["figures"]]
    return "".join(
        f"- {MARKS[claim['verdict']]} {claim['statement']} *{claim['verdict'].capitalize()}.*\n" for claim in shown
    )


def gallery(figures: list[tuple[str, str, str]], claims: dict[str, Any]) -> str:
    """The whole page; a heading for each category, in the order in which they first come."""
    parts = [HEAD]
    for heading in dict.fromkeys(heading for heading, _, _ in figures):
        parts.append(f"## {heading}\n")
        for figure, caption in [found[1:] for found in figures if found[0] == heading]:
            name = figure.removeprefix(FIGURES).removesuffix(".png")
            parts.append(f"### {name}\n\n![{name}](../{figure})\n\n{caption}\n")
            if said := verdicts(name, claims):
                parts.append(said)
    return "\n".join(parts)


def main() -> None:
    """Write the page for the run in this folder."""
    try:
        with open_flow() as flow:
            text = gallery(captioned(flow.jobs), read_json(CLAIMS))
    except InputError as error:
        sys.exit(f"error: {error}")
    with atomic(GALLERY) as temporary:
        temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
