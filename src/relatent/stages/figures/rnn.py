"""Stage `figures.rnn`: draw predictions, completions and hidden units of row-RNNs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from relatent.stages.figures import Figure
from relatent.stages.shared.command import run, stage

Examples = Annotated[Path, typer.Option(help="HDF5 of examples of a row-RNN.")]

app = stage("Draw predictions, completions and hidden units of row-RNNs.")


@app.command()
def rows(examples: Examples, figure: Figure) -> None:
    """Draw test digits, and below them digits whose rows are each predicted from the rows above."""
    from relatent.figures import rnn
    from relatent.files.hdf5 import read_hdf5

    originals, predicted, shown, labels = read_hdf5(examples, "originals", "predicted", "shown", "labels")
    rnn.rows(figure, originals, predicted, labels[shown])


@app.command()
def completions(examples: Examples, figure: Figure) -> None:
    """Draw half-seen test digits and their completions."""
    from relatent.figures import rnn
    from relatent.files.hdf5 import open_hdf5, read_hdf5

    originals, completed, shown, labels, seen = read_hdf5(examples, "originals", "completed", "shown", "labels", "seen")
    with open_hdf5(examples) as file:
        seen_rows = int(file.attrs["seen_rows"])
    rnn.completions(figure, originals, completed, labels[shown], seen[shown], seen_rows=seen_rows)


@app.command()
def ambiguous(examples: Examples, figure: Figure) -> None:
    """Draw ambiguous halves, completed several times by sampling rows."""
    from relatent.figures import rnn
    from relatent.files.hdf5 import open_hdf5, read_hdf5

    arrays = read_hdf5(examples, *(f"ambiguous_{name}" for name in ("originals", "completed", "samples")))
    with open_hdf5(examples) as file:
        seen_rows = int(file.attrs["seen_rows"])
    rnn.ambiguous(figure, *arrays, seen_rows=seen_rows)


@app.command()
def units(
    units: Annotated[Path, typer.Option(help="HDF5 with pictures and best.")],
    metrics: Annotated[Path, typer.Option(help="JSON with the number of units that show each digit.")],
    figure: Figure,
) -> None:
    """Draw the rows that each hidden unit prefers, and the rows that the network expects next."""
    from relatent.figures import rnn
    from relatent.files.hdf5 import open_hdf5, read_hdf5
    from relatent.files.tables import read_json

    with open_hdf5(units) as file:
        unit_rows = int(file.attrs["unit_rows"])
    average, best = read_hdf5(units, "pictures", "best")
    rnn.units(figure, average, best, read_json(metrics), unit_rows=unit_rows)


@app.command()
def measured(
    files: Annotated[list[Path], typer.Argument(help="Files metrics.json and completion.json, in a folder per run.")],
    baselines: Annotated[Path, typer.Option(help="JSON of the simple predictors.")],
    figure: Figure,
) -> None:
    """Draw the measures of row-RNNs beside those of simple predictors."""
    from relatent.figures import rnn
    from relatent.files.tables import read_json

    runs, completed = (
        {path.parent.name: read_json(path) for path in files if path.stem == kind} for kind in ("metrics", "completion")
    )
    rnn.measured(figure, runs, completed, read_json(baselines))


@app.command()
def curves(
    histories: Annotated[list[Path], typer.Argument(help="CSV per run, in a folder of the run's name.")],
    figure: Figure,
) -> None:
    """Draw the validation cross-entropy of row-RNNs over epochs."""
    from relatent.figures import rnn
    from relatent.files.tables import read_csv

    rnn.curves(figure, {path.parent.name: read_csv(path) for path in histories})


if __name__ == "__main__":
    run(app)
