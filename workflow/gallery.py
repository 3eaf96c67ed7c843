"""Write docs/gallery.md: every figure with its caption and the claims that it shows, in the order of the flow.

    python workflow/gallery.py

Which figures there are, their captions and headings come from the Snakefile's `report(...)`, the captions from
workflow/report/, what to conclude from results/claims.json and, where no claim is shown, from workflow/gallery.toml.
"""

from __future__ import annotations

import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from flow import ROOT, Job, open_flow
from latents.claims.markdown import MARKS
from latents.errors import InputError
from latents.storage import atomic, read_json

GALLERY = Path("docs/gallery.md")
CLAIMS = Path("results/claims.json")
FIGURES = "results/figures/"
HEAD = """# Gallery

<!-- Written by `make docs` from workflow/report/, workflow/gallery.toml and results/claims.json; do not edit. -->

Every figure of the run that is committed, in the order of the flow. Below each stands what one sees, and what follows:
the notes' claims that it shows, with their verdicts (`docs/claims.md`), or a conclusion of our own.
"""


FLOW = ["Faces", "RBM", "VAE", "RNN", "Ordering", "Text", "Ranking", "Timing"]  # headings; others come last


def captioned(jobs: list[Job]) -> list[tuple[str, str, str]]:
    """(heading, figure, caption) of every figure that the report shows, in the order of the flow."""
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


def concluded(figure: str, claims: dict[str, Any], conclusions: dict[str, str]) -> list[str]:
    """What follows from a figure: the claims that name it, and a conclusion of its own; InputError without either."""
    name = figure.removeprefix(FIGURES).removesuffix(".png")
    shown = [claim for claim in claims.values() if name in claim["figures"]]
    lines = [f"- {MARKS[claim['verdict']]} {claim['statement']} *{claim['verdict'].capitalize()}.*" for claim in shown]
    lines += [f"- {said}" for pattern, said in conclusions.items() if fnmatch(name, pattern)][:1]
    if not lines:
        raise InputError(f"{figure}: no claim names it, and workflow/gallery.toml says nothing of it; add a line there")
    return lines


def gallery(figures: list[tuple[str, str, str]], claims: dict[str, Any], conclusions: dict[str, str]) -> str:
    """The whole page; a heading for each category, in the order in which they first come."""
    parts = [HEAD]
    for heading in dict.fromkeys(heading for heading, _, _ in figures):
        parts.append(f"## {heading}\n")
        for figure, caption in [found[1:] for found in figures if found[0] == heading]:
            name = figure.removeprefix(FIGURES).removesuffix(".png")
            said = "\n".join(concluded(figure, claims, conclusions))
            parts.append(f"### {name}\n\n![{name}](../{figure})\n\n{caption}\n\n{said}\n")
    return "\n".join(parts)


def main() -> None:
    """Write the page for the run in this folder."""
    import tomllib

    try:
        conclusions = tomllib.loads((ROOT / "workflow/gallery.toml").read_text(encoding="utf-8"))
        with open_flow() as flow:
            shown = captioned(flow.jobs)
        text = gallery(shown, read_json(CLAIMS), conclusions)
    except InputError as error:
        sys.exit(f"error: {error}")
    with atomic(GALLERY) as temporary:
        temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
