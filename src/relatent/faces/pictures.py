"""Write the faces of a whole archive as HDF5, in blocks over processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from relatent.datasets.lfw import SIDE_PX, FaceEntry, decode_grey, index_lfw, read_face
from relatent.errors import InputError
from relatent.faces.frontalize import Symmetry, align, crop, frontalize, normalise
from relatent.faces.landmarks import BLOCK
from relatent.faces.pool import map_ordered
from relatent.faces.shape import Shape
from relatent.files.hdf5 import add_dataset, create_hdf5, open_hdf5

VARIANTS = ("crop", "aligned", "raw", "frontal")


@dataclass(frozen=True)
class Look:
    """Options for the pictures made of each photograph.

    Attributes
    ----------
    symmetry : symmetry of the variant `frontal`; see `Symmetry`.
    crop_side, crop_centre_y : square for photographs without a face; see `crop`.
    std, epsilon : normalisation of the pixels; see `normalise`.
    variants : data sets to write, some of `crop`, `aligned` (by a similarity transform), `raw`
        (frontal without symmetry), `frontal`.
    """

    symmetry: Symmetry = field(default_factory=Symmetry)
    crop_side: float = 0.46
    crop_centre_y: float = 0.5
    std: float = 0.3
    epsilon: float = 1e-3
    variants: tuple[str, ...] = ("aligned", "frontal")

    def __post_init__(self) -> None:
        unknown = [name for name in self.variants if name not in VARIANTS]
        if unknown or not self.variants:
            raise InputError(f"variants must be some of {', '.join(VARIANTS)}, got {', '.join(unknown) or 'none'}")


class Task(NamedTuple):
    """Block of photographs with their landmarks."""

    entries: Sequence[FaceEntry]
    points: np.ndarray  # float32 (n, landmarks, 2)
    kept: np.ndarray  # bool (n,)


class _Worker:
    """State that a process keeps between blocks."""

    archive: Path
    shape: Shape
    look: Look


def write_faces(
    archive: Path,
    landmarks: Path,
    shape: Shape,
    path: Path,
    look: Look | None = None,
    *,
    workers: int = 1,
) -> int:
    """Write the faces of every photograph of an archive.

    Parameters
    ----------
    archive : the canonical tar of LFW.
    landmarks : HDF5 that `write_landmarks` wrote for this archive.
    shape : the reference head.
    path : HDF5 to write, one row per photograph, sorted by path: each variant float32 (n, 64, 64)
        in [-1, 1]; `yaw`, `pitch` float32 in degrees and `visibility` float32 (nan without a face),
        `kept` bool, `name`, `person` UTF-8. A photograph that is not kept has a fixed crop in every
        variant.
    workers : number of processes; the bytes do not depend on it. Memory does not depend on the
        number of photographs.

    Returns
    -------
    int
        Number of photographs that are kept.

    Raises
    ------
    InputError
        If the landmarks belong to another archive, or to another scheme than the shape.
    """
    look, entries, kept = look or Look(), index_lfw(archive), 0
    with open_hdf5(landmarks) as source, create_hdf5(path, dataset="lfw", std=look.std) as file:
        _check_landmarks(source, landmarks, archive, len(entries), shape)
        _add_columns(file, len(entries), len(shape.face), look)
        pictures = map_ordered(
            _picture_block,
            _tasks(source, entries, archive, landmarks),
            workers=workers,
            initializer=_start,
            initargs=(Path(archive), shape, look),
        )
        start = 0
        for block in pictures:
            rows = slice(start, start + len(block["kept"]))
            for name, values in block.items():
                file[name][rows] = values
            start, kept = rows.stop, kept + int(np.count_nonzero(block["kept"]))
    return kept


def _check_landmarks(source: Any, landmarks: Path, archive: Path, count: int, shape: Shape) -> None:
    missing = [name for name in ("points", "kept", "name", "person") if name not in source]
    if missing:
        raise InputError(f"{landmarks}: no data set {missing[0]!r}; it has {', '.join(sorted(source))}")
    expected, found = (count, len(shape), 2), source["points"].shape
    if found != expected:
        raise InputError(
            f"{landmarks}: points must be {expected} for {archive} and its shape, got {found}; find them again"
        )


def _tasks(source: Any, entries: Sequence[FaceEntry], archive: Path, landmarks: Path) -> Iterator[Task]:
    for start in range(0, len(entries), BLOCK):
        rows = slice(start, start + BLOCK)
        part = entries[rows]
        names = source["name"].asstr()[rows]
        for entry, name in zip(part, names, strict=True):
            if entry.name != name:
                raise InputError(f"{landmarks}: has {name!r} where {archive} has {entry.name!r}; find them again")
        yield Task(part, source["points"][rows], source["kept"][rows])


def _add_columns(file: Any, n: int, pixels: int, look: Look) -> None:
    import h5py

    for name in look.variants:
        add_dataset(file, name, (n, pixels, pixels), np.float32, dims=("image", "y", "x"))
    for name in ("yaw", "pitch", "visibility"):
        add_dataset(file, name, (n,), np.float32, dims=("image",))
    add_dataset(file, "kept", (n,), bool, dims=("image",))
    for name in ("name", "person"):
        add_dataset(file, name, (n,), h5py.string_dtype(), dims=("image",))


# --- in the workers -------------------------------------------------------------------------------


def _start(archive: Path, shape: Shape, look: Look) -> None:
    import cv2

    cv2.setNumThreads(1)
    _Worker.archive, _Worker.shape, _Worker.look = archive, shape, look


def _picture_block(task: Task) -> dict[str, Any]:
    """Return the values of each column for a block of photographs."""
    look = _Worker.look
    with _Worker.archive.open("rb") as stream:
        greys = [_decode(stream, entry) for entry in task.entries]
    cropped = crop(greys, side=look.crop_side, centre_y=look.crop_centre_y, pixels=len(_Worker.shape.face))
    pictures, pose = _turned([grey for grey, kept in zip(greys, task.kept, strict=True) if kept], task)
    columns: dict[str, Any] = {}
    for name in look.variants:
        columns[name] = cropped.copy()
        if name != "crop":
            columns[name][task.kept] = pictures[name]
        columns[name] = normalise(columns[name], std=look.std, epsilon=look.epsilon)
    for name, values in pose.items():
        columns[name] = np.full(len(greys), np.nan, np.float32)
        columns[name][task.kept] = values
    columns["kept"] = task.kept
    columns["name"] = [entry.name for entry in task.entries]
    columns["person"] = [entry.person for entry in task.entries]
    return columns


def _turned(greys: list[np.ndarray], task: Task) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return pictures of each variant, and poses, for the kept photographs of a block."""
    points, shape, look = task.points[task.kept], _Worker.shape, _Worker.look
    frontal = frontalize(greys, points, shape, symmetry=look.symmetry)
    pictures = {"frontal": frontal.images}
    if "aligned" in look.variants:
        pictures["aligned"] = align(greys, points, shape)
    if "raw" in look.variants:
        pictures["raw"] = frontalize(greys, points, shape, symmetry=False).images
    return pictures, {"yaw": frontal.yaw, "pitch": frontal.pitch, "visibility": frontal.visibility}


def _decode(stream: BinaryIO, entry: FaceEntry) -> np.ndarray:
    """Decode to uint8 (250, 250); black if the photograph is damaged, which is then not kept."""
    try:
        return decode_grey(read_face(stream, entry))
    except InputError:
        return np.zeros((SIDE_PX, SIDE_PX), np.uint8)
