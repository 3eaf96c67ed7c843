"""The area under the ROC curve."""

from __future__ import annotations

import numpy as np


def area_under_curve(scores: np.ndarray, positive: np.ndarray) -> float:
    """Return the chance that a random positive item outscores a random negative one (Mann & Whitney
    1947).

    Parameters
    ----------
    scores : float (n,).
    positive : bool (n,).

    Returns
    -------
    float
        In [0, 1], equal scores counted half; nan if all items are positive, or none is.

    Examples
    --------
    >>> area_under_curve(np.array([0.9, 0.5, 0.5]), np.array([True, True, False]))
    0.75
    """
    from scipy.stats import rankdata

    # by whole ranks: sklearn.metrics.roc_auc_score sums trapezoids and differs in the last bits
    positives = int(np.count_nonzero(positive))
    negatives = len(positive) - positives
    if not positives or not negatives:
        return float("nan")
    ranks = rankdata(scores)[positive].sum() - positives * (positives + 1) / 2
    return float(ranks / (positives * negatives))
