"""Stage `figures.digit_vaes`: draw embeddings, samples, measures and timings of VAEs of digits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from relatent.stages.figures import Figure
from relatent.stages.shared.command import run, stage

OF_RUNS = "in a folder <run>/<seed>"

app = stage("Draw VAEs of digits: embeddings, samples, measures, training times.")


def run_of(path: Path) -> str:
    """Return the run of a file in a folder <run>/<seed>."""
    return path.parent.parts[-2]


@app.command()
def embeddings(
    embeddings: Annotated[list[Path], typer.Argument(help=f"HDF5 with test and test_labels, {OF_RUNS}.")],
    figure: Figure,
) -> None:
    """Draw the embedded test digits of several runs, coloured by class."""
    from relatent.figures import digit_vaes as networks
    from relatent.files.hdf5 import read_hdf5

    embedded = {}
    for path in embeddings:
        points, labels = read_hdf5(path, "test", "test_labels")
        embedded[run_of(path)] = (points, labels)
    networks.embeddings(figure, embedded)


@app.command()
def generated(
    generated: Annotated[list[Path], typer.Argument(help=f"HDF5 with manifold and random, {OF_RUNS}.")],
    manifold: Annotated[Path, typer.Option(help="PNG to write: digits decoded on a grid over the latent plane.")],
    random: Annotated[Path, typer.Option(help="PNG to write: digits drawn from the prior.")],
) -> None:
    """Draw digits that several runs generate."""
    from math import isqrt

    from relatent.figures import digit_vaes as networks
    from relatent.files.hdf5 import read_hdf5

    grids, rows = {}, {}
    for path in generated:
        grids[run_of(path)], drawn = read_hdf5(path, "manifold", "random")
        side = isqrt(len(drawn))
        rows[run_of(path)] = drawn[: side**2].reshape(side, side, -1)
    networks.grids(manifold, grids)
    networks.grids(random, rows)


@app.command()
def separation(
    tables: Annotated[list[Path], typer.Argument(help=f"CSV with class, predicted, count, {OF_RUNS}.")],
    summary: Annotated[Path, typer.Option(help="JSON summary of all runs.")],
    confusion: Annotated[Path, typer.Option(help="PNG to write: shares of predicted classes, by class.")],
    spread: Annotated[Path, typer.Option(help="PNG to write: spread of each class.")],
) -> None:
    """Draw the confusion of classes in the latent space of several runs, and their spread."""
    import numpy as np

    from relatent.figures import digit_vaes as networks
    from relatent.files.tables import read_csv, read_json

    counts = {}
    for path in tables:
        rows = read_csv(path)
        n_classes = 1 + max(int(row["class"]) for row in rows)
        table = np.zeros((n_classes, n_classes), np.int64)
        for row in rows:
            table[int(row["class"]), int(row["predicted"])] = int(row["count"])
        counts[run_of(path)] = table
    networks.confusions(confusion, counts)
    measured = read_json(summary)
    networks.spreads(spread, {name: measured[name] for name in counts})


@app.command()
def training(
    summary: Annotated[Path, typer.Option(help="JSON summary of all runs.")],
    histories: Annotated[list[Path], typer.Argument(help=f"CSV of each training, {OF_RUNS}.")],
    bounds: Annotated[Path, typer.Option(help="PNG to write: test ELBO and bound of every run, in nats.")],
    curves: Annotated[Path, typer.Option(help="PNG to write: validation loss over epochs.")],
) -> None:
    """Draw test ELBO and bound, and training curves, of all runs."""
    from relatent.figures import digit_vaes as networks
    from relatent.files.tables import read_csv, read_json

    measured = read_json(summary)
    networks.bounds(bounds, measured)
    networks.curves(curves, {run_of(path): read_csv(path) for path in histories}, measured)


@app.command()
def encoders(
    table: Annotated[Path, typer.Option(help="CSV of the stage timing, in seconds per epoch.")], figure: Figure
) -> None:
    """Draw the training time of an epoch with each inference network."""
    from relatent.figures import digit_vaes as networks
    from relatent.files.tables import read_csv

    networks.seconds(figure, read_csv(table))


if __name__ == "__main__":
    run(app)
