"""Numba kernels from the scores of a batch of queries to metrics at cutoffs, or to the k best
rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from relatent.machine.numba_cache import kernel
from relatent.ranking.kernels.bits import ONE, WORD, column, score_of
from relatent.ranking.kernels.metrics import measure, most_relevant
from relatent.ranking.kernels.parameters import Exact, Measures, Pairs
from relatent.ranking.kernels.selection import exact_scores, rank_row, select_keys, sort_chain


@kernel
def measure_best(
    scores: Any, left_out: Any, depth: int, pairs: Pairs, exact: Exact, ideal: Any, measures: Measures, out: Any
) -> None:
    """Measure a batch at cutoffs up to `depth`, from float32 scores (n_queries, n_database)."""
    n = scores.shape[1]
    groups, values, keys = np.empty((most_relevant(pairs.indptr), 4)), np.empty(n), np.empty(n, np.uint64)
    maxima = np.empty(1 if 4 * depth >= n else 2 * depth, np.float32)
    mark = np.zeros(n, np.bool_)
    for i in range(len(scores)):
        own = pairs.columns[pairs.indptr[i] : pairs.indptr[i + 1]]
        found = select_keys(scores[i], depth, 4 * exact.delta[i], left_out[i], keys, maxima)
        for j in own:
            mark[j] = True
        for x in range(found):
            keys[x] |= np.uint64(mark[column(keys[x])])
        for j in own:
            mark[j] = False
        n_groups = rank_row(keys[:found], values, depth, exact, pairs, i, groups)
        measure(groups[:n_groups], len(own), ideal[i], measures, out[i])


@kernel
def measure_kept(
    keys: Any, found: Any, depth: int, pairs: Pairs, exact: Exact, ideal: Any, measures: Measures, out: Any
) -> None:
    """Measure a batch at cutoffs up to `depth`, from ascending keys (n_queries, most found).

    Parameters
    ----------
    found : the last found[i] keys of row i are items; a query with a negative number is not
        measured
    pairs : columns may be empty where gains are
    """
    width = keys.shape[1]
    groups, values = np.empty((width, 4)), np.empty(width)
    for i in range(len(found)):
        if found[i] < 0:
            continue
        n_groups = rank_row(keys[i, width - found[i] :], values, depth, exact, pairs, i, groups)
        n_relevant = pairs.indptr[i + 1] - pairs.indptr[i]
        measure(groups[:n_groups], n_relevant, ideal[i], measures, out[i])


@kernel
def top_rows(scores: Any, left_out: Any, exact: Exact, columns: Any, best: Any) -> None:
    """Fill columns and best, (n_queries, k), by exact score; equal scores by ascending row."""
    n, k = scores.shape[1], columns.shape[1]
    keys, values = np.empty(n, np.uint64), np.empty(n)
    maxima = np.empty(1 if 4 * k >= n else 2 * k, np.float32)
    for i in range(len(scores)):
        delta = exact.delta[i]
        found = select_keys(scores[i], k, 4 * delta, left_out[i], keys, maxima)
        floor = score_of(keys[found - k]) - delta
        low = found - k
        while low > 0 and score_of(keys[low - 1]) >= floor:
            low -= 1
        exact_scores(exact, i, keys, low, found, values)
        for x in range(low, found):  # sort_chain puts high values first
            keys[x] = ONE << WORD | np.uint64(2 * (n - 1 - column(keys[x])))
        sort_chain(keys, values, low, found)
        for x in range(k):
            columns[i, x] = n - 1 - column(keys[low + x])
            best[i, x] = values[low + x]
