"""Stage `autoencoder`: train the convolutional autoencoder of faces and store its features."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from pydantic import Field

from relatent.jobs.params import Section, load_section
from relatent.stages.shared.command import PARAMS, Params, ProbeFile, run, stage
from relatent.stages.shared.sections import Compute

if TYPE_CHECKING:
    import numpy as np


class Autoencoder(Section):
    """Configure the training of the autoencoder and the map of its features to [0, 1]."""

    variant: Literal["aligned", "frontal"]
    validation: float = Field(gt=0, lt=1)
    held_out: float = Field(gt=0, lt=1)
    epochs: int = Field(ge=1)
    fine_tuning_epochs: int = Field(ge=0)
    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0, le=1)
    fine_tuning_rate: float = Field(gt=0, le=1)
    mirror: bool
    spread: float = Field(gt=0)
    margin: float = Field(gt=0, lt=0.5)
    seed: int = Field(ge=0)


FacesFile = Annotated[Path, typer.Option(help="HDF5 of the stage faces.")]

SECTION = Autoencoder
HEADLINES = ["held_out_mse", "pca_held_out_mse"]
AXES = {"history.csv": ("epoch", "validation_l2"), "errors.csv": ("step", "held_out_mse")}

app = stage("Train the convolutional autoencoder of faces; store its features.")


@app.command()
def train(
    faces: FacesFile,
    model: Annotated[Path, typer.Option(help="Weights to write (safetensors).")],
    history: Annotated[Path, typer.Option(help="CSV to write: one row per step and epoch.")],
    errors: Annotated[Path, typer.Option(help="CSV to write: held-out squared error per pixel after each step.")],
    metrics: Annotated[Path, typer.Option(help="JSON to write: held-out errors of the autoencoder and of PCA.")],
    probe: ProbeFile = None,
    params: Params = PARAMS,
) -> None:
    """Train layer by layer, then jointly; measure the error on held-out people, beside PCA."""
    from dataclasses import fields

    import torch

    from relatent.face_models import autoencoder
    from relatent.face_models import pca as face_models_pca
    from relatent.face_models import training as face_models_training
    from relatent.files.tables import write_csv, write_json
    from relatent.files.weights import write_weights
    from relatent.networks.probes import probing
    from relatent.networks.recipe import Journal
    from relatent.networks.training import set_threads
    from relatent.stages.shared.checkpoint import checkpoint_path, discard

    options = face_models_training.Options
    section, compute = load_section(Autoencoder, "autoencoder", params), load_section(Compute, "compute", params)
    checkpoint = checkpoint_path("autoencoder", [section, compute], [faces])
    set_threads(compute.threads)
    training, validation, held_out = by_role(faces, section)
    architecture = autoencoder.architecture(side_px=training.shape[1])
    network = autoencoder.build(architecture, device=compute.device)
    with probing(probe) as marks:
        trained = face_models_training.train(
            network,
            training,
            options(**section.model_dump(include={each.name for each in fields(options)})),
            validation=validation,
            held_out=held_out,
            generator=torch.Generator(compute.device).manual_seed(section.seed),
            journal=Journal(checkpoint, marks),
            also=face_models_pca.mark,
        )
    pca = face_models_pca.pca_error([training], [held_out], components=min(network.n_features, len(training)))
    write_weights(model, network.state_dict(), architecture)
    write_csv(history, trained.history)
    write_csv(errors, trained.errors)
    sizes = {"n_training": len(training), "n_validation": len(validation), "n_held_out": len(held_out)}
    last = {"held_out_mse": trained.errors[-1]["held_out_mse"], "pca_held_out_mse": pca[0]}
    write_json(metrics, last | {"ratio_to_pca": last["held_out_mse"] / pca[0]} | sizes)
    discard("autoencoder")


@app.command()
def features(
    faces: FacesFile,
    model: Annotated[Path, typer.Option(help="Trained weights (safetensors).")],
    features: Annotated[Path, typer.Option(help="HDF5 to write: features, their map to [0, 1], role, person.")],
    params: Params = PARAMS,
) -> None:
    """Store the features of every kept face, and their map to [0, 1] fitted on training people."""
    from relatent.face_models import autoencoder
    from relatent.face_models.features import write_features
    from relatent.files.weights import read_weights
    from relatent.networks.training import set_threads

    set_threads(1)
    section = load_section(Autoencoder, "autoencoder", params)
    network = autoencoder.load(*read_weights(model))
    write_features(
        faces,
        network,
        features,
        variant=section.variant,
        role=roles(faces, section),
        spread=section.spread,
        eps=section.margin,
    )


def roles(faces: Path, section: Autoencoder) -> np.ndarray:
    """Return the role of each kept face, an index into `relatent.face_models.people.ROLES`."""
    import numpy as np

    from relatent.face_models.people import split_people
    from relatent.files.hdf5 import read_hdf5

    person, kept = read_hdf5(faces, "person", "kept")
    return split_people(
        person[kept].astype(str),
        validation=section.validation,
        held_out=section.held_out,
        generator=np.random.default_rng(section.seed),
    )


def by_role(faces: Path, section: Autoencoder) -> list[np.ndarray]:
    """Return the kept faces by role (training, validation, held out), float32 (n, 64, 64)."""
    from relatent.face_models.people import ROLES
    from relatent.files.hdf5 import read_hdf5

    pictures, kept = read_hdf5(faces, section.variant, "kept")
    role = roles(faces, section)
    return [pictures[kept][role == index] for index in range(len(ROLES))]


if __name__ == "__main__":
    run(app)
