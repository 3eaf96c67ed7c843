"""Stage `figures.rbm`: draw filters of RBMs, and the convergence of partition functions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from relatent.stages.figures import Figure
from relatent.stages.shared.command import run, stage

app = stage("Draw filters of RBMs, and the convergence of partition functions.")


@app.command()
def filters(
    weights: Annotated[Path, typer.Option(help="Trained weights of an RBM on digits.")], figure: Figure
) -> None:
    """Draw the weights of an RBM's first hidden units as images."""
    from relatent.figures import rbm
    from relatent.files.weights import read_weights

    rbm.filters(figure, read_weights(weights)[0]["weight"].numpy())


@app.command()
def convergence(table: Annotated[Path, typer.Option(help="CSV of the stage rbm_likelihood.")], figure: Figure) -> None:
    """Draw the log partition function over the number of temperatures, from both directions."""
    from relatent.figures import rbm
    from relatent.files.tables import read_csv

    rbm.convergence(figure, read_csv(table))


if __name__ == "__main__":
    run(app)
