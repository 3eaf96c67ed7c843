"""Stage `faces`: turn photographs into frontal faces, and measure the gain on LFW's protocol."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import Field

from relatent.jobs.params import Section, load_section
from relatent.stages.shared.command import PARAMS, Params, run, stage


class DetectionParams(Section):
    """Configure when a detected face is accepted; lengths are shares of the image's side."""

    central: float = Field(gt=0, le=1)
    off_centre: float = Field(gt=0, le=1)
    doubtful: float = Field(ge=0)


class FrameParams(Section):
    """Configure the frontal picture; lengths are in distances between the outer eye corners."""

    half_width: float = Field(gt=0, le=3)
    centre_y: float = Field(ge=-2, le=2)


class SymmetryParams(Section):
    """Configure when a pixel is taken from the other side of the face."""

    start: float = Field(ge=0, le=1)
    width: float = Field(gt=0, le=1)
    midline: float = Field(gt=0, le=2)
    own: float = Field(ge=0, le=1)
    trusted: float = Field(ge=0, le=1)


class Faces(Section):
    """Configure the steps from photographs to frontal faces."""

    training_folds: Annotated[list[Annotated[int, Field(ge=0, le=9)]], Field(min_length=1)]
    detection: DetectionParams
    frame: FrameParams
    symmetry: SymmetryParams
    std: float = Field(gt=0, le=1)
    turned_degrees: float = Field(gt=0, lt=90)
    seed: int = Field(ge=0)


Archive = Annotated[Path, typer.Option(help="Canonical tar of LFW.")]
People = Annotated[Path, typer.Option(help="people.txt of LFW, which lists people by fold.")]
LandmarksFile = Annotated[Path, typer.Option(help="HDF5 of landmarks.")]
ShapeFile = Annotated[Path, typer.Option(help="HDF5 of the reference head.")]
Workers = Annotated[int, typer.Option(help="Number of processes, 0: all cores; results do not depend on it.")]

SECTION = Faces
HEADLINES = ["n_kept", "aligned_auc", "frontal_auc", "frontal_auc_turned"]

app = stage("Find landmarks, make frontal faces, and run LFW's verification protocol.")


@app.command()
def landmarks(
    archive: Archive,
    points: Annotated[Path, typer.Option(help="HDF5 to write: points, score, rung, kept, reason.")],
    dropped: Annotated[Path, typer.Option(help="CSV to write: dropped photographs with reasons.")],
    workers: Workers = 0,
    params: Params = PARAMS,
) -> None:
    """Find 68 landmarks in every photograph; drop photographs by a recorded rule."""
    from relatent.faces.landmarks import Detection, write_landmarks

    section = load_section(Faces, "faces", params)
    options = Detection(**section.detection.model_dump())
    write_landmarks(archive, points, dropped, options, workers=cores(workers))


@app.command()
def shape(
    points: LandmarksFile,
    people: People,
    head: Annotated[Path, typer.Option(help="HDF5 to write: the reference head.")],
    params: Params = PARAMS,
) -> None:
    """Fit the reference head to the landmarks of the training people."""
    from relatent.datasets.lfw import read_people
    from relatent.faces.protocol import of_folds
    from relatent.faces.schemes import IBUG68
    from relatent.faces.shape import Frame, fit_people, write_shape

    section = load_section(Faces, "faces", params)
    training = of_folds(read_people(people), section.training_folds)
    write_shape(head, fit_people(points, IBUG68, training, frame=Frame(**section.frame.model_dump())))


@app.command()
def frontalize(
    archive: Archive,
    points: LandmarksFile,
    head: ShapeFile,
    faces: Annotated[Path, typer.Option(help="HDF5 to write: aligned, frontal, yaw, pitch, visibility, kept.")],
    workers: Workers = 0,
    params: Params = PARAMS,
) -> None:
    """Align and frontalize every photograph: 64 x 64 pixels, grey, mean 0, clipped to [-1, 1]."""
    from relatent.faces.pictures import write_faces
    from relatent.faces.shape import read_shape

    section = load_section(Faces, "faces", params)
    write_faces(archive, points, read_shape(head), faces, look(section), workers=cores(workers))


@app.command()
def verify(
    archive: Archive,
    points: LandmarksFile,
    head: ShapeFile,
    people: People,
    pairs: Annotated[Path, typer.Option(help="pairs.txt of LFW.")],
    metrics: Annotated[Path, typer.Option(help="JSON to write: AUC and accuracy of each alignment.")],
    examples: Annotated[Path, typer.Option(help="HDF5 to write: 24 faces by yaw in each alignment; 64 at random.")],
    workers: Workers = 0,
    params: Params = PARAMS,
) -> None:
    """Score LFW's pairs by pixel correlation: cropped, aligned, frontal and symmetric faces."""
    from tempfile import TemporaryDirectory

    from relatent.datasets.lfw import read_pairs, read_people
    from relatent.faces import protocol
    from relatent.faces.pictures import VARIANTS, write_faces
    from relatent.faces.shape import read_shape
    from relatent.files.hdf5 import write_hdf5
    from relatent.files.tables import write_json

    section = load_section(Faces, "faces", params)
    training = protocol.of_folds(read_people(people), section.training_folds)
    # a temporary file, since no other stage needs all four variants
    with TemporaryDirectory(dir=metrics.parent, prefix=f".{metrics.stem}.") as folder:
        every = Path(folder) / "faces.h5"
        write_faces(archive, points, read_shape(head), every, look(section, VARIANTS), workers=cores(workers))
        measured = protocol.compare_variants(
            every, read_pairs(pairs), training, training_folds=section.training_folds, degrees=section.turned_degrees
        )
        shown = protocol.examples(every, seed=section.seed)
    write_json(metrics, measured)
    write_hdf5(examples, shown, dataset="lfw")


def look(section: Faces, variants: tuple[str, ...] = ("aligned", "frontal")) -> Any:
    """Return the library's options for frontal pictures from the parameters."""
    from relatent.faces import Symmetry
    from relatent.faces.pictures import Look

    return Look(symmetry=Symmetry(**section.symmetry.model_dump()), std=section.std, variants=variants)


def cores(workers: int) -> int:
    """Return the given number of processes, or the number of available cores if it is 0."""
    return workers or len(os.sched_getaffinity(0))


if __name__ == "__main__":
    run(app)
