"""Measure how far each class of an embedding spreads, and which classes are mixed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def class_spread(points: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the generalised variance of each class, and of all pooled, as a share of that of all
    points.

    det(C_class) / det(C_all) and Wilks' lambda det(W) / det(C_all) with W the mean within-class
    covariance, each item weighed alike. Neither changes under an invertible linear map of the
    embedding, so embeddings of different models compare; the ratios shrink with the number of
    dimensions.

    Parameters
    ----------
    points : float (n, d), of more items than dimensions in every class.
    labels : int (n,), classes from 0.

    Returns
    -------
    of_class : float64 (n_classes,)
        0 for a class on a point or line, 1 for a class as spread as all items; nan with at most d
        items.
    pooled : float
        In [0, 1]: 1 when all classes have the same mean.

    All are nan when the items do not span the space: a dimension has collapsed to a constant.

    References
    ----------
    Wilks 1932.

    Examples
    --------
    >>> points = np.array([[0.0], [2.0], [10.0], [12.0]])
    >>> of_class, pooled = class_spread(points, np.array([0, 0, 1, 1]))
    >>> of_class.round(4), round(pooled, 4)
    (array([0.0385, 0.0385]), 0.0385)
    """
    n_classes, dimensions = int(labels.max()) + 1, points.shape[1]
    of_class = np.full(n_classes, np.nan)
    sign, whole = np.linalg.slogdet(_covariance(points))
    if sign <= 0:
        return of_class, float("nan")
    within = np.zeros((dimensions, dimensions))
    for label in range(n_classes):
        members = points[labels == label]
        if len(members) == 0:
            continue
        covariance = _covariance(members)
        within += covariance * len(members) / len(points)
        if len(members) > dimensions:
            of_class[label] = _ratio(covariance, whole)
    return of_class, _ratio(within, whole)


def _covariance(points: np.ndarray) -> np.ndarray:
    return np.cov(points.T.astype(np.float64), ddof=0).reshape(points.shape[1], points.shape[1])


def _ratio(covariance: np.ndarray, log_determinant: float) -> float:
    sign, own = np.linalg.slogdet(covariance)
    return float(np.exp(own - log_determinant)) if sign > 0 else 0.0


def confusion(predicted: np.ndarray, labels: np.ndarray, n_classes: int) -> np.ndarray:
    """Count the items of each class by their predicted class.

    Returns
    -------
    int64 (n_classes, n_classes)
        Rows are the true classes, columns the predicted ones.

    Examples
    --------
    >>> confusion(np.array([0, 1, 1]), np.array([0, 0, 1]), 2)
    array([[1, 1],
           [0, 1]])
    """
    counts = np.zeros((n_classes, n_classes), np.int64)
    np.add.at(counts, (labels, predicted), 1)
    return counts


def mixing(counts: np.ndarray) -> np.ndarray:
    """Return the share of the items of two classes that are predicted as the other class.

    Parameters
    ----------
    counts : int (n_classes, n_classes), as `confusion` gives them.

    Returns
    -------
    float64 (n_classes, n_classes)
        Symmetric, 0 on the diagonal and for a pair with no items.

    Examples
    --------
    >>> mixing(np.array([[3, 1], [0, 4]]))
    array([[0.   , 0.125],
           [0.125, 0.   ]])
    """
    taken = (counts + counts.T) * (1 - np.eye(len(counts)))
    sizes = counts.sum(axis=1)
    return taken / np.maximum(1, sizes[:, None] + sizes[None])


def rank_of_pair(mixed: np.ndarray, pair: tuple[int, int]) -> int:
    """Return the rank of a pair among all pairs, 1 for the most mixed one; equals share the better
    rank."""
    pairs = mixed[np.triu_indices(len(mixed), 1)]
    return 1 + int((pairs > mixed[pair]).sum())


def separation(
    test: np.ndarray, labels: np.ndarray, predicted: np.ndarray, *, pairs: Sequence[tuple[int, int]]
) -> tuple[dict[str, Any], np.ndarray]:
    """Measure one embedding.

    Parameters
    ----------
    test : float (n, d), the embedded test items.
    labels, predicted : int (n,), true classes, and those of the nearest training items.
    pairs : pairs of classes to report.

    Returns
    -------
    measures : dict
        `spread_<class>` and `spread` (all classes pooled), see `class_spread`; `knn`, the share of
        right classes; `silhouette` in [-1, 1] (Rousseeuw 1987); for each pair `mixed_<a>_<b>` and
        `mixed_rank_<a>_<b>`.
    counts : int64 (n_classes, n_classes)
        The confusion.
    """
    from sklearn.metrics import silhouette_score

    of_class, pooled = class_spread(test, labels)
    counts = confusion(predicted, labels, len(of_class))
    mixed = mixing(counts)
    measures: dict[str, Any] = {
        "knn": float((predicted == labels).mean()),
        "silhouette": float(silhouette_score(test.astype(np.float64), labels)),
        "spread": pooled,
    }
    measures |= {f"spread_{label}": float(value) for label, value in enumerate(of_class)}
    for a, b in pairs:
        measures |= {f"mixed_{a}_{b}": float(mixed[a, b]), f"mixed_rank_{a}_{b}": rank_of_pair(mixed, (a, b))}
    return measures, counts
