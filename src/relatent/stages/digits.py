"""Stage `digits`: split the digits into roles; store them with fixed binarised draws as HDF5."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import Field

from relatent.jobs.params import Section, load_section
from relatent.stages.shared.command import PARAMS, Params, run, stage


class Digits(Section):
    """Configure the split and the binarisation of the digits."""

    validation: int = Field(ge=1)
    binarise: Literal["dynamic", "static", "threshold", "none"]
    seed: int = Field(ge=0)


SECTION = Digits

app = stage("Split the digits into roles and draw the binarised validation and test sets.")


@app.command()
def prepare(
    folder: Annotated[Path, typer.Option(help="Folder that holds the four idx files.")],
    digits: Annotated[Path, typer.Option(help="HDF5 to write: images, labels and binarised draws.")],
    params: Params = PARAMS,
) -> None:
    """Write images and labels by role, and the fixed draws on which likelihoods are measured."""
    from relatent.digits.files import write_digits

    section = load_section(Digits, "digits", params)
    write_digits(folder, digits, validation=section.validation, binarisation=section.binarise, seed=section.seed)


if __name__ == "__main__":
    run(app)
