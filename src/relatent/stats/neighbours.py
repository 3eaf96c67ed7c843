"""Compare two embeddings of the same items by the neighbours that they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, product
from typing import Any

import numpy as np

from relatent.errors import InputError


def neighbours_in_common(first: np.ndarray, second: np.ndarray, *, k: int) -> float:
    """Return the mean share of each item's k nearest items that two embeddings have in common.

    Parameters
    ----------
    first, second : float (n, d), (n, e), of the same n items; d and e may differ, more items than
        k.
    k : neighbours, the item itself left out; Euclidean distance.

    Returns
    -------
    float
        1 for embeddings that agree on all neighbours, k / (n - 1) for unrelated ones; no change of
        scale, rotation or reflection alters it.

    Examples
    --------
    >>> line = np.arange(6.0)[:, None]
    >>> neighbours_in_common(line, -3 * line, k=1)
    1.0
    """
    if len(first) != len(second) or not 1 <= k < len(first):
        raise InputError(f"need the same items, more than k = {k}, got {len(first)} and {len(second)}")
    found = [nearest(points, k) for points in (first, second)]
    shared = (found[0][:, :, None] == found[1][:, None, :]).sum(axis=(1, 2))  # (n,)
    return float(shared.mean() / k)


def nearest(points: np.ndarray, k: int) -> np.ndarray:
    """Return the k nearest other items of each item, int (n, k)."""
    from scipy.spatial import cKDTree

    tree = cKDTree(points)
    _, found = tree.query(points, k=k + 1)  # (n, k + 1), most often with the item itself first
    others = found != np.arange(len(points))[:, None]
    # of many equal points the item itself may be missing: drop the last
    others[others.all(axis=1), -1] = False
    return found[others].reshape(len(points), k)


def overlaps(embeddings: Mapping[str, Sequence[np.ndarray]], *, k: int) -> dict[str, Any]:
    """Compare every two networks, and every two seeds of a network, by neighbours in common.

    Parameters
    ----------
    embeddings : network -> one embedding per seed.

    Returns
    -------
    dict
        `overlap_<a>_<b>`, the mean over pairs of seeds, and `..._se`: the standard deviation over
        pairs by the root of the number of seeds, since pairs share them. None where there are no
        two seeds.
    """
    found: dict[str, Any] = {}
    names = list(embeddings)
    for place, a in enumerate(names):
        for b in names[place:]:
            pairs = combinations(embeddings[a], 2) if a == b else product(embeddings[a], embeddings[b])
            shares = np.array([neighbours_in_common(*pair, k=k) for pair in pairs])
            seeds = min(len(embeddings[a]), len(embeddings[b]))
            known = len(shares) > 1
            found[f"overlap_{a}_{b}"] = float(shares.mean()) if len(shares) else None
            found[f"overlap_{a}_{b}_se"] = float(shares.std(ddof=1) / np.sqrt(seeds)) if known else None
    return found
