"""Stage `vae`: train VAEs on digits, measure them, embed the digits, and generate new ones."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic import Field

from relatent.jobs.params import Name, Section, Seeds, Structural, WithDefaults, load_section, named_run
from relatent.stages.shared.command import PARAMS, Params, ProbeFile, logger, run, stage
from relatent.stages.shared.sections import Compute

Widths = Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)]


class Run(Section):
    """Configure one named run: the inference network, the sizes and the training."""

    encoder: Literal["mlp", "lstm", "gru", "bigru"]
    latent_dim: int = Field(ge=1, le=1000)
    encoder_widths: Widths
    decoder_widths: Widths
    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0, le=1)
    warm_up_epochs: int = Field(ge=0)
    free_bits: float = Field(ge=0)
    draws: int = Field(ge=1, le=1000)
    patience: int = Field(ge=0)
    warm_start: Annotated[Name, Structural()]
    seeds: Seeds


class Bound(Section):
    """Configure the digits and the samples of the importance-weighted bound."""

    digits: int = Field(ge=2)
    samples: int = Field(ge=1)
    wide: int = Field(ge=1)
    wide_samples: int = Field(ge=1)
    seed: int = Field(ge=0)


class VAE(WithDefaults):
    """Configure the runs and their measures."""

    runs: Annotated[dict[Name, Run], Field(min_length=1), Structural()]
    shown: Annotated[list[Name], Field(min_length=1), Structural()]
    bound: Bound
    manifold_side: int = Field(ge=2, le=50)
    generated: int = Field(ge=1)


RunName = Annotated[str, typer.Option("--run", help="Run, a key of vae.runs.")]
Seed = Annotated[int, typer.Option(help="Seed of the initial weights, the order of digits and all draws.")]
DigitsFile = Annotated[Path, typer.Option(help="HDF5 of the stage digits.")]
ModelIn = Annotated[Path, typer.Option(help="Trained weights (safetensors).")]

SECTION = VAE
AXES = {"history.csv": ("epoch", "validation_reconstruction")}

app = stage("Train VAEs on digits, measure them, embed digits, generate new ones.")


@app.command()
def train(
    run_name: RunName,
    seed: Seed,
    digits: DigitsFile,
    model: Annotated[Path, typer.Option(help="Weights to write (safetensors).")],
    history: Annotated[Path, typer.Option(help="CSV to write: one row per epoch, in nats per digit.")],
    initial: Annotated[
        list[Path] | None, typer.Argument(help="Weights to start from, if the run has a warm start.")
    ] = None,
    probe: ProbeFile = None,
    params: Params = PARAMS,
) -> None:
    """Train one run with one seed. A killed training resumes after its last complete epoch."""
    from relatent.digits.files import read_digits
    from relatent.files.tables import write_csv
    from relatent.files.weights import read_weights, write_weights
    from relatent.networks.probes import probing
    from relatent.networks.recipe import Journal
    from relatent.networks.training import set_threads
    from relatent.stages.shared.checkpoint import checkpoint_path, discard
    from relatent.vae import train

    compute = load_section(Compute, "compute", params)
    settings = named_run(load_section(VAE, "vae", params).runs, run_name)
    job = f"vae-{run_name}-seed{seed}"
    warm = initial or []
    checkpoint = checkpoint_path(job, [settings, compute], [digits, *warm])
    set_threads(compute.threads)
    images, validation, how = read_digits(digits, "train_images", "validation_binary")
    with probing(probe) as marks:
        trained, architecture, fitted = train.train(
            images,
            validation,
            train.Options(**settings.model_dump(exclude={"seeds", "warm_start"})),
            binarisation=how,
            seed=seed,
            device=compute.device,
            journal=Journal(checkpoint, marks),
            initial=read_weights(warm[0])[0] if warm else None,
        )
    write_weights(model, trained.state_dict(), architecture)
    write_csv(history, fitted.history)
    discard(job)


@app.command()
def evaluate(
    seed: Seed,
    digits: DigitsFile,
    model: ModelIn,
    metrics: Annotated[Path, typer.Option(help="JSON to write: bounds in nats per digit, active units.")],
    workers: Annotated[int, typer.Option(help="Number of threads, 0: all cores; results do not depend on it.")] = 0,
    probe: ProbeFile = None,
    params: Params = PARAMS,
) -> None:
    """Measure ELBO, importance-weighted bound and active units on the test digits' fixed draw."""
    from relatent.digits.files import read_digits
    from relatent.files.tables import write_json
    from relatent.files.weights import read_weights
    from relatent.networks.probes import probing
    from relatent.vae import measure
    from relatent.vae import model as vae_model

    bound = load_section(VAE, "vae", params).bound
    state, architecture = read_weights(model)
    trained = vae_model.load(state, architecture)
    binary, how = read_digits(digits, "test_binary")
    with probing(probe) as marks:
        measured = measure.measure(
            trained,
            binary,
            binarisation=how,
            bound_digits=measure.some_rows(len(binary), bound.digits, bound.seed),
            samples=bound.wide_samples if trained.latent_dim >= bound.wide else bound.samples,
            seed=seed,
            workers=workers or len(os.sched_getaffinity(0)),
            probe=marks,
        )
    idle = trained.latent_dim - measured["active_units"]
    if idle:
        logger.warning("%s: %d of %d latent dimensions have collapsed", model, idle, trained.latent_dim)
    write_json(metrics, {"encoder": architecture["encoder"]} | measured)


@app.command()
def embed(
    digits: DigitsFile,
    model: ModelIn,
    embeddings: Annotated[Path, typer.Option(help="HDF5 to write: train, test, train_labels, test_labels.")],
) -> None:
    """Store the posterior means of training and test digits, with labels, in the digits' order."""
    from relatent.digits.files import read_digits
    from relatent.files.hdf5 import read_hdf5, write_hdf5
    from relatent.files.weights import read_weights
    from relatent.networks.training import set_threads
    from relatent.vae import generate as generation
    from relatent.vae import model as vae_model

    set_threads(1)
    trained = vae_model.load(*read_weights(model))
    train_images, test_images, _ = read_digits(digits, "train_images", "test_images")
    train_labels, test_labels = read_hdf5(digits, "train_labels", "test_labels")
    arrays = {
        "train": generation.embed(trained, train_images),
        "train_labels": train_labels,
        "test": generation.embed(trained, test_images),
        "test_labels": test_labels,
    }
    write_hdf5(embeddings, arrays, dataset="digits")


@app.command()
def generate(
    seed: Seed,
    model: ModelIn,
    generated: Annotated[Path, typer.Option(help="HDF5 to write: manifold and random digits.")],
    params: Params = PARAMS,
) -> None:
    """Decode a grid over the latent plane, and random digits from the prior."""
    from relatent.files.hdf5 import write_hdf5
    from relatent.files.weights import read_weights
    from relatent.networks.training import set_threads
    from relatent.vae import generate as generation
    from relatent.vae import model as vae_model

    set_threads(1)
    section = load_section(VAE, "vae", params)
    trained = vae_model.load(*read_weights(model))
    arrays = {
        "manifold": generation.manifold(trained, section.manifold_side),
        "random": generation.generate(trained, section.generated, seed),
    }
    write_hdf5(generated, arrays, dataset="digits")


def faults(whole: Any) -> Iterator[str]:
    """Yield one line per unknown name of a run and per incompatible value."""
    section: VAE = whole.vae
    for name in section.shown:
        if name not in section.runs:
            yield f"vae.shown: got {name!r}, allowed: {', '.join(section.runs)}"
    earlier = ["none"]  # only earlier runs, so that no run waits for itself
    for name, values in section.runs.items():
        where = f"vae.runs.{name}"
        if values.warm_start not in earlier:
            yield f"{where}.warm_start: got {values.warm_start!r}, allowed: {', '.join(earlier)}"
        if values.encoder != "mlp" and len(values.encoder_widths) > 1:
            yield f"{where}.encoder_widths: got {values.encoder_widths}, allowed: one width, as {values.encoder} has"
        if values.draws > 1 and (values.warm_up_epochs or values.free_bits or values.patience):
            yield f"{where}.draws: got {values.draws}, allowed: 1, or no warm_up_epochs, free_bits and patience"
        earlier.append(name)


if __name__ == "__main__":
    run(app)
