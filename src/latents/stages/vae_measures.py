"""Stage `measures`: what the notes say of embeddings, generated digits and training times, measured on every VAE."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from pydantic import Field

from latents.digits.files import read_digits
from latents.jobs.params import Name, Section, Structural, load_section
from latents.stages.shared.command import PARAMS, Log, Params, run, stage
from latents.stages.shared.sections import Compute
from latents.stages.vae import VAE, DigitsFile, ModelIn, chosen

Pair = Annotated[list[Annotated[int, Field(ge=0, le=9)]], Field(min_length=2, max_length=2)]


class Timing(Section):
    """Whose epochs are timed."""

    runs: Annotated[list[Name], Field(min_length=1), Structural()] = Field(
        description="a list of at least one run of vae.runs"
    )
    repeats: int = Field(ge=1, description="a whole number of epochs from 1")


class Measures(Section):
    """How embeddings and generated digits are judged."""

    neighbours: int = Field(ge=1, description="a whole number from 1")
    pairs: list[Pair] = Field(description="a list of pairs of classes from 0 to 9")
    samples: int = Field(ge=2, description="a whole number of digits from 2")
    timing: Timing


app = stage("Measure embeddings, generated digits and training times of the VAEs.")


@app.command()
def measure(
    seed: Annotated[int, typer.Option(help="Seed of the digits drawn from the prior.")],
    digits: DigitsFile,
    model: ModelIn,
    embeddings: Annotated[Path, typer.Option(help="HDF5 with train, test, train_labels, test_labels.")],
    classifier: Annotated[Path, typer.Option(help="Weights of the stage digit_classifier.")],
    metrics: Annotated[Path, typer.Option(help="JSON to write.")],
    confusion: Annotated[Path, typer.Option(help="CSV to write: class, predicted, count.")],
    params: Params = PARAMS,
    log: Log = None,
) -> None:
    """Spread and mixing of the classes in the embedding, and the Frechet distance of random digits to test digits."""
    import numpy as np

    from latents.files.hdf5 import read_hdf5
    from latents.files.tables import write_csv, write_json
    from latents.files.weights import read_weights
    from latents.networks.training import set_threads
    from latents.representations.classifiers import nearest_neighbours
    from latents.stats.classes import separation
    from latents.vae import generate
    from latents.vae import model as vae_model

    set_threads(1)
    section = load_section(Measures, "measures", params)
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
    files: Annotated[list[Path], typer.Argument(help="results/<stage>/mnist/<run>/<seed>/*.json of all runs.")],
    summary: Annotated[Path, typer.Option(help="JSON to write: {run: {number: mean, number_se: standard error}}.")],
    log: Log = None,
) -> None:
    """Join what was measured on each seed of each run; means and standard errors over seeds."""
    from latents.files.tables import read_json, write_json
    from latents.stats.seeds import over_seeds

    of_seed: dict[str, dict[str, dict]] = {}
    for path in files:
        run_name, seed = path.parent.parts[-2:]
        measured = {name: value for name, value in read_json(path).items() if not name.endswith(("_low", "_high"))}
        of_seed.setdefault(run_name, {}).setdefault(seed, {}).update(measured)
    write_json(summary, {name: over_seeds([*seeds.values()]) for name, seeds in of_seed.items()})


@app.command()
def timing(
    digits: DigitsFile,
    table: Annotated[Path, typer.Option(help="CSV to write: a row a run.")],
    params: Params = PARAMS,
    log: Log = None,
) -> None:
    """Seconds of a training epoch of each inference network, epochs of all taking turns in one process."""
    from latents.files.tables import write_csv
    from latents.networks.training import set_threads
    from latents.timing.epochs import seconds_per_epoch

    compute = load_section(Compute, "compute", params)
    section = load_section(Measures, "measures", params).timing
    vae = load_section(VAE, "vae", params)
    set_threads(compute.threads)
    images, validation, how = read_digits(digits, "train_images", "validation_binary")
    keys = {"encoder", "latent_dim", "encoder_widths", "decoder_widths", "batch_size", "learning_rate"}
    settings = {name: chosen(vae, name).model_dump(include=keys) for name in section.runs}
    options = {"binarisation": how, "device": compute.device}
    write_csv(table, seconds_per_epoch(images, validation, settings, repeats=section.repeats, **options))


def unknown_runs(section: Measures, vae: VAE) -> Iterator[str]:
    """Names of timed runs that are none; a line each."""
    for name in section.timing.runs:
        if name not in vae.runs:
            yield f"measures.timing.runs: got {name!r}, allowed: {', '.join(vae.runs)}"


def quality(classifier: Path, generated, train, test) -> dict[str, float]:  # type: ignore[no-untyped-def]
    """Frechet distance of generated digits (n, 784) in [0, 1] to as many test digits, and that of training digits."""
    from latents.digits import classifier as digit_classifier
    from latents.files.weights import read_weights
    from latents.stats.frechet import frechet_distance

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
