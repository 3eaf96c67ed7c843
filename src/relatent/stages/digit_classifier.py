"""Stage `digit_classifier`: train and measure the classifier that judges generated digits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import Field

from relatent.jobs.params import Section, load_section
from relatent.stages.shared.command import PARAMS, Params, ProbeFile, run, stage
from relatent.stages.shared.sections import Compute


class DigitClassifier(Section):
    """Configure the training; the values were chosen on the validation digits."""

    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0, le=1)
    shift_px: int = Field(ge=0, le=8)
    seed: int = Field(ge=0)


SECTION = DigitClassifier
HEADLINES = ["test_accuracy"]
AXES = {"history.csv": ("epoch", "validation_error")}

app = stage("Train the fixed classifier that judges generated digits.")


@app.command()
def train(
    digits: Annotated[Path, typer.Option(help="HDF5 of the stage digits.")],
    model: Annotated[Path, typer.Option(help="Weights to write (safetensors).")],
    history: Annotated[Path, typer.Option(help="CSV to write: one row per epoch.")],
    metrics: Annotated[Path, typer.Option(help="JSON to write: accuracy on validation and test digits.")],
    probe: ProbeFile = None,
    params: Params = PARAMS,
) -> None:
    """Train on the training digits. A killed training resumes after its last complete epoch."""
    import torch

    from relatent.digits import classifier as digit_classifier
    from relatent.files.hdf5 import read_hdf5
    from relatent.files.tables import write_csv, write_json
    from relatent.files.weights import write_weights
    from relatent.networks.probes import probing
    from relatent.networks.recipe import Journal
    from relatent.networks.training import set_threads
    from relatent.stages.shared.checkpoint import checkpoint_path, discard

    compute = load_section(Compute, "compute", params)
    settings = load_section(DigitClassifier, "digit_classifier", params)
    job = "digit_classifier"
    checkpoint = checkpoint_path(job, [settings, compute], [digits])
    set_threads(compute.threads)
    images, labels = read_hdf5(digits, "train_images", "train_labels")
    held = {role: read_hdf5(digits, f"{role}_images", f"{role}_labels") for role in ("validation", "test")}

    def accuracies(trained: Any, count: int | None = None) -> dict[str, float]:
        return {
            f"{role}_accuracy": digit_classifier.accuracy(trained, pictures[:count] / 255, truth[:count])
            for role, (pictures, truth) in held.items()
        }

    with probing(probe, after=lambda trained: accuracies(trained, settings.batch_size)) as marks:
        trained, architecture, fitted = digit_classifier.train(
            images,
            labels,
            validation_images=held["validation"][0],
            validation_labels=held["validation"][1],
            generator=torch.Generator(compute.device).manual_seed(settings.seed),
            journal=Journal(checkpoint, marks),
            **settings.model_dump(exclude={"seed"}),
        )
    write_weights(model, trained.state_dict(), architecture)
    write_csv(history, fitted.history)
    write_json(metrics, accuracies(trained) | {"n_test": len(held["test"][1])})
    discard(job)


if __name__ == "__main__":
    run(app)
