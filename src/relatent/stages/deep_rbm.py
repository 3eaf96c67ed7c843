"""Stage `deep_rbm`: train a second hidden layer on an RBM of faces, then both layers jointly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic import Field

from relatent.jobs.params import Name, Section, Structural, load_section
from relatent.stages.shared.command import PARAMS, Params, run, stage
from relatent.stages.shared.sections import Compute

DATASET = "lfw"  # of the bottom RBM


class Training(Section):
    """Configure one of the two trainings; the learning rate falls linearly to zero."""

    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    optimizer: Literal["sgd", "adam"]
    learning_rate: float = Field(gt=0, le=1)
    steps: int = Field(ge=1)
    chains: int = Field(ge=1)


class Deep(Section):
    """Configure the bottom RBM, the top layer and the two trainings."""

    bottom: Annotated[Name, Structural()]
    n_hidden: int = Field(ge=1)
    greedy: Training
    joint: Training
    seed: int = Field(ge=0)


SECTION = Deep
HEADLINES = ["reconstruction_mse"]
AXES = {"history.csv": ("epoch", "validation_reconstruction"), "greedy.csv": ("epoch", "validation_reconstruction")}

app = stage("Train a deep RBM on the features of faces.")


@app.command()
def train(
    features: Annotated[Path, typer.Option(help="HDF5 of features of the stage autoencoder.")],
    bottom: Annotated[Path, typer.Option(help="Trained weights of the RBM below.")],
    weights: Annotated[Path, typer.Option(help="Weights to write (safetensors).")],
    history: Annotated[Path, typer.Option(help="CSV to write: one row per epoch of the joint training.")],
    greedy: Annotated[Path, typer.Option(help="CSV to write: one row per epoch of the greedy training.")],
    metrics: Annotated[Path, typer.Option(help="JSON to write: reconstruction errors before and after each training.")],
    params: Params = PARAMS,
) -> None:
    """Train the top above a fixed bottom, then both jointly; measure on held-out people."""
    import torch

    from relatent.files.tables import write_csv, write_json
    from relatent.files.weights import read_weights, write_weights
    from relatent.networks.recipe import Journal
    from relatent.networks.training import set_threads
    from relatent.rbm import deep as deep_rbm
    from relatent.rbm import model as rbm
    from relatent.rbm.deep_training import stack, train_jointly
    from relatent.rbm.training import Options
    from relatent.stages.shared.checkpoint import checkpoint_path, discard
    from relatent.stages.shared.rbm_rows import ROLES, read_visible, reader

    section, compute = load_section(Deep, "deep_rbm", params), load_section(Compute, "compute", params)
    checkpoint = checkpoint_path("deep_rbm", [section, compute], [features, bottom])
    set_threads(compute.threads)
    below = rbm.load(*read_weights(bottom)).to(compute.device)
    training, validation, test = (
        read_visible(features, role, threshold=None, n_visible=below.n_visible).to(compute.device) for role in ROLES
    )
    shared: dict[str, Any] = {
        "n_train": len(training),
        "n_validation": len(validation),
        "generator": torch.Generator(compute.device).manual_seed(section.seed),
    }
    read = reader(training, validation)
    part = {name: checkpoint.with_name(f"{checkpoint.stem}-{name}{checkpoint.suffix}") for name in ("greedy", "joint")}
    deep, first = stack(
        below,
        read,
        Options(**section.greedy.model_dump()),
        n_hidden=section.n_hidden,
        journal=Journal(part["greedy"], name="deep rbm, top"),
        **shared,
    )
    measured = {
        "variance": float(test.double().var(0, correction=0).mean()),
        "bottom_mse": float(rbm.reconstruction_error(below, test).mean()),
        "greedy_mse": float(deep_rbm.reconstruction_error(deep, test).mean()),
    }
    joint, journal = Options(**section.joint.model_dump()), Journal(part["joint"])
    second = train_jointly(deep, read, joint, journal=journal, **shared)
    measured["reconstruction_mse"] = float(deep_rbm.reconstruction_error(deep, test).mean())
    write_weights(weights, deep.state_dict(), deep.architecture() | {"dataset": DATASET})
    write_csv(history, second.history)
    write_csv(greedy, first.history)
    sizes = {"n_training": len(training), "n_validation": len(validation), "n_test": len(test)}
    write_json(metrics, measured | sizes)
    discard("deep_rbm")


def faults(whole: Any) -> Iterator[str]:
    """Yield one line if the bottom RBM does not exist or does not learn faces."""
    allowed = [name for name, settings in whole.rbm.runs.items() if settings.dataset == DATASET]
    if whole.deep_rbm.bottom not in allowed:
        there = ", ".join(allowed) or "none; add one"
        yield f"deep_rbm.bottom: got {whole.deep_rbm.bottom!r}, allowed: a run of rbm.runs on lfw: {there}"


if __name__ == "__main__":
    run(app)
