"""Measure the face stage: images per second by cores, frontalization alone, gain on LFW's protocol.

    python benchmarks/faces.py <folder with lfw-deepfunneled.tar, pairs.txt, people.txt>
        [--cores 1 2 4] [--images 2000] [--protocol] [--out folder]

The whole stage comprises landmarks, fit of the shape and pictures, from archive to HDF5. It
includes the start of the worker processes, whose seconds are also printed alone, since they
dominate a short run. Cores are compared in one run. The machine's load is printed, since more
processes do not help on a busy machine. With `--protocol`, the protocol runs on all images: shape
and mean face come from the people of folds 0 to 4, and results are given for all folds and for
folds 5 to 9.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np

from relatent.datasets.archive import write_tar
from relatent.datasets.lfw import decode_grey, index_lfw, read_face, read_pairs, read_people
from relatent.faces import Shape, align, fit_shape, frontalize
from relatent.faces.landmarks import detect, write_landmarks
from relatent.faces.pictures import VARIANTS, Look, write_faces
from relatent.faces.protocol import mean_picture, score_pairs, turned
from relatent.faces.schemes import IBUG68
from relatent.faces.verification import verify
from relatent.files.hdf5 import open_hdf5, read_hdf5
from relatent.stats.roc import area_under_curve

TRAINING_FOLDS = range(5)
INNER = slice(17, 68)  # the 51 landmarks without the jaw


def excerpt(archive: Path, target: Path, count: int) -> None:
    """Write a canonical tar of `count` photographs, evenly spread over an archive."""
    entries = index_lfw(archive)
    chosen = entries[:: max(1, len(entries) // count)][:count]
    with archive.open("rb") as stream:
        faces = (read_face(stream, entry) for entry in chosen)
        write_tar(target, ((f"lfw-deepfunneled/{f.person}/{f.name}.jpg", f.jpeg) for f in faces))


def fit(landmarks: Path, people: set[str] | None = None) -> Shape:
    """Fit the shape to the kept faces of some people."""
    points, kept = read_hdf5(landmarks, "points", "kept")
    if people is not None:
        with open_hdf5(landmarks) as file:
            kept &= np.array([person in people for person in file["person"].asstr()[...]])
    scheme = IBUG68
    return fit_shape(points[kept], mirror=scheme.mirror, weights=scheme.weights, unit=scheme.unit, own=scheme.own)


def whole_stage(archive: Path, folder: Path, workers: int) -> dict[str, float]:
    """Return the seconds of each step, from archive to HDF5."""
    marks = [time.perf_counter()]
    write_landmarks(archive, folder / "landmarks.h5", folder / "dropped.csv", workers=workers)
    marks.append(time.perf_counter())
    shape = fit(folder / "landmarks.h5")
    marks.append(time.perf_counter())
    write_faces(archive, folder / "landmarks.h5", shape, folder / "faces.h5", workers=workers)
    marks.append(time.perf_counter())
    steps = dict(zip(("landmarks", "shape", "pictures"), np.diff(marks).tolist(), strict=True))
    return {**steps, "seconds": marks[-1] - marks[0]}


def frontalization_alone(archive: Path, landmarks: Path) -> dict[str, float]:
    """Return images per second on one core, after decoding and landmarks; best of 5 rounds."""
    import cv2

    cv2.setNumThreads(1)
    points, kept = read_hdf5(landmarks, "points", "kept")
    rows = np.flatnonzero(kept)[:512]
    entries = index_lfw(archive)
    with archive.open("rb") as stream:
        greys = [decode_grey(read_face(stream, entries[row])) for row in rows]
    shape = fit(landmarks)
    speeds = []
    for _ in range(5):
        # CPU time of this process, which the load of others does not change
        began = time.process_time()
        for start in range(0, len(rows), 64):
            part = slice(start, start + 64)
            frontalize(greys[part], points[rows[part]], shape)
        speeds.append(len(rows) / (time.process_time() - began))
    return {"frontalize_images_per_core_second": max(speeds)}


def protocol(folder: Path, out: Path, workers: int) -> None:
    """Run view 2 on all images; print one line of JSON per variant and way of centring."""
    archive = folder / "lfw-deepfunneled.tar"
    training = {person.person for person in read_people(folder / "people.txt") if person.fold in TRAINING_FOLDS}
    kept = write_landmarks(archive, out / "landmarks.h5", out / "dropped.csv", workers=workers)
    shape = fit(out / "landmarks.h5", training)
    write_faces(archive, out / "landmarks.h5", shape, out / "faces.h5", Look(variants=VARIANTS), workers=workers)
    print(json.dumps({"kept": kept}))
    pairs = read_pairs(folder / "pairs.txt")
    same, fold = np.array([pair.same for pair in pairs]), np.array([pair.fold for pair in pairs])
    report, far = ~np.isin(fold, TRAINING_FOLDS), turned(out / "faces.h5", pairs)
    for variant in VARIANTS:
        for centring, mean in (("pixels", None), ("mean face", mean_picture(out / "faces.h5", variant, training))):
            scores = score_pairs(out / "faces.h5", variant, pairs, mean=mean)
            result = verify(scores, same, fold)
            figures = {"accuracy": result.accuracy, "std_error": result.std_error, "auc": result.auc}
            for name, rows in (("yaw>20", far), ("folds 5-9", report), ("folds 5-9, yaw>20", report & far)):
                figures[f"auc {name}"] = area_under_curve(scores[rows], same[rows])
            rounded = {name: round(value, 4) for name, value in figures.items()}
            print(json.dumps({"variant": variant, "centred by": centring, **rounded, "turned pairs": int(far.sum())}))
    print(json.dumps(redetected(archive, out / "landmarks.h5", shape, training)))


def redetected(archive: Path, landmarks: Path, shape: Shape, training: set[str], step: int = 5) -> dict[str, float]:
    """Return the root mean square error, in output pixels, of landmarks found again in pictures.

    The error is the distance from the shape's landmarks. Only inner landmarks count, on every fifth
    kept photograph of people who were not trained on. The picture is enlarged four times and
    framed, since the detector needs a face of 80 pixels. Faces that are not found again are
    counted.
    """
    with open_hdf5(landmarks) as file:
        test = np.array([person not in training for person in file["person"].asstr()[...]]) & file["kept"][...]
        rows = np.flatnonzero(test)[::step]
        points = file["points"][...][rows]
    entries = index_lfw(archive)
    with archive.open("rb") as stream:
        greys = [decode_grey(read_face(stream, entries[row])) for row in rows]
    result = {"redetected of": len(rows)}
    for name, pictures in (
        ("frontal", frontalize(greys, points, shape).images),
        ("aligned", align(greys, points, shape)),
    ):
        errors = [error for picture in pictures if (error := _errors(picture, shape)) is not None]
        result[f"{name} rms px"] = float(np.sqrt(np.mean(errors)))
        result[f"{name} median px"] = float(np.median(np.sqrt(np.mean(errors, axis=1))))
        result[f"{name} lost"] = len(rows) - len(errors)
    return {name: round(value, 3) for name, value in result.items()}


def _errors(picture: np.ndarray, shape: Shape, zoom: int = 4, border: int = 64) -> np.ndarray | None:
    """Return squared distances (51,) in pixels of the picture; None if no face is found again."""
    import cv2

    large = cv2.resize(picture, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
    large = cv2.copyMakeBorder(large, border, border, border, border, cv2.BORDER_REPLICATE)
    found = detect((large.clip(0, 1) * 255).astype(np.uint8))
    if found.rung < 0:
        return None
    places = (found.points - border + 0.5) / zoom - 0.5
    scale = len(picture) / (2 * shape.half_width)
    expected = (shape.points[:, :2] - shape.centre + shape.half_width) * scale - 0.5
    return ((places - expected)[INNER] ** 2).sum(axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="holds lfw-deepfunneled.tar, pairs.txt and people.txt")
    parser.add_argument("--cores", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--images", type=int, default=2000, help="photographs of the speed runs (default 2000)")
    parser.add_argument("--protocol", action="store_true", help="also LFW's protocol, on all images, for minutes")
    parser.add_argument("--out", type=Path, help="folder to keep the protocol's files in")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        small = Path(name) / "excerpt.tar"
        excerpt(options.folder / "lfw-deepfunneled.tar", small, options.images)
        count, base = len(index_lfw(small)), None
        for cores in options.cores:
            load = os.getloadavg()[0]
            steps = whole_stage(small, Path(name), cores)
            speed = count / steps["seconds"]
            base = base or speed
            line = {"cores": cores, "images": count, **steps, "images_per_second": speed, "ratio": speed / base}
            print(
                json.dumps({**{key: round(value, 2) for key, value in line.items()}, "load_before": load}), flush=True
            )
        print(json.dumps(frontalization_alone(small, Path(name) / "landmarks.h5")), flush=True)
        if options.protocol:
            out = options.out or Path(name)
            out.mkdir(parents=True, exist_ok=True)
            protocol(options.folder, out, max(options.cores))


if __name__ == "__main__":
    main()
