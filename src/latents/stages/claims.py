"""Stage `claims`: judge what the notes state by what was measured; one JSON, one page, one table for README."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import Field

from latents.jobs.params import Name, Section, Structural, load_section, read_yaml
from latents.stages.shared.command import PARAMS, Log, Params, run, stage


class Words(Section):
    """What the notes' words mean in numbers."""

    times: float = Field(gt=1)
    share: float = Field(gt=0, lt=1)
    delay_seconds: float = Field(gt=0)
    about: float = Field(gt=1)
    lone_run: float = Field(ge=0, lt=1)


class ClaimsParams(Section):
    """By what the claims are judged."""

    perceptron: Annotated[Name, Structural()]
    recurrent: Annotated[list[Name], Field(min_length=1), Structural()]
    words: Words


ClaimsFile = Annotated[Path, typer.Option(help="JSON of the claims.")]
CLAIMS = Path("results/claims.json")

SECTION = ClaimsParams

app = stage("Judge the claims of the notes.")


@app.command()
def judge(
    files: Annotated[list[Path], typer.Argument(help="Artifacts that hold the numbers: JSON and CSV below results/.")],
    claims: ClaimsFile,
    page: Annotated[Path, typer.Option(help="HTML to write.")],
    params: Params = PARAMS,
    log: Log = None,
) -> None:
    """Read the numbers, compare them, and write each claim with its verdict."""
    from latents.claims import CLAIMS, Evidence, as_json, judge_all
    from latents.claims.page import as_html
    from latents.files.atomic import atomic
    from latents.files.tables import write_json

    found = as_json(judge_all(CLAIMS, Evidence(files, terms(params))))
    write_json(claims, found)
    with atomic(page) as temporary:
        temporary.write_text(as_html(found), encoding="utf-8")


@app.command()
def table(
    claims: ClaimsFile = CLAIMS,
    readme: Annotated[Path, typer.Option(help="Markdown whose part between the markers is replaced.")] = Path(
        "README.md"
    ),
    full: Annotated[Path, typer.Option(help="Markdown to write: every claim.")] = Path("docs/claims.md"),
    log: Log = None,
) -> None:
    """Write the claims into README, the headlines between its markers, and all of them into a page of docs/."""
    from latents.claims.markdown import between_markers, every_claim, headlines
    from latents.files.atomic import atomic
    from latents.files.tables import read_json

    found = read_json(claims)
    for path, text in (
        (readme, between_markers(readme.read_text(encoding="utf-8"), headlines(found), path=readme)),
        (full, every_claim(found)),
    ):
        with atomic(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


def terms(params: Path) -> Any:
    """What the claims are judged by, of the whole parameter file."""
    from latents.claims import Terms

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
    """Find text VAEs that do not exist, one line each."""
    section, text_runs = whole.claims, whole.text_vae.runs
    for key, names in {"perceptron": [section.perceptron], "recurrent": section.recurrent}.items():
        for name in names:
            if name not in text_runs:
                yield f"claims.{key}: got {name!r}, allowed: {', '.join(text_runs)}"


if __name__ == "__main__":
    run(app)
