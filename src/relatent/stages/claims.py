"""Stage `claims`: judge the claims of the notes by what all stages measured.

It writes the claims as JSON, as a page, and as tables for README and docs/.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import Field

from relatent.jobs.params import Name, Section, Structural, load_section, read_yaml
from relatent.stages.shared.command import PARAMS, Params, run, stage


class Words(Section):
    """Configure the numbers that the notes' words stand for."""

    times: float = Field(gt=1)
    share: float = Field(gt=0, lt=1)
    delay_seconds: float = Field(gt=0)
    about: float = Field(gt=1)
    lone_run: float = Field(ge=0, lt=1)


class ClaimsParams(Section):
    """Configure how the claims are judged."""

    perceptron: Annotated[Name, Structural()]
    recurrent: Annotated[list[Name], Field(min_length=1), Structural()]
    words: Words


ClaimsFile = Annotated[Path, typer.Option(help="JSON of the claims and their verdicts.")]
CLAIMS = Path("results/claims.json")

SECTION = ClaimsParams

app = stage("Judge the claims of the notes.")


@app.command()
def judge(
    files: Annotated[list[Path], typer.Argument(help="Files below results/ that hold the numbers, JSON and CSV.")],
    claims: ClaimsFile,
    page: Annotated[Path, typer.Option(help="HTML to write: all claims on one page.")],
    params: Params = PARAMS,
) -> None:
    """Judge every claim by the measured numbers; write all claims with their verdicts."""
    from relatent.claims import CLAIMS, Evidence, as_json, judge_all
    from relatent.claims.page import as_html
    from relatent.files.atomic import atomic
    from relatent.files.tables import write_json

    found = as_json(judge_all(CLAIMS, Evidence(files, terms(params))))
    write_json(claims, found)
    with atomic(page) as temporary:
        temporary.write_text(as_html(found), encoding="utf-8")


@app.command()
def table(
    claims: ClaimsFile = CLAIMS,
    readme: Annotated[Path, typer.Option(help="Markdown file whose part between two markers is replaced.")] = Path(
        "README.md"
    ),
    full: Annotated[Path, typer.Option(help="Markdown to write: all claims.")] = Path("docs/claims.md"),
) -> None:
    """Write headline claims between README's markers, and all claims into a page of docs/."""
    from relatent.claims.markdown import between_markers, every_claim, headlines
    from relatent.files.atomic import atomic
    from relatent.files.tables import read_json

    found = read_json(claims)
    for path, text in (
        (readme, between_markers(readme.read_text(encoding="utf-8"), headlines(found), path=readme)),
        (full, every_claim(found)),
    ):
        with atomic(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


def terms(params: Path) -> Any:
    """Return the terms by which claims are judged, from several sections of params.yaml."""
    from relatent.claims import Terms

    section = load_section(ClaimsParams, "claims", params)
    whole = read_yaml(params)
    return Terms(
        perceptron=section.perceptron,
        recurrent=section.recurrent,
        row_rnn=whole["ordering"]["sets"]["rnn_units"]["run"],
        faces=whole["face_model"]["main"],
        **section.words.model_dump(),
    )


def faults(whole: Any) -> Iterator[str]:
    """Yield one line per text VAE that does not exist."""
    section, text_runs = whole.claims, whole.text_vae.runs
    for key, names in {"perceptron": [section.perceptron], "recurrent": section.recurrent}.items():
        for name in names:
            if name not in text_runs:
                yield f"claims.{key}: got {name!r}, allowed: {', '.join(text_runs)}"


if __name__ == "__main__":
    run(app)
