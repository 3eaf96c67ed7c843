"""Stage `figures.faces`: draw faces, and results of the autoencoder and the models of faces."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from relatent.stages.figures import Figure
from relatent.stages.shared.command import run, stage

MixedFile = Annotated[Path, typer.Option(help="HDF5 of mixtures of the stage face_model.")]

app = stage("Draw faces, and results of the autoencoder and the models of faces.")


@app.command()
def grid(
    pictures: Annotated[Path, typer.Option(help="HDF5 that holds the data set.")],
    name: Annotated[str, typer.Option(help="Name of the data set of faces.")],
    figure: Figure,
) -> None:
    """Draw faces side by side."""
    from relatent.figures import faces
    from relatent.files.hdf5 import read_hdf5

    faces.grid(figure, *read_hdf5(pictures, name))


@app.command()
def contact(examples: Annotated[Path, typer.Option(help="HDF5 with the data set over_yaw.")], figure: Figure) -> None:
    """Draw faces by yaw: crop, aligned, raw frontal, symmetric."""
    from relatent.figures import faces
    from relatent.files.hdf5 import read_hdf5

    faces.contact(figure, *read_hdf5(examples, "over_yaw"))


@app.command()
def errors(
    errors: Annotated[Path, typer.Option(help="CSV of the autoencoder's errors.")],
    metrics: Annotated[Path, typer.Option(help="JSON with pca_held_out_mse, the error of PCA.")],
    figure: Figure,
) -> None:
    """Draw the held-out error of the autoencoder after each training step, beside PCA."""
    from relatent.figures import faces
    from relatent.files.tables import read_csv, read_json

    faces.errors(figure, read_csv(errors), read_json(metrics)["pca_held_out_mse"])


@app.command()
def interpolation(mixed: MixedFile, figure: Figure) -> None:
    """Draw faces between two people, interpolated at each level."""
    from relatent.figures import faces
    from relatent.files.hdf5 import read_hdf5

    first, second, people, levels, shares = read_hdf5(mixed, "first", "second", "people", "levels", "between")
    between = dict(zip(levels, read_hdf5(mixed, *levels), strict=True))
    faces.interpolation(figure, first, second, between, names=list(people), shares=list(shares))


@app.command()
def strip(mixed: MixedFile, figure: Figure) -> None:
    """Draw faces mixed with their reconstructions, one row per share."""
    from relatent.figures import faces
    from relatent.files.hdf5 import read_hdf5

    shown, rows, shares = read_hdf5(mixed, "faces", "mixed", "upward")
    faces.strip(figure, shown, rows, list(shares))


@app.command()
def mixing(
    tables: Annotated[list[Path], typer.Argument(help="CSV per model, in a folder of the model's name.")],
    figure: Figure,
) -> None:
    """Draw the autocorrelation of Gibbs chains by lag, one line per model."""
    from relatent.figures import faces
    from relatent.files.tables import read_csv

    lines = {path.parent.name: [float(row["autocorrelation"]) for row in read_csv(path)] for path in tables}
    faces.mixing(figure, lines)


if __name__ == "__main__":
    run(app)
