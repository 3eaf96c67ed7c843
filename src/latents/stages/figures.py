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
def mosaics(
    layouts: Annotated[Path, typer.Option(help="HDF5 of the stage ordering.")],
    metrics: Annotated[Path, typer.Option(help="JSON with the path lengths.")],
    greedy: Annotated[Path, typer.Option(help="PNG to write: unordered, greedy.")],
    tour: Annotated[Path, typer.Option(help="PNG to write: the tour wrapped, the tour typeset.")],
    log: Log = None,
) -> None:
    """Features of a model as they come and in greedy order; along a tour, and that tour typeset."""
    from latents.figures import mosaic
    from latents.storage import read_hdf5, read_json

    length = read_json(metrics)
    names = ("pictures", "grid_none", "grid_greedy", "grid_tsp", "grid_typeset")
    features, unordered, nearest, wrapped, typeset = read_hdf5(layouts, *names)
    mosaic.panels(
        greedy,
        features,
        {"unordered": unordered, "greedy": nearest},
        {"unordered": length["none_length"], "greedy": length["greedy_length"]},
    )
    mosaic.panels(
        tour,
        features,
        {"tour": wrapped, "the same, typeset": typeset},
        {"tour": length["tsp_length"], "the same, typeset": length["tsp_length"]},
    )


if __name__ == "__main__":
    run(app)
