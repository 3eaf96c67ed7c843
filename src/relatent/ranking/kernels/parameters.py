"""Blocks of parameters that the numba kernels pass on to each other, arrays of one batch of
queries."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
NOTHING = np.zeros((0, 0))
ONES = np.empty(0)  # gains, where every gain is 1


class Pairs(NamedTuple):
    """The relevant items of each query, as rows of a CSR matrix."""

    indptr: Array  # int64 (n_queries + 1,)
    columns: Array  # int64 (n_pairs,), ascending within a query
    gains: Array  # float64 (n_pairs,), or empty where every gain is 1


class Exact(NamedTuple):
    """How the exact score of a query and an item is computed, and which scores are tied."""

    kind: int  # DOT, COSINE, L2 or LOOKUP of `selection`
    queries: Array  # (n_queries, d); for LOOKUP the scores themselves, (n_queries, n_database)
    query_norms: Array  # float64 (n_queries,)
    items: Array  # (n_database, d)
    norms: Array  # float64 (n_database,)
    delta: Array  # float64 (n_queries,); float32 scores closer than this are computed again
    tolerance: Array  # float64 (n_queries,); float64 scores closer than this are tied
    trec: bool  # order ties as trec_eval does

    def of(self, rows: slice) -> Exact:
        """Return the parameters of some of the queries."""
        return self._replace(
            queries=self.queries[rows],
            query_norms=self.query_norms[rows],
            delta=self.delta[rows],
            tolerance=self.tolerance[rows],
        )


class Measures(NamedTuple):
    """The metrics to compute, and sums over ranks (see `metrics.Ranks`)."""

    cutoffs: Array  # int64, ascending
    full: bool  # also the metrics of the full ranking
    harmonic: Array  # float64 (n_items + 1,)
    discount: Array  # float64 (n_items + 1,)
