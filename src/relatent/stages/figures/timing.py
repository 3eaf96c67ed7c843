"""Stage `figures.timing`: draw timings of classifiers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from relatent.stages.figures import Figure
from relatent.stages.shared.command import run, stage

app = stage("Draw timings of classifiers.")


@app.command()
def svm(
    table: Annotated[Path, typer.Option(help="CSV of the stage timing, in seconds and bytes.")], figure: Figure
) -> None:
    """Draw training time and memory of support vector machines, dense and sparse."""
    from relatent.figures import timing
    from relatent.files.tables import read_csv

    timing.svm(figure, read_csv(table))


if __name__ == "__main__":
    run(app)
