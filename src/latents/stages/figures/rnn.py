"""Stage `figures.rnn`: what row-RNNs predict and complete, and what their units show."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from latents.stages.figures import Figure
from latents.stages.shared.command import run, stage

Examples = Annotated[Path, typer.Option(help="HDF5 of a row-RNN's examples.")]

app = stage("Draw what row-RNNs predict and complete, and what their units show.")


@app.command()
def rows(examples: Examples, figure: Figure) -> None:
    """Test digits over the digits whose rows were predicted from those above."""
    from latents.figures import rnn
    from latents.files.hdf5 import read_hdf5

    originals, predicted, shown, labels = read_hdf5(examples, "originals", "predicted", "shown", "labels")
    rnn.rows(figure, originals, predicted, labels[shown])


@app.command()
def completions(examples: Examples, figure: Figure) -> None:
    """Half-seen test digits completed."""
    from latents.figures import rnn
    from latents.files.hdf5 import open_hdf5, read_hdf5

    originals, completed, shown, labels, seen = read_hdf5(examples, "originals", "completed", "shown", "labels", "seen")
    with open_hdf5(examples) as file:
        seen_rows = int(file.attrs["seen_rows"])
    rnn.completions(figure, originals, completed, labels[shown], seen[shown], seen_rows=seen_rows)


@app.command()
def ambiguous(examples: Examples, figure: Figure) -> None:
    """Ambiguous halves, completed several times by sampling rows."""
    from latents.figures import rnn
    from latents.files.hdf5 import open_hdf5, read_hdf5

    arrays = read_hdf5(examples, *(f"ambiguous_{name}" for name in ("originals", "completed", "samples")))
    with open_hdf5(examples) as file:
        seen_rows = int(file.attrs["seen_rows"])
    rnn.ambiguous(figure, *arrays, seen_rows=seen_rows)


@app.command()
def units(
    units: Annotated[Path, typer.Option(help="HDF5 with pictures and best.")],
    metrics: Annotated[Path, typer.Option(help="JSON with the units that show each digit.")],
    figure: Figure,
) -> None:
    """What each hidden unit likes to see, and what the network expects after it."""
    from latents.figures import rnn
    from latents.files.hdf5 import open_hdf5, read_hdf5
    from latents.files.tables import read_json

    with open_hdf5(units) as file:
        unit_rows = int(file.attrs["unit_rows"])
    average, best = read_hdf5(units, "pictures", "best")
    rnn.units(figure, average, best, read_json(metrics), unit_rows=unit_rows)


@app.command()
def measured(
    files: Annotated[list[Path], typer.Argument(help="metrics.json and completion.json of runs, in their folders.")],
    baselines: Annotated[Path, typer.Option(help="JSON of the simple predictors.")],
    figure: Figure,
) -> None:
    """Row-RNNs beside what they must beat."""
    from latents.figures import rnn
    from latents.files.tables import read_json

    runs, completed = (
        {path.parent.name: read_json(path) for path in files if path.stem == kind} for kind in ("metrics", "completion")
    )
    rnn.measured(figure, runs, completed, read_json(baselines))


@app.command()
def curves(
    histories: Annotated[list[Path], typer.Argument(help="CSV of each run, in a folder of its name.")],
    figure: Figure,
) -> None:
    """Validation cross-entropy of row-RNNs over epochs."""
    from latents.figures import rnn
    from latents.files.tables import read_csv

    rnn.curves(figure, {path.parent.name: read_csv(path) for path in histories})


if __name__ == "__main__":
    run(app)
