"""Stage `figures`: draw each figure from the result files that hold its numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from latents.stages.entry import Log, run, stage

Figure = Annotated[Path, typer.Option(help="PNG to write.")]

app = stage("Draw figures from result files.")


@app.command()
def embedding(
    embeddings: Annotated[Path, typer.Option(help="HDF5 with test and test_labels.")],
    figure: Figure,
    log: Log = None,
) -> None:
    """Embedded test digits coloured by class."""
    from latents.figures import vae
    from latents.storage import read_hdf5

    vae.embedding(figure, *read_hdf5(embeddings, "test", "test_labels"))


@app.command()
def manifold(
    generated: Annotated[Path, typer.Option(help="HDF5 with manifold.")], figure: Figure, log: Log = None
) -> None:
    """Digits generated on a grid over the latent plane."""
    from latents.figures import vae
    from latents.storage import read_hdf5

    vae.manifold(figure, *read_hdf5(generated, "manifold"))


@app.command()
def curves(history: Annotated[Path, typer.Option(help="CSV of a training.")], figure: Figure, log: Log = None) -> None:
    """Training curves."""
    from latents.figures import vae
    from latents.storage import read_csv

    vae.curves(figure, read_csv(history))


@app.command()
def ranking(
    curves: Annotated[list[Path], typer.Argument(help="CSV of each representation, in a folder of its name.")],
    figure: Figure,
    log: Log = None,
) -> None:
    """Precision against recall of all representations of a data set."""
    from latents.figures import ranking
    from latents.storage import read_csv

    ranking.precision_recall(figure, {path.parent.name: read_csv(path) for path in curves})


@app.command()
def svm(table: Annotated[Path, typer.Option(help="CSV of the timings.")], figure: Figure, log: Log = None) -> None:
    """Training time and memory of support vector machines, dense against sparse."""
    from latents.figures import timing
    from latents.storage import read_csv

    timing.svm(figure, read_csv(table))


@app.command()
def faces(
    examples: Annotated[Path, typer.Option(help="HDF5 with at_random.")], figure: Figure, log: Log = None
) -> None:
    """Frontal faces drawn at random."""
    from latents.figures import faces
    from latents.storage import read_hdf5

    faces.grid(figure, *read_hdf5(examples, "at_random"))


@app.command()
def contact(
    examples: Annotated[Path, typer.Option(help="HDF5 with over_yaw.")], figure: Figure, log: Log = None
) -> None:
    """Faces over yaw: crop, aligned, raw frontal, symmetric."""
    from latents.figures import faces
    from latents.storage import read_hdf5

    faces.contact(figure, *read_hdf5(examples, "over_yaw"))


@app.command()
def errors(
    errors: Annotated[Path, typer.Option(help="CSV of the autoencoder's errors.")],
    metrics: Annotated[Path, typer.Option(help="JSON with the error of PCA.")],
    figure: Figure,
    log: Log = None,
) -> None:
    """Held-out error of the autoencoder after each step of its training, beside PCA."""
    from latents.figures import faces
    from latents.storage import read_csv, read_json

    faces.errors(figure, read_csv(errors), read_json(metrics)["pca_held_out_mse"])


@app.command()
def filters(
    weights: Annotated[Path, typer.Option(help="Trained weights of an RBM on digits.")], figure: Figure, log: Log = None
) -> None:
    """Weights of the first hidden units of an RBM as images."""
    from latents.figures import rbm
    from latents.storage import read_weights

    rbm.filters(figure, read_weights(weights)[0]["weight"].numpy())


@app.command()
def convergence(
    table: Annotated[Path, typer.Option(help="CSV of the stage likelihood.")], figure: Figure, log: Log = None
) -> None:
    """Log partition function over the number of temperatures, from both ends."""
    from latents.figures import rbm
    from latents.storage import read_csv

    rbm.convergence(figure, read_csv(table))


@app.command()
def autoencoded(
    pictures: Annotated[Path, typer.Option(help="HDF5 with autoencoded.")], figure: Figure, log: Log = None
) -> None:
    """The faces of `faces` after the way up through the RBM and down again."""
    from latents.figures import faces
    from latents.storage import read_hdf5

    faces.grid(figure, *read_hdf5(pictures, "autoencoded"))


@app.command()
def gibbs(pictures: Annotated[Path, typer.Option(help="HDF5 with gibbs.")], figure: Figure, log: Log = None) -> None:
    """Faces drawn by Gibbs sampling from random values."""
    from latents.figures import faces
    from latents.storage import read_hdf5

    faces.grid(figure, *read_hdf5(pictures, "gibbs"))


MixedFile = Annotated[Path, typer.Option(help="HDF5 of the stage face_model's mixtures.")]


@app.command()
def interpolation(mixed: MixedFile, figure: Figure, log: Log = None) -> None:
    """Faces between those of two people, mixed at each level."""
    from latents.figures import faces
    from latents.storage import read_hdf5

    first, second, people, levels, shares = read_hdf5(mixed, "first", "second", "people", "levels", "between")
    between = dict(zip(levels, read_hdf5(mixed, *levels), strict=True))
    faces.interpolation(figure, first, second, between, names=list(people), shares=list(shares))


@app.command()
def strip(mixed: MixedFile, figure: Figure, log: Log = None) -> None:
    """Faces from shares of the way up and the way down."""
    from latents.figures import faces
    from latents.storage import read_hdf5

    shown, rows, shares = read_hdf5(mixed, "faces", "mixed", "upward")
    faces.strip(figure, shown, rows, list(shares))


@app.command()
def mixing(
    tables: Annotated[list[Path], typer.Argument(help="CSV of each model, in a folder of its name.")],
    figure: Figure,
    log: Log = None,
) -> None:
    """Autocorrelation of Gibbs chains by lag, a line for each model."""
    from latents.figures import faces
    from latents.storage import read_csv

    lines = {path.parent.name: [float(row["autocorrelation"]) for row in read_csv(path)] for path in tables}
    faces.mixing(figure, lines)


if __name__ == "__main__":
    run(app)
