"""Compute accuracy, folds and area under the curve from scores of pairs of faces."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from relatent.stats.roc import area_under_curve


class Verification(NamedTuple):
    """How well scores tell same pairs from different ones."""

    accuracy: float  # mean over folds
    std_error: float  # of that mean
    auc: float  # over all pairs
    pairs: int
    folds: np.ndarray  # float64, accuracy of each fold


def best_threshold(scores: np.ndarray, same: np.ndarray) -> float:
    """Find the threshold t for which `scores > t` is right most often.

    It lies in the middle of the gap; of equal ones, the lowest is returned.

    Examples
    --------
    >>> best_threshold(np.array([0.1, 0.3, 0.7]), np.array([False, False, True]))
    0.5
    """
    order = np.argsort(scores, kind="stable")
    ordered, truth = scores[order], same[order]
    # right[k]: number right if the k lowest are called different; thresholds lie between distinct
    # scores only
    right = np.concatenate([[0], np.cumsum(~truth)]) + np.concatenate([np.cumsum(truth[::-1])[::-1], [0]])
    edges = np.concatenate([[-np.inf], (ordered[:-1] + ordered[1:]) / 2, [np.inf]])
    cuts = np.concatenate([[True], ordered[1:] > ordered[:-1], [True]])
    return float(edges[cuts][np.argmax(right[cuts])])


def verify(scores: np.ndarray, same: np.ndarray, fold: np.ndarray) -> Verification:
    """Compute the verification of a protocol.

    Parameters
    ----------
    scores : float array of shape (pairs,), higher for more similar pairs.
    same : bool array of shape (pairs,)
    fold : int array of shape (pairs,)

    Returns
    -------
    Verification
        Folds without pairs are left out.

    Raises
    ------
    ValueError
        If the arrays do not match, a score is not finite, or there are fewer than two folds.
    """
    scores, same, fold = np.asarray(scores, np.float64), np.asarray(same, bool), np.asarray(fold)
    if not scores.shape == same.shape == fold.shape or scores.ndim != 1:
        raise ValueError(f"scores, same, fold must be (pairs,), got {scores.shape}, {same.shape}, {fold.shape}")
    if not np.isfinite(scores).all():
        raise ValueError("every pair must have a finite score: nothing is left out of the protocol")
    names = np.unique(fold)
    if len(names) < 2:
        raise ValueError(f"the threshold of a fold is chosen on the others: needs 2 folds, got {len(names)}")
    accuracies = np.array([_fold_accuracy(scores, same, fold == name) for name in names])
    std_error = accuracies.std(ddof=1) / np.sqrt(len(names))
    return Verification(
        float(accuracies.mean()), float(std_error), area_under_curve(scores, same), len(scores), accuracies
    )


def _fold_accuracy(scores: np.ndarray, same: np.ndarray, held_out: np.ndarray) -> float:
    threshold = best_threshold(scores[~held_out], same[~held_out])
    return float(((scores[held_out] > threshold) == same[held_out]).mean())
