"""Stage `figures.timing`: draw timings of classifiers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from latents.stages.figures import Figure
from latents.stages.shared.command import run, stage

app = stage("Draw timings of classifiers.")


@app.command()
def svm(
    table: Annotated[Path, typer.Option(help="CSV of the stage timing, in seconds and bytes.")], figure: Figure
) -> None:
    """Draw training time and memory of support vector machines, dense and sparse."""
    from latents.figures import timing
    from latents.files.tables import read_csv

    timing.svm(figure, read_csv(table))


if __name__ == "__main__":
    run(app)
