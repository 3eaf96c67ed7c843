"""Correlation between features: checked input, unit rows, integer distances, neighbours in an
order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from relatent.errors import InputError

# Distances are multiples of 1 / UNIT: sums are exact, and the last bits of a product do not matter.
UNIT = 2**20


def flat(features: np.ndarray) -> np.ndarray:
    """Return features as finite float64 rows (n, d).

    Raises
    ------
    InputError
        If there is no feature, features have fewer than two values, or a value is nan or infinite;
        names the first such features.
    """
    rows = np.asarray(features)
    if rows.ndim not in (2, 3) or rows.dtype.kind not in "fiub":
        raise InputError(f"features must be numbers (n, d) or (n, y, x), got {rows.dtype} {rows.shape}")
    rows = rows.reshape(len(rows), int(np.prod(rows.shape[1:]))).astype(np.float64)
    if rows.shape[0] < 1 or rows.shape[1] < 2:
        raise InputError(f"there must be at least one feature, of at least 2 values each; got {rows.shape}")
    faulty = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if len(faulty):
        raise InputError(
            f"{listed(faulty, 'feature')} of {len(rows)} (counted from 0): nan or infinite values; leave them out first"
        )
    return rows


def constant_features(features: np.ndarray) -> np.ndarray:
    """Return the indices of constant features, whose correlation is undefined."""
    rows = flat(features)
    return np.flatnonzero(rows.max(axis=1) == rows.min(axis=1))


def unit_rows(features: np.ndarray) -> np.ndarray:
    """Return rows (n, d) of mean 0 and length 1, so that products are correlations; constant ones
    are 0."""
    rows = flat(features)
    constant = rows.max(axis=1) == rows.min(axis=1)
    # no overflow in the squares below
    rows /= np.where(constant, 1, np.abs(rows).max(axis=1))[:, None]
    rows -= rows.mean(axis=1, keepdims=True)
    rows[constant] = 0
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths == 0, 1, lengths)


def distances(units: np.ndarray) -> np.ndarray:
    """Return distances round(UNIT (1 - correlation)), int32 (n, n), symmetric, 0 on the diagonal.

    Parameters
    ----------
    units : float64 (n, d), rows of `unit_rows`.
    """
    found = np.empty((len(units), len(units)), np.int32)
    rows = max(1, 2**26 // (8 * len(units)))
    for start in range(0, len(units), rows):
        correlation = np.clip(units[start : start + rows] @ units.T, -1, 1)
        found[start : start + rows] = np.rint(UNIT * (1 - correlation))
    found = np.minimum(found, found.T)  # a product by blocks is not symmetric to the last bit
    np.fill_diagonal(found, 0)
    return found


def neighbour_correlations(features: np.ndarray, order: Sequence[int] | np.ndarray) -> np.ndarray:
    """Return the correlation of each feature with the next in the order, float64 (n - 1,).

    The correlation with a constant feature counts as 0.

    Examples
    --------
    >>> neighbour_correlations(np.array([[0, 1, 2], [0, 2, 4], [2, 1, 0]]), [0, 1, 2]).round(3) + 0.0
    array([ 1., -1.])
    """
    units = unit_rows(features)
    order = permutation(order, len(units))
    return np.clip(np.einsum("nd,nd->n", units[order[:-1]], units[order[1:]]), -1, 1)


def permutation(order: Sequence[int] | np.ndarray, n: int) -> np.ndarray:
    """Return the order as an int64 array; InputError unless it holds each of 0 to n - 1 once."""
    found = np.asarray(order)
    if found.shape != (n,) or found.dtype.kind not in "iu" or not np.array_equal(np.sort(found), np.arange(n)):
        raise InputError(
            f"order must hold each of 0 to {n - 1} once, as whole numbers; got {found.dtype} {found.shape}"
        )
    return found.astype(np.int64)


def listed(indices: np.ndarray, noun: str) -> str:
    """Return "feature 3" or "features 3, 17"; at most 8 are numbered, the others counted."""
    shown = ", ".join(map(str, indices[:8])) + (f" and {len(indices) - 8} more" if len(indices) > 8 else "")
    return f"{noun}{'s' if len(indices) > 1 else ''} {shown}"
