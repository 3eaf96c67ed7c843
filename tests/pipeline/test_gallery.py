"""The gallery has every figure and its conclusions, and no dead link."""

from __future__ import annotations

import re
from pathlib import Path

import gallery
import pytest

from relatent.claims import CLAIMS
from tests.support.harness import ROOT, run

PAGE = ROOT / "docs/gallery.md"
CLAIM = {"statement": "It is so.", "verdict": "holds", "figures": ["a/b"]}


def figures() -> set[str]:
    """Return the figures of the run that git keeps."""
    return set(run("git", "ls-files", "results/figures/*.png", cwd=ROOT).stdout.split())


def test_no_figure_of_the_committed_run_is_missing() -> None:
    """No other figure is shown."""
    shown = re.findall(r"!\[[^]]*\]\(\.\./(results/figures/[^)]+)\)", PAGE.read_text(encoding="utf-8"))
    assert len(shown) == len(set(shown))
    assert set(shown) == figures()


@pytest.mark.parametrize("page", ["README.md", "docs/gallery.md", "docs/claims.md"])
def test_no_link_is_dead(page: str) -> None:
    """Every picture and file that a page links to is in the repository."""
    path = ROOT / page
    for link in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / link).is_file(), link


def test_what_a_claim_or_a_conclusion_names_is_a_figure() -> None:
    """A renamed figure would lose its conclusion without notice."""
    names = {figure.removeprefix(gallery.FIGURES).removesuffix(".png") for figure in figures()}
    for claim in CLAIMS:
        assert set(claim.figures) <= names, claim.id


def test_a_figure_is_followed_by_the_claims_that_name_it() -> None:
    """Verdicts are shown; a figure that no claim names has only its caption."""
    figures = [("H", "results/figures/a/b.png", "One sees."), ("H", "results/figures/a/c.png", "And here.")]
    page = gallery.gallery(figures, {"x": CLAIM})
    assert page.count("## H\n") == 1
    assert "One sees.\n\n- ✔ It is so. *Holds.*\n" in page
    assert page.endswith("And here.\n")


def test_a_caption_is_rendered_with_its_jobs_wildcards(tmp_path: Path) -> None:
    """The result is that of Snakemake's report."""
    caption = tmp_path / "c.rst"
    caption.write_text("Run {{ snakemake.wildcards.run }},\nas is.\n", encoding="utf-8")
    assert gallery.rendered(caption, {"run": "tied"}) == "Run tied, as is."


@pytest.mark.pipeline
def test_the_gallery_of_a_finished_run_shows_each_of_its_figures(built: Path) -> None:
    """The script reads the Snakefile of the run in which it is called."""
    run("python", "workflow/gallery.py", cwd=built, PYTHONPATH="src")
    page = (built / "docs/gallery.md").read_text(encoding="utf-8")
    for path in (built / "results/figures").rglob("*.png"):
        assert f"](../{path.relative_to(built)})" in page
