"""Stage `figures.ranking`: draw how well representations rank."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from relatent.stages.figures import Figure
from relatent.stages.shared.command import run, stage

app = stage("Draw how well representations rank.")


@app.command()
def precision_recall(
    curves: Annotated[list[Path], typer.Argument(help="CSV per representation, in a folder of its name.")],
    figure: Figure,
) -> None:
    """Draw precision against recall of all representations of a data set."""
    from relatent.figures import ranking
    from relatent.files.tables import read_csv

    ranking.precision_recall(figure, {path.parent.name: read_csv(path) for path in curves})


if __name__ == "__main__":
    run(app)
