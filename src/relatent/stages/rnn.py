"""Stage `rnn`: train row-RNNs on digits, and measure how well they predict the next row."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import Field

from relatent.jobs.params import Name, Section, Structural, WithDefaults, load_section, named_run
from relatent.stages.shared.command import PARAMS, Params, ProbeFile, run, stage
from relatent.stages.shared.sections import Compute


class Run(Section):
    """Configure one named run: the network, the rows that it reads, and its training."""

    cell: Literal["rnn", "gru"]
    tied: bool
    hidden: int = Field(ge=1, le=10000)
    rows: Annotated[Literal["all", "inked"], Structural()]
    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    bptt: int = Field(ge=1)
    learning_rate: float = Field(gt=0, le=1)
    rate_decay: float = Field(ge=0, le=1)
    own_share: float = Field(ge=0, le=1)
    seed: int = Field(ge=0)


class RNN(WithDefaults):
    """Configure the runs."""

    runs: Annotated[dict[Name, Run], Field(min_length=1), Structural()]


RunName = Annotated[str, typer.Option("--run", help="Run, a key of rnn.runs.")]
DigitsFile = Annotated[Path, typer.Option(help="HDF5 of the stage digits.")]
ModelIn = Annotated[Path, typer.Option(help="Trained weights (safetensors).")]

SECTION = RNN
HEADLINES = ["cross_entropy"]
AXES = {"history.csv": ("epoch", "validation_cross_entropy")}

app = stage("Train row-RNNs on digits, and measure how well they predict the next row.")


@app.command()
def train(
    run_name: RunName,
    digits: DigitsFile,
    model: Annotated[Path, typer.Option(help="Weights to write (safetensors).")],
    history: Annotated[Path, typer.Option(help="CSV to write: one row per epoch, in nats per pixel.")],
    probe: ProbeFile = None,
    params: Params = PARAMS,
) -> None:
    """Train one run by truncated backpropagation.

    A killed training resumes after its last complete epoch.
    """
    import torch

    from relatent.files.hdf5 import read_hdf5
    from relatent.files.tables import write_csv
    from relatent.files.weights import write_weights
    from relatent.networks.probes import probing
    from relatent.networks.recipe import Journal
    from relatent.networks.training import set_threads
    from relatent.rnn import model as rnn
    from relatent.rnn import training as row_training
    from relatent.stages.shared.checkpoint import checkpoint_path, discard

    compute = load_section(Compute, "compute", params)
    settings = named_run(load_section(RNN, "rnn", params).runs, run_name)
    job = f"rnn-{run_name}"
    checkpoint = checkpoint_path(job, [settings, compute], [digits])
    set_threads(compute.threads)
    parts = [
        rnn.row_sequences(images, inked=settings.rows == "inked")
        for images in read_hdf5(digits, "train_images", "validation_images")
    ]
    with probing(probe) as marks:
        trained, architecture, fitted = row_training.train(
            parts[0],
            parts[1],
            row_training.Options(**settings.model_dump(exclude={"rows", "seed"})),
            generator=torch.Generator().manual_seed(settings.seed),
            device=compute.device,
            journal=Journal(checkpoint, marks, f"row-RNN {run_name}"),
        )
    write_weights(model, trained.state_dict(), architecture)
    write_csv(history, fitted.history)
    discard(job)


@app.command()
def evaluate(
    run_name: RunName,
    digits: DigitsFile,
    model: ModelIn,
    metrics: Annotated[Path, typer.Option(help="JSON to write: cross-entropy in nats per pixel.")],
    params: Params = PARAMS,
) -> None:
    """Measure the cross-entropy of the next row on the test digits."""
    from relatent.files.hdf5 import read_hdf5
    from relatent.files.tables import write_json
    from relatent.files.weights import read_weights
    from relatent.networks.training import set_threads
    from relatent.rnn import model as rnn

    set_threads(1)
    settings = named_run(load_section(RNN, "rnn", params).runs, run_name)
    trained = rnn.load(*read_weights(model))
    (test,) = read_hdf5(digits, "test_images")
    value = rnn.next_row_cross_entropy(trained, rnn.row_sequences(test, inked=settings.rows == "inked"))
    write_json(metrics, {"cross_entropy": value, "n_digits": len(test)})


if __name__ == "__main__":
    run(app)
