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
def perplexities(
    metrics: Annotated[list[Path], typer.Argument(help="results/text_vae/<run>/metrics.json of each run.")],
    peers: Annotated[Path, typer.Option(help="JSON with unigram and lda.")],
    figure: Figure,
    log: Log = None,
) -> None:
    """Perplexity of the VAEs of documents beside a unigram model, LDA and published numbers."""
    from latents.figures import text
    from latents.published import PERPLEXITY
    from latents.storage import read_json

    beside = {name: values for name, values in read_json(peers).items() if "perplexity_documents" in values}
    text.perplexities(figure, beside | {path.parent.name: read_json(path) for path in metrics}, PERPLEXITY)


@app.command()
def documents(
    embeddings: Annotated[list[Path], typer.Argument(help="HDF5 of each 2-D run, in a folder of its name.")],
    words: Annotated[Path, typer.Option(help="HDF5 of the stage text, for the groups' names.")],
    figure: Figure,
    log: Log = None,
) -> None:
    """Embedded test documents by inference network, coloured by the family of their group."""
    import json

    from latents.figures import text
    from latents.storage import open_hdf5, read_hdf5

    with open_hdf5(words) as file:
        groups = json.loads(file.attrs["groups"])
    points = {}
    for path in embeddings:
        rows, labels = read_hdf5(path, "test", "test_labels")
        points[path.parent.name] = rows, labels
    text.planes(figure, points, groups)


@app.command()
def hashing(
    comparison: Annotated[Path, typer.Option(help="CSV of the stage hashing.")], figure: Figure, log: Log = None
) -> None:
    """Precision@100 against the number of bits, by method and protocol."""
    from latents.figures import text
    from latents.storage import read_csv

    text.hashing(figure, read_csv(comparison))


if __name__ == "__main__":
    run(app)
