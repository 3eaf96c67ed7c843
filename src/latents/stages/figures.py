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


if __name__ == "__main__":
    run(app)
