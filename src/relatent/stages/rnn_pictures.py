"""Stage `rnn_pictures`: complete digits with row-RNNs, picture hidden units, and measure both."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from pydantic import Field

from relatent.jobs.params import Section, load_section
from relatent.stages.shared.command import PARAMS, Params, run, stage


class Logistic(Section):
    """Configure the logistic regression on the last two rows."""

    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0, le=1)


class RNNPictures(Section):
    """Configure the measures and the pictures of each run."""

    seen_rows: int = Field(ge=1, le=27)
    samples: int = Field(ge=1)
    shown: int = Field(ge=1, le=20)
    shown_samples: int = Field(ge=1, le=20)
    unit_rows: int = Field(ge=1, le=27)
    lead_rows: int = Field(ge=0, le=27)
    expected_rows: int = Field(ge=1, le=27)
    unit_blur_px: float = Field(gt=0, le=10)
    logistic: Logistic
    seed: int = Field(ge=0)


DigitsFile = Annotated[Path, typer.Option(help="HDF5 of the stage digits.")]
ClassifierFile = Annotated[Path, typer.Option(help="Weights of the stage digit_classifier.")]
ModelIn = Annotated[Path, typer.Option(help="Trained weights (safetensors).")]

SECTION = RNNPictures

app = stage("Complete half-seen digits, picture hidden units, and measure both beside simple predictors.")


@app.command()
def baselines(
    digits: DigitsFile,
    classifier: ClassifierFile,
    metrics: Annotated[
        Path, typer.Option(help="JSON to write: cross-entropies in nats per pixel, accuracies of completions.")
    ],
    params: Params = PARAMS,
) -> None:
    """Measure simple predictors on the same rows and half-seen digits as the networks."""
    import torch

    from relatent.digits import classifier as digit_classifier
    from relatent.files.hdf5 import read_hdf5
    from relatent.files.tables import write_json
    from relatent.files.weights import read_weights
    from relatent.networks.training import set_threads
    from relatent.rnn import measure as row_evaluation

    set_threads(1)
    section = load_section(RNNPictures, "rnn_pictures", params)
    train, validation, test = read_hdf5(digits, "train_images", "validation_images", "test_images")
    train_labels, test_labels = read_hdf5(digits, "train_labels", "test_labels")
    measured: dict[str, float] = {}
    for rows in ("all", "inked"):
        found = row_evaluation.row_baselines(
            train, validation, test, inked=rows == "inked", generator=torch.Generator().manual_seed(section.seed),
            **section.logistic.model_dump(),
        )  # fmt: skip
        measured |= {f"{rows}_{name}": value for name, value in found.items()}
    measured |= row_evaluation.completion_baselines(
        (train, train_labels),
        (test, test_labels),
        seen_rows=section.seen_rows,
        classifier=digit_classifier.load(*read_weights(classifier)),
    )
    write_json(metrics, measured)


@app.command()
def complete(
    digits: DigitsFile,
    classifier: ClassifierFile,
    model: ModelIn,
    metrics: Annotated[Path, typer.Option(help="JSON to write: accuracies and entropies in bits.")],
    examples: Annotated[Path, typer.Option(help="HDF5 to write: digits, predicted rows, completions.")],
    params: Params = PARAMS,
) -> None:
    """Complete half-seen test digits, classify the completions, and store examples for figures."""
    import torch

    from relatent.digits import classifier as digit_classifier
    from relatent.files.hdf5 import read_hdf5, write_hdf5
    from relatent.files.tables import write_json
    from relatent.files.weights import read_weights
    from relatent.networks.training import set_threads
    from relatent.rnn import measure as row_evaluation
    from relatent.rnn import model as rnn

    set_threads(1)
    section = load_section(RNNPictures, "rnn_pictures", params)
    validation, test = (read_hdf5(digits, f"{role}_images", f"{role}_labels") for role in ("validation", "test"))
    measured, arrays = row_evaluation.completions(
        rnn.load(*read_weights(model)),
        (validation[0], validation[1]),
        (test[0], test[1]),
        classifier=digit_classifier.load(*read_weights(classifier)),
        generator=torch.Generator().manual_seed(section.seed),
        **section.model_dump(include={"seen_rows", "samples", "shown", "shown_samples"}),
    )
    write_json(metrics, measured)
    write_hdf5(examples, arrays, dataset="digits", split="test", seen_rows=section.seen_rows)


@app.command()
def units(
    digits: DigitsFile,
    classifier: ClassifierFile,
    model: ModelIn,
    units: Annotated[Path, typer.Option(help="HDF5 to write: pictures, best, and the class of each picture.")],
    metrics: Annotated[Path, typer.Option(help="JSON to write: number of units that show each digit.")],
    params: Params = PARAMS,
) -> None:
    """Picture the rows that each hidden unit prefers, and the rows that are expected next."""
    import torch

    from relatent.digits import classifier as digit_classifier
    from relatent.files.hdf5 import read_hdf5, write_hdf5
    from relatent.files.tables import write_json
    from relatent.files.weights import read_weights
    from relatent.networks.training import set_threads
    from relatent.rnn import measure as row_evaluation
    from relatent.rnn import model as rnn

    set_threads(1)
    section = load_section(RNNPictures, "rnn_pictures", params)
    (images,) = read_hdf5(digits, "train_images")
    counts, arrays = row_evaluation.unit_pictures(
        rnn.load(*read_weights(model)),
        images,
        rows=section.unit_rows,
        lead_rows=section.lead_rows,
        expected_rows=section.expected_rows,
        classifier=digit_classifier.load(*read_weights(classifier)),
        generator=torch.Generator().manual_seed(section.seed),
    )
    write_json(metrics, counts)
    write_hdf5(units, arrays, dataset="digits", split="train", unit_rows=section.unit_rows)


@app.command()
def weights(
    digits: DigitsFile,
    model: ModelIn,
    metrics: Annotated[Path, typer.Option(help="JSON to write: detail and contrast of the pictures.")],
    params: Params = PARAMS,
) -> None:
    """Compare pictures of units: averages by drive or by activation, and the best sequence."""
    import torch

    from relatent.files.hdf5 import read_hdf5
    from relatent.files.tables import write_json
    from relatent.files.weights import read_weights
    from relatent.networks.training import set_threads
    from relatent.rnn import model as rnn
    from relatent.rnn.hidden_units import draw_sequences
    from relatent.rnn.unit_weights import compare

    set_threads(1)
    section = load_section(RNNPictures, "rnn_pictures", params)
    (images,) = read_hdf5(digits, "train_images")
    generator = torch.Generator().manual_seed(section.seed)
    sequences = draw_sequences(images, length=section.unit_rows, lead_rows=section.lead_rows, generator=generator)
    network = rnn.load(*read_weights(model))
    write_json(metrics, compare(network, sequences, lead_rows=section.lead_rows, blur_px=section.unit_blur_px))


if __name__ == "__main__":
    run(app)
