"""Stage `rbm`: train restricted Boltzmann machines on binary digits and on features of faces."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic import Field, ValidationInfo, field_validator

from relatent.jobs.params import Name, Section, Structural, WithDefaults, load_section, named_run
from relatent.stages.shared.command import PARAMS, Params, ProbeFile, run, stage
from relatent.stages.shared.sections import Compute

# visible units that fit the values of each data set
UNITS = {"mnist": ("bernoulli",), "lfw": ("beta", "gaussian", "exact_beta")}


class Run(Section):
    """Configure one named run: its data, its units and its training."""

    dataset: Annotated[Literal["mnist", "lfw"], Structural()]
    threshold: float | None
    visible: Annotated[str, Structural()]
    hidden: Annotated[Literal["bernoulli", "beta"], Structural()]
    n_hidden: int = Field(ge=1)
    sigma: float = Field(gt=0, lt=0.5)
    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    optimizer: Literal["sgd", "adam"]
    learning_rate: float = Field(gt=0, le=1)
    final_rate: float = Field(ge=0, le=1)
    momentum: float = Field(ge=0, lt=1)
    weight_decay: float = Field(ge=0, lt=1)
    steps: int = Field(ge=1)
    chains: int = Field(ge=0)
    mean_field_visible: bool
    mean_field_hidden: bool
    centring: float = Field(ge=0, lt=1)
    averaging: float = Field(ge=0, lt=1)
    std: float = Field(gt=0)
    seed: int = Field(ge=0)

    @field_validator("threshold")
    @classmethod
    def _fits_the_values(cls, threshold: float | None, info: ValidationInfo) -> float | None:
        fits = threshold is None if info.data.get("dataset") == "lfw" else threshold is not None and 0 < threshold <= 1
        if not fits:
            raise ValueError("a grey value above 0, at most 1, for mnist; null for lfw")
        return threshold

    @field_validator("visible")
    @classmethod
    def _fits_the_data(cls, visible: str, info: ValidationInfo) -> str:
        if visible not in UNITS.get(info.data.get("dataset", ""), (visible,)):
            raise ValueError("bernoulli for mnist; beta, gaussian or exact_beta for lfw")
        return visible

    @field_validator("momentum")
    @classmethod
    def _is_of_sgd(cls, momentum: float, info: ValidationInfo) -> float:
        if momentum and info.data.get("optimizer") == "adam":
            raise ValueError("0 with adam")
        return momentum


class Units(Section):
    """Configure RBMs on features of faces that differ only in their visible units."""

    kinds: Annotated[list[Literal["bernoulli", "beta", "gaussian"]], Field(min_length=1)]
    seeds: int = Field(ge=2)
    n_hidden: int = Field(ge=1)
    sigma: float = Field(gt=0, lt=0.5)
    std: float = Field(gt=0)
    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0, le=1)
    persistent: int = Field(ge=0)
    centring: float = Field(ge=0, lt=1)
    chains: int = Field(ge=2)
    steps: int = Field(ge=1)


class RBMs(WithDefaults):
    """Configure the runs, and the comparison of visible units."""

    runs: Annotated[dict[Name, Run], Field(min_length=1), Structural()]
    units: Units


SECTION = RBMs
HEADLINES = ["reconstruction_mse"]
AXES = {"history.csv": ("epoch", "validation_reconstruction")}

app = stage("Train restricted Boltzmann machines on digits and on features of faces.")


@app.command()
def train(
    run_name: Annotated[str, typer.Option("--run", help="Run, a key of rbm.runs.")],
    data: Annotated[Path, typer.Option(help="HDF5 of the stage digits, or of features of the stage autoencoder.")],
    weights: Annotated[Path, typer.Option(help="Weights to write (safetensors).")],
    history: Annotated[Path, typer.Option(help="CSV to write: one row per epoch.")],
    metrics: Annotated[Path, typer.Option(help="JSON to write: reconstruction error, and pseudo-likelihood in nats.")],
    probe: ProbeFile = None,
    params: Params = PARAMS,
) -> None:
    """Train one run and measure it on test rows.

    Test rows are test digits, or faces of held-out people. Likelihoods have a stage of their own,
    `rbm_likelihood`.
    """
    from dataclasses import fields

    import torch

    from relatent.files.tables import write_csv, write_json
    from relatent.files.weights import write_weights
    from relatent.networks.probes import probing
    from relatent.networks.recipe import Journal
    from relatent.networks.training import set_threads
    from relatent.rbm.measure import measure
    from relatent.rbm.model import RBM
    from relatent.rbm.training import START_ROWS, Options, train
    from relatent.stages.shared.checkpoint import checkpoint_path, discard
    from relatent.stages.shared.rbm_rows import reader

    settings, compute = (
        named_run(load_section(RBMs, "rbm", params).runs, run_name),
        load_section(Compute, "compute", params),
    )
    job = f"rbm-{settings.dataset}-{run_name}"
    checkpoint = checkpoint_path(job, [settings, compute], [data])
    set_threads(compute.threads)
    generator = torch.Generator(compute.device).manual_seed(settings.seed)
    training, validation, test = (rows.to(compute.device) for rows in by_role(data, settings.threshold))
    rbm = RBM(training.shape[1], **settings.model_dump(include={"n_hidden", "visible", "hidden", "sigma"}))
    rbm.to(compute.device)
    start = torch.randperm(len(training), generator=generator, device=compute.device)[:START_ROWS]
    rbm.initialise(training[start], generator=generator, std=settings.std, centring=settings.centring > 0)

    def few(module: Any) -> dict[str, float]:
        return measure(module.trained, test[: settings.batch_size])

    with probing(probe, after=few) as marks:
        trained, fitted = train(
            rbm,
            reader(training, validation),
            Options(**settings.model_dump(include={each.name for each in fields(Options)})),
            n_train=len(training),
            n_validation=len(validation),
            generator=generator,
            journal=Journal(checkpoint, marks, f"rbm {run_name}"),
        )
    read = {"dataset": settings.dataset, "threshold": settings.threshold}
    write_weights(weights, trained.state_dict(), trained.architecture() | read)
    write_csv(history, fitted.history)
    sizes = {"n_training": len(training), "n_validation": len(validation), "n_test": len(test)}
    write_json(metrics, measure(trained, test) | sizes)
    discard(job)


@app.command()
def units(
    features: Annotated[Path, typer.Option(help="HDF5 of features of the stage autoencoder.")],
    metrics: Annotated[Path, typer.Option(help="JSON to write: measures of draws, by kind of visible unit.")],
    params: Params = PARAMS,
) -> None:
    """Train RBMs with each kind of visible unit over several seeds, and measure their draws."""
    from relatent.face_models.unit_map import read_unit_map, read_units
    from relatent.face_models.units import compare
    from relatent.files.tables import write_json
    from relatent.networks.training import set_threads

    set_threads(1)
    section = load_section(RBMs, "rbm", params).units
    settings = section.model_dump(
        include={"n_hidden", "sigma", "std", "epochs", "batch_size", "learning_rate", "centring"}
    )
    found = compare(
        read_units(features, "training"),
        read_units(features, "held_out"),
        read_unit_map(features),
        settings=settings | {"chains": section.persistent},
        **section.model_dump(include={"kinds", "seeds", "chains", "steps"}),
    )
    write_json(metrics, found)


def by_role(data: Path, threshold: float | None) -> list:
    """Return the rows of training, validation and test, float32 (n, n_visible) each."""
    from relatent.stages.shared.rbm_rows import ROLES, read_visible

    return [read_visible(data, role, threshold=threshold) for role in ROLES]


if __name__ == "__main__":
    run(app)
