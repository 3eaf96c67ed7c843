"""Stage `figures`: draw each figure from the result files that hold its numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from latents.stages.entry import Log, run, stage

Figure = Annotated[Path, typer.Option(help="PNG to write.")]

OF_RUNS = "in a folder <run>/<seed>"

app = stage("Draw figures from result files.")


def run_of(path: Path) -> str:
    """The run whose file lies in a folder <run>/<seed>."""
    return path.parent.parts[-2]


@app.command()
def embeddings(
    embeddings: Annotated[list[Path], typer.Argument(help=f"HDF5 with test and test_labels, {OF_RUNS}.")],
    figure: Figure,
    log: Log = None,
) -> None:
    """Embedded test digits of several runs, coloured by class."""
    from latents.figures import networks
    from latents.storage import read_hdf5

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
    log: Log = None,
) -> None:
    """Digits that several runs generate."""
    from math import isqrt

    from latents.figures import networks
    from latents.storage import read_hdf5

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
    summary: Annotated[Path, typer.Option(help="JSON of all runs.")],
    confusion: Annotated[Path, typer.Option(help="PNG to write: what each class is taken for.")],
    spread: Annotated[Path, typer.Option(help="PNG to write: spread of each class.")],
    log: Log = None,
) -> None:
    """How the classes lie in the latent space of several runs: what is taken for what, and how widely each spreads."""
    import numpy as np

    from latents.figures import networks
    from latents.storage import read_csv, read_json

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
def networks(
    summary: Annotated[Path, typer.Option(help="JSON of all runs.")],
    histories: Annotated[list[Path], typer.Argument(help=f"CSV of each training, {OF_RUNS}.")],
    bounds: Annotated[Path, typer.Option(help="PNG to write: test ELBO and bound of every run.")],
    curves: Annotated[Path, typer.Option(help="PNG to write: validation over epochs.")],
    log: Log = None,
) -> None:
    """Test ELBO and bound, and training curves, of all runs."""
    from latents.figures import networks
    from latents.storage import read_csv, read_json

    measured = read_json(summary)
    networks.bounds(bounds, measured)
    networks.curves(curves, {run_of(path): read_csv(path) for path in histories}, measured)


@app.command()
def encoders(table: Annotated[Path, typer.Option(help="CSV of the timings.")], figure: Figure, log: Log = None) -> None:
    """Training time of an epoch with each inference network."""
    from latents.figures import networks
    from latents.storage import read_csv

    networks.seconds(figure, read_csv(table))


Examples = Annotated[Path, typer.Option(help="HDF5 of a row-RNN's examples.")]


@app.command()
def rnn_rows(examples: Examples, figure: Figure, log: Log = None) -> None:
    """Test digits over the digits whose rows were predicted from those above."""
    from latents.figures import rnn
    from latents.storage import read_hdf5

    originals, predicted, shown, labels = read_hdf5(examples, "originals", "predicted", "shown", "labels")
    rnn.rows(figure, originals, predicted, labels[shown])


@app.command()
def rnn_completions(examples: Examples, figure: Figure, log: Log = None) -> None:
    """Half-seen test digits completed."""
    from latents.figures import rnn
    from latents.storage import open_hdf5, read_hdf5

    originals, completed, shown, labels, seen = read_hdf5(examples, "originals", "completed", "shown", "labels", "seen")
    with open_hdf5(examples) as file:
        seen_rows = int(file.attrs["seen_rows"])
    rnn.completions(figure, originals, completed, labels[shown], seen[shown], seen_rows=seen_rows)


@app.command()
def rnn_ambiguous(examples: Examples, figure: Figure, log: Log = None) -> None:
    """Ambiguous halves, completed several times by sampling rows."""
    from latents.figures import rnn
    from latents.storage import open_hdf5, read_hdf5

    arrays = read_hdf5(examples, *(f"ambiguous_{name}" for name in ("originals", "completed", "samples")))
    with open_hdf5(examples) as file:
        seen_rows = int(file.attrs["seen_rows"])
    rnn.ambiguous(figure, *arrays, seen_rows=seen_rows)


@app.command()
def rnn_units(
    units: Annotated[Path, typer.Option(help="HDF5 with pictures and best.")],
    metrics: Annotated[Path, typer.Option(help="JSON with the units that show each digit.")],
    figure: Figure,
    log: Log = None,
) -> None:
    """What each hidden unit likes to see, and what the network expects after it."""
    from latents.figures import rnn
    from latents.storage import open_hdf5, read_hdf5, read_json

    with open_hdf5(units) as file:
        unit_rows = int(file.attrs["unit_rows"])
    average, best = read_hdf5(units, "pictures", "best")
    rnn.units(figure, average, best, read_json(metrics), unit_rows=unit_rows)


@app.command()
def rnn_measured(
    files: Annotated[list[Path], typer.Argument(help="metrics.json and completion.json of runs, in their folders.")],
    baselines: Annotated[Path, typer.Option(help="JSON of the simple predictors.")],
    figure: Figure,
    log: Log = None,
) -> None:
    """Row-RNNs beside what they must beat."""
    from latents.figures import rnn
    from latents.storage import read_json

    runs, completed = (
        {path.parent.name: read_json(path) for path in files if path.stem == kind} for kind in ("metrics", "completion")
    )
    rnn.measured(figure, runs, completed, read_json(baselines))


@app.command()
def rnn_curves(
    histories: Annotated[list[Path], typer.Argument(help="CSV of each run, in a folder of its name.")],
    figure: Figure,
    log: Log = None,
) -> None:
    """Validation cross-entropy of row-RNNs over epochs."""
    from latents.figures import rnn
    from latents.storage import read_csv

    rnn.curves(figure, {path.parent.name: read_csv(path) for path in histories})


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
        {"tour": wrapped, "typeset": typeset},
        {"tour": length["tsp_length"], "typeset": length["tsp_length"]},
    )


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
def topics(
    ours: Annotated[Path, typer.Option(help="CSV of a VAE of documents: the top words of each direction.")],
    peers: Annotated[Path, typer.Option(help="CSV of LDA: the top words of each topic.")],
    figure: Figure,
    log: Log = None,
) -> None:
    """Top words of LDA's topics, each beside the direction of a VAE's latent space that shares most of them."""
    from latents.figures import text
    from latents.storage import read_csv

    found = ([row["words"].split() for row in read_csv(path)] for path in (peers, ours))
    text.topics(figure, *found)


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
