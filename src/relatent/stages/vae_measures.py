"""Stage `vae_measures`: measure the embeddings and the generated digits of every VAE of digits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from pydantic import Field

from relatent.jobs.params import Section, load_section
from relatent.stages.shared.command import PARAMS, Params, run, stage
from relatent.stages.vae import DigitsFile, ModelIn

Pair = Annotated[list[Annotated[int, Field(ge=0, le=9)]], Field(min_length=2, max_length=2)]


class VAEMeasures(Section):
    """Configure the measures of embeddings and generated digits."""

    neighbours: int = Field(ge=1)
    pairs: list[Pair]
    samples: int = Field(ge=2)


SECTION = VAEMeasures
HEADLINES = ["elbo", "bound", "active_units", "knn", "frechet"]

app = stage("Measure embeddings and generated digits of the VAEs.")


@app.command()
def measure(
    seed: Annotated[int, typer.Option(help="Seed of the digits drawn from the prior.")],
    digits: DigitsFile,
    model: ModelIn,
    embeddings: Annotated[Path, typer.Option(help="HDF5 with train, test, train_labels, test_labels.")],
    classifier: Annotated[Path, typer.Option(help="Weights of the stage digit_classifier.")],
    metrics: Annotated[Path, typer.Option(help="JSON to write: spread, mixing, Frechet distances.")],
    confusion: Annotated[Path, typer.Option(help="CSV to write: class, predicted, count.")],
    params: Params = PARAMS,
) -> None:
    """Measure spread and mixing of classes, and the Frechet distance of random to test digits."""
    import numpy as np

    from relatent.digits.files import read_digits
    from relatent.files.hdf5 import read_hdf5
    from relatent.files.tables import write_csv, write_json
    from relatent.files.weights import read_weights
    from relatent.networks.training import set_threads
    from relatent.representations.classifiers import nearest_neighbours
    from relatent.stats.classes import separation
    from relatent.vae import generate
    from relatent.vae import model as vae_model

    set_threads(1)
    section = load_section(VAEMeasures, "vae_measures", params)
    names = ("train", "test", "train_labels", "test_labels")
    train, test, train_labels, labels = read_hdf5(embeddings, *names)
    predicted = nearest_neighbours(train, test, train_labels, k=section.neighbours, score="l2")
    pairs = [(first, second) for first, second in section.pairs]
    measured, counts = separation(test, labels, predicted, pairs=pairs)
    *real, _ = read_digits(digits, "train_images", "test_images")
    generated = generate.generate(vae_model.load(*read_weights(model)), min(section.samples, len(real[1])), seed)
    write_json(metrics, measured | quality(classifier, generated, *real))
    rows = ({"class": a, "predicted": b, "count": int(counts[a, b])} for a, b in np.ndindex(*counts.shape))
    write_csv(confusion, rows)


@app.command()
def summarise(
    files: Annotated[list[Path], typer.Argument(help="Files results/<stage>/mnist/<run>/<seed>/*.json of all runs.")],
    summary: Annotated[Path, typer.Option(help="JSON to write: {run: {number: mean, number_se: standard error}}.")],
) -> None:
    """Average the measures of each run over its seeds, with standard errors."""
    from relatent.files.tables import read_json, write_json
    from relatent.stats.seeds import over_seeds

    of_seed: dict[str, dict[str, dict]] = {}
    for path in files:
        run_name, seed = path.parent.parts[-2:]
        measured = {name: value for name, value in read_json(path).items() if not name.endswith(("_low", "_high"))}
        of_seed.setdefault(run_name, {}).setdefault(seed, {}).update(measured)
    write_json(summary, {name: over_seeds([*seeds.values()]) for name, seeds in of_seed.items()})


@app.command()
def neighbours(
    files: Annotated[
        list[Path], typer.Argument(help="Files results/vae/mnist/<run>/<seed>/embeddings.h5 of several runs.")
    ],
    pixels: Annotated[Path, typer.Option(help="HDF5 of the digits' principal components.")],
    metrics: Annotated[Path, typer.Option(help="JSON to write: shares of common neighbours, mixing of pixels.")],
    params: Params = PARAMS,
) -> None:
    """Measure the neighbours that embeddings share, and how much pixels alone mix 4 and 9."""
    from relatent.files.hdf5 import read_hdf5
    from relatent.files.tables import write_json
    from relatent.representations.classifiers import nearest_neighbours
    from relatent.stats.classes import confusion, mixing, rank_of_pair
    from relatent.stats.neighbours import overlaps

    section = load_section(VAEMeasures, "vae_measures", params)
    of_run: dict[str, list] = {}
    for path in files:
        of_run.setdefault(path.parent.parts[-2], []).append(read_hdf5(path, "test")[0])
    train, test, train_labels, labels = read_hdf5(pixels, "train", "test", "train_labels", "test_labels")
    predicted = nearest_neighbours(train, test, train_labels, k=section.neighbours, score="l2")
    mixed = mixing(confusion(predicted, labels, int(labels.max()) + 1))
    n_classes = len(mixed)
    found = overlaps(of_run, k=section.neighbours) | {
        "pixels_mixed_4_9": float(mixed[4, 9]),
        "pixels_rank_4_9": rank_of_pair(mixed, (4, 9)),
        "pixels_mixed_mean": float(mixed.sum() / (n_classes * (n_classes - 1))),
        "n_seeds": min(map(len, of_run.values())),
        "n_test": len(labels),
    }
    write_json(metrics, found)


def quality(classifier: Path, generated, train, test) -> dict[str, float]:  # type: ignore[no-untyped-def]
    """Return Frechet distances to test digits: of generated digits and of training digits.

    All sets have the size of `generated`, float (n, 784) in [0, 1].
    """
    from relatent.digits import classifier as digit_classifier
    from relatent.files.weights import read_weights
    from relatent.stats.frechet import frechet_distance

    judge = digit_classifier.load(*read_weights(classifier))
    n, side = len(generated), round(generated.shape[1] ** 0.5)
    sets = [generated, train[:n].astype("float32") / 255, test[:n].astype("float32") / 255]
    features = [digit_classifier.features(judge, rows.reshape(-1, side, side)) for rows in sets]
    return {
        "frechet": frechet_distance(features[0], features[2]),
        "frechet_floor": frechet_distance(features[1], features[2]),
        "n_generated": n,
    }


if __name__ == "__main__":
    run(app)
