"""Find the central face of each photograph and its 68 landmarks.

Detection is dlib's HOG detector (King 2009), landmarks are its regression trees (Kazemi and
Sullivan, CVPR 2014). The model was trained on iBUG 300-W.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from relatent.datasets.lfw import FaceEntry, decode_grey, index_lfw, read_face
from relatent.errors import InputError
from relatent.faces.pool import blocks, map_ordered
from relatent.faces.schemes import IBUG68
from relatent.files.atomic import atomic
from relatent.files.hdf5 import add_dataset, create_hdf5
from relatent.files.tables import write_csv

BLOCK = 64  # photographs per task of a worker
POINTS = len(IBUG68)
MODEL = "shape_predictor_68_face_landmarks.dat"


class Rung(NamedTuple):
    """One try of the detector: number of doublings of the image, and least score of a box."""

    doublings: int
    threshold: float


@dataclass(frozen=True)
class Detection:
    """How a face is searched and accepted; lengths are shares of the image's longer side.

    Attributes
    ----------
    ladder : tries; each is used only where the one before found no box.
    central : largest distance of a box's centre from the image's; LFW's photographs are centred on
        their person.
    centre : expected middle of the landmarks (x, y); the median over LFW, deep-funneled.
    off_centre, doubtful : landmarks further than `off_centre` from `centre` are dropped if their
        box scores less than `doubtful`. There are five in LFW; they lie on another person, or
        beside a face in full profile.
    """

    ladder: tuple[Rung, ...] = (Rung(0, 0.0), Rung(1, 0.0), Rung(0, -0.8))
    central: float = 0.16
    centre: tuple[float, float] = (0.501, 0.556)
    off_centre: float = 0.125
    doubtful: float = 0.3


class Found(NamedTuple):
    """Result for one photograph."""

    points: np.ndarray  # float32 (68, 2): x, y in pixels; nan without a face
    score: float  # score of the detector; nan without a face
    rung: int  # index in the ladder; -1 without a face
    reason: str  # why the photograph is dropped; empty if it is kept


def detect(grey: np.ndarray, options: Detection | None = None) -> Found:
    """Find the central face of a photograph.

    Parameters
    ----------
    grey : uint8 array of shape (height, width), any size.
    options : how the face is searched; by default `Detection()`.

    Returns
    -------
    Found
        With a reason if no face is accepted; rejected points are returned together with the reason.

    Raises
    ------
    ValueError
        If `grey` is not a uint8 matrix.
    """
    options = options or Detection()
    grey = np.asarray(grey)
    if grey.ndim != 2 or grey.dtype != np.uint8 or not grey.size:
        raise ValueError(f"grey must be uint8 (height, width), got {grey.dtype} {grey.shape}")
    grey = np.ascontiguousarray(grey)
    for index, rung in enumerate(options.ladder):
        boxes, scores, _ = _detector().run(grey, *rung)
        central = [i for i, box in enumerate(boxes) if _is_central(box, grey.shape, options)]
        if central:
            best = max(central, key=lambda i: scores[i])
            parts = _predictor()(grey, boxes[best]).parts()
            points = np.array([(part.x, part.y) for part in parts], np.float32)
            return Found(points, scores[best], index, _doubt(points, scores[best], grey.shape, options))
    return _nothing("no face found")


def _nothing(reason: str) -> Found:
    return Found(np.full((POINTS, 2), np.nan, np.float32), float("nan"), -1, reason)


def _is_central(box: Any, shape: tuple[int, ...], options: Detection) -> bool:
    middle = np.array([shape[1] - 1, shape[0] - 1]) / 2
    centre = np.array([box.left() + box.right(), box.top() + box.bottom()]) / 2
    return bool(np.hypot(*(centre - middle)) <= options.central * max(shape))


def _doubt(points: np.ndarray, score: float, shape: tuple[int, ...], options: Detection) -> str:
    expected = np.array([shape[1] - 1, shape[0] - 1]) * options.centre
    away = np.hypot(*(points.mean(axis=0) - expected)) / max(shape)
    if away > options.off_centre and score < options.doubtful:
        return f"landmarks beside the face (off by {away:.2f} of the image, score {score:.2f})"
    return ""


@functools.cache
def _detector() -> Any:
    import dlib

    return dlib.get_frontal_face_detector()


@functools.cache
def _predictor() -> Any:
    import dlib

    # not imported: face_recognition_models needs pkg_resources, which setuptools 82 lacks
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or not spec.submodule_search_locations:
        raise InputError("landmarks need the package face_recognition_models: pip install relatent[faces]")
    return dlib.shape_predictor(str(Path(spec.submodule_search_locations[0]) / "models" / MODEL))


# --- a whole archive ------------------------------------------------------------------------------


class _Worker:
    """State that a process keeps between blocks."""

    archive: Path
    options: Detection


def _start(archive: Path, options: Detection) -> None:
    _Worker.archive, _Worker.options = archive, options
    _predictor()


def _detect_block(entries: Sequence[FaceEntry]) -> list[Found]:
    with _Worker.archive.open("rb") as stream:
        return [_detect_entry(stream, entry) for entry in entries]


def _detect_entry(stream: BinaryIO, entry: FaceEntry) -> Found:
    try:
        grey = decode_grey(read_face(stream, entry))
    except InputError as error:  # damaged or of another size: dropped, and listed with the reason
        return _nothing(str(error).removeprefix(f"{entry.name}: ").removesuffix("; fetch the data set again"))
    return detect(grey, _Worker.options)


def find_landmarks(
    archive: Path, entries: Sequence[FaceEntry], options: Detection | None = None, *, workers: int = 1
) -> Iterator[list[Found]]:
    """Yield the result for each photograph, in blocks, in the order of the entries.

    Parameters
    ----------
    archive : the canonical tar.
    entries : places of the photographs in the tar, from `index_lfw`.
    workers : number of processes; results do not depend on it.
    """
    arguments = (Path(archive), options or Detection())
    yield from map_ordered(
        _detect_block, blocks(entries, BLOCK), workers=workers, initializer=_start, initargs=arguments
    )


def write_landmarks(
    archive: Path,
    path: Path,
    dropped: Path,
    options: Detection | None = None,
    *,
    workers: int = 1,
) -> int:
    """Write the landmarks of every photograph of an archive.

    Parameters
    ----------
    archive : the canonical tar of LFW.
    path : HDF5 to write, one row per photograph, sorted by path: `points` float32 (n, 68, 2) in
        pixels (nan without a face), `score` float32, `rung` int8, `kept` bool, `reason`, `name`,
        `person` UTF-8.
    dropped : CSV to write: name, person and reason for each photograph that is not kept.

    Returns
    -------
    int
        Number of photographs that are kept.

    Raises
    ------
    InputError
        If the archive is incomplete, or no photograph in it has a face.
    """
    entries = index_lfw(archive)
    lost: list[dict[str, str]] = []
    with create_hdf5(path, dataset="lfw", scheme=IBUG68.name) as file:
        _add_columns(file, len(entries))
        start = 0
        for found in find_landmarks(archive, entries, options, workers=workers):
            part = entries[start : start + len(found)]
            _write_block(file, start, part, found)
            lost += [
                {"name": entry.name, "person": entry.person, "reason": one.reason}
                for entry, one in zip(part, found, strict=True)
                if one.reason
            ]
            start += len(found)
        if len(lost) == len(entries):
            raise InputError(f"{archive}: no face found in any of its {len(entries)} photographs")
    _write_dropped(dropped, lost)
    return len(entries) - len(lost)


def _write_dropped(path: Path, lost: list[dict[str, str]]) -> None:
    if lost:
        write_csv(path, lost)
    else:  # a table with its heading only
        with atomic(path) as temporary:
            temporary.write_text("name,person,reason\n", encoding="utf-8")


def _add_columns(file: Any, n: int) -> None:
    import h5py

    add_dataset(file, "points", (n, POINTS, 2), np.float32, dims=("image", "landmark", "xy"))
    for name, dtype in (("score", np.float32), ("rung", np.int8), ("kept", bool)):
        add_dataset(file, name, (n,), dtype, dims=("image",))
    for name in ("reason", "name", "person"):
        add_dataset(file, name, (n,), h5py.string_dtype(), dims=("image",))


def _write_block(file: Any, start: int, entries: Sequence[FaceEntry], found: Sequence[Found]) -> None:
    rows = slice(start, start + len(found))
    file["points"][rows] = np.stack([one.points for one in found])
    file["score"][rows] = [one.score for one in found]
    file["rung"][rows] = [one.rung for one in found]
    file["kept"][rows] = [not one.reason for one in found]
    file["reason"][rows] = [one.reason for one in found]
    file["name"][rows] = [entry.name for entry in entries]
    file["person"][rows] = [entry.person for entry in entries]
