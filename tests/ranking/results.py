"""Results made by hand."""

import numpy as np

from relatent.ranking import RankingResult


def result_of(column, n_relevant=None):
    """Return a result whose every metric is `column`."""
    n = len(column)
    counts = np.ones(n, np.int64) if n_relevant is None else np.asarray(n_relevant)
    settings = {"score": "dot", "ties": "expected", "metrics": "cutoffs"}
    return RankingResult(np.repeat(np.asarray(column)[:, None], 4, axis=1), counts, (5,), settings)
