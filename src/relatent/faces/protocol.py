"""Run LFW's verification protocol, view 2: do two photographs show one person?

Huang, Ramesh, Berg and Learned-Miller 2007: 10 folds of 300 + 300 pairs; no person is in two folds.
The threshold of each fold is chosen on the nine others; accuracy is the mean over folds, with its
standard error.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from relatent.datasets.lfw import Pair, Person
from relatent.errors import InputError
from relatent.faces.pictures import VARIANTS
from relatent.faces.pool import blocks
from relatent.faces.verification import verify
from relatent.files.hdf5 import open_hdf5
from relatent.stats.roc import area_under_curve

PAIRS_AT_ONCE = 512


def correlate(first: np.ndarray, second: np.ndarray, *, mean: np.ndarray | None = None) -> np.ndarray:
    """Correlate the pixels of pictures pair by pair, float64 (n,); 0 where a picture is constant.

    Parameters
    ----------
    first, second : float arrays of shape (n, ...)
    mean : array of shape (...), subtracted first; with the mean face, this leaves how a face
        differs from others.

    Examples
    --------
    >>> correlate(np.array([[1.0, 2.0, 3.0]]), np.array([[3.0, 2.0, 1.0]]))
    array([-1.])
    """
    if first.shape != second.shape:
        raise ValueError(f"pictures must come in pairs, got {first.shape} and {second.shape}")
    origin = 0.0 if mean is None else np.asarray(mean, np.float64)
    a, b = ((each - origin).reshape(len(each), -1).astype(np.float64) for each in (first, second))
    a -= a.mean(axis=1, keepdims=True)
    b -= b.mean(axis=1, keepdims=True)
    size = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    return (a * b).sum(axis=1) / np.where(size > 0, size, 1)


def of_folds(people: Sequence[Person], folds: Collection[int]) -> set[str]:
    """Return the names of the people in some folds of people.txt.

    Raises
    ------
    InputError
        If the list has no such fold.
    """
    there = {person.fold for person in people}
    if not set(folds) <= there:
        raise InputError(f"folds must be among {sorted(there)}, those of people.txt, got {sorted(folds)}")
    return {person.person for person in people if person.fold in set(folds)}


# --- on the files of the face stage ---------------------------------------------------------------


def score_pairs(faces: Path, variant: str, pairs: Sequence[Pair], *, mean: np.ndarray | None = None) -> np.ndarray:
    """Correlate the pictures of each pair, float64 (pairs,).

    Parameters
    ----------
    faces : HDF5 that `write_faces` wrote.
    variant : which of its pictures to use.
    pairs : pairs of a protocol; each photograph must be in the file, kept or not.
    mean : see `correlate`.

    Raises
    ------
    InputError
        If there is no such variant, or a photograph of a pair is not in the file.
    """
    with open_hdf5(faces) as file:
        if variant not in file:
            raise InputError(f"{faces}: no data set {variant!r}; it has {', '.join(sorted(file))}")
        row = {name: index for index, name in enumerate(file["name"].asstr()[...])}
        missing = next((name for pair in pairs for name in pair[2:] if name not in row), None)
        if missing is not None:
            raise InputError(f"{faces}: has no photograph {missing!r}, which a pair asks for")
        scores = [
            correlate(*(_rows(file[variant], [row[pair[side]] for pair in part]) for side in (2, 3)), mean=mean)
            for part in blocks(pairs, PAIRS_AT_ONCE)
        ]
    return np.concatenate(scores) if scores else np.zeros(0)


def _rows(data: Any, rows: Sequence[int]) -> np.ndarray:
    """Read rows of an HDF5 data set in any order, with repetitions."""
    distinct, places = np.unique(rows, return_inverse=True)
    return data[distinct][places]


def mean_picture(faces: Path, variant: str, people: Collection[str]) -> np.ndarray:
    """Average the kept pictures of some people (those trained on), float64 (pixels, pixels).

    Raises
    ------
    InputError
        If there is no such variant, or none of these people has a kept picture.
    """
    with open_hdf5(faces) as file:
        if variant not in file:
            raise InputError(f"{faces}: no data set {variant!r}; it has {', '.join(sorted(file))}")
        data, chosen = file[variant], set(people)
        kept = file["kept"][...] & np.array([person in chosen for person in file["person"].asstr()[...]], bool)
        if not kept.any():
            raise InputError(f"{faces}: none of the {len(chosen)} people of the mean face is in it")
        total = np.zeros(data.shape[1:])
        for start in range(0, len(data), PAIRS_AT_ONCE):
            part = slice(start, start + PAIRS_AT_ONCE)
            total += data[part][kept[part]].sum(axis=0, dtype=np.float64)
    return total / np.count_nonzero(kept)


def turned(faces: Path, pairs: Sequence[Pair], *, degrees: float = 20.0) -> np.ndarray:
    """Mark pairs, bool (pairs,), in which a face has a yaw above `degrees`.

    A photograph without a face does not count as turned.
    """
    with open_hdf5(faces) as file:
        names, yaw = file["name"].asstr()[...], np.nan_to_num(file["yaw"][...])
    far = set(names[np.abs(yaw) > degrees])
    return np.array([pair.first in far or pair.second in far for pair in pairs], bool)


def compare_variants(
    faces: Path, pairs: Sequence[Pair], training: Collection[str], *, training_folds: Collection[int], degrees: float
) -> dict[str, float]:
    """Compute area under the curve and accuracy of every variant of a file of faces.

    Parameters
    ----------
    faces : HDF5 that `write_faces` wrote, with all `VARIANTS`.
    pairs : pairs of the protocol.
    training : people whose mean face is subtracted from every picture.
    training_folds : folds left out of `<variant>_auc_report`.
    degrees : `<variant>_auc_turned` uses pairs with one face turned further than this.

    Returns
    -------
    dict
        For each variant `auc`, `auc_turned`, `auc_report`, `accuracy`, `accuracy_std_error`, and
        `auc_plain` (no mean face subtracted); also the numbers of pairs and of kept photographs.
    """
    same, fold = np.array([pair.same for pair in pairs]), np.array([pair.fold for pair in pairs])
    far, report = turned(faces, pairs, degrees=degrees), ~np.isin(fold, list(training_folds))
    with open_hdf5(faces) as file:
        figures: dict[str, float] = {"n_kept": int(file["kept"][...].sum()), "n_pairs": len(pairs)}
    figures["n_pairs_turned"] = int(far.sum())
    for variant in VARIANTS:
        scores = score_pairs(faces, variant, pairs, mean=mean_picture(faces, variant, training))
        result = verify(scores, same, fold)
        figures |= {
            f"{variant}_auc": result.auc,
            f"{variant}_auc_turned": area_under_curve(scores[far], same[far]),
            f"{variant}_auc_report": area_under_curve(scores[report], same[report]),
            f"{variant}_auc_plain": area_under_curve(score_pairs(faces, variant, pairs), same),
            f"{variant}_accuracy": result.accuracy,
            f"{variant}_accuracy_std_error": result.std_error,
        }
    return figures


def examples(faces: Path, *, seed: int, over_yaw: int = 24, at_random: int = 64) -> dict[str, np.ndarray]:
    """Choose faces to look at.

    `over_yaw` (n, variants, y, x) are evenly spaced over ranks of yaw; `at_random` (n, y, x) are
    frontal pictures of random photographs.
    """
    with open_hdf5(faces) as file:
        rows = np.flatnonzero(file["kept"][...])
        ordered = rows[np.argsort(file["yaw"][...][rows], kind="stable")]
        spaced = ordered[np.linspace(0, len(ordered) - 1, min(over_yaw, len(ordered))).round().astype(int)]
        drawn = np.random.default_rng(seed).permutation(rows)[:at_random]
        return {
            "over_yaw": np.stack([_rows(file[variant], list(spaced)) for variant in VARIANTS], axis=1),
            "at_random": _rows(file["frontal"], list(drawn)),
        }
