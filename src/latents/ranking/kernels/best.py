"""Numba kernels from the scores of a batch of queries to metrics at cutoffs, or to the k best rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from latents.machine.numba_cache import kernel
from latents.ranking.kernels.bits import ONE, WORD, column, score_of
from latents.ranking.kernels.metrics import measure
from latents.ranking.kernels.selection import exact_scores, rank_row, select_keys, sort_chain


@kernel
def measure_best(
    scores: Any,
    indptr: Any,
    columns: Any,
    gains: Any,
    left_out: Any,
    delta: Any,
    tolerance: Any,
    trec: bool,
    kind: int,
    queries: Any,
    items: Any,
    norms: Any,
    query_norms: Any,
    ideal: Any,
    cutoffs: Any,
    depth: int,
    harmonic: Any,
    discount: Any,
    out: Any,
) -> None:
    """Measure a batch at cutoffs up to `depth`, from float32 scores (n_queries, n)."""
    n, most = scores.shape[1], 0
    for i in range(len(scores)):
        most = max(most, indptr[i + 1] - indptr[i])
    groups, values, keys = np.empty((most, 4)), np.empty(n), np.empty(n, np.uint64)
    maxima = np.empty(1 if 4 * depth >= n else 2 * depth, np.float32)
    mark = np.zeros(n, np.bool_)
    for i in range(len(scores)):
        own = columns[indptr[i] : indptr[i + 1]]
        own_gains = gains[indptr[i] : indptr[i + 1]] if len(gains) else gains
        found = select_keys(scores[i], depth, 4 * delta[i], left_out[i], keys, maxima)
        for j in own:
            mark[j] = True
        for x in range(found):
            keys[x] |= np.uint64(mark[column(keys[x])])
        for j in own:
            mark[j] = False
        n_groups = rank_row(
            keys[:found],
            values,
            depth,
            delta[i],
            tolerance[i],
            trec,
            kind,
            queries,
            i,
            items,
            query_norms,
            norms,
            own,
            own_gains,
            groups,
        )
        measure(groups[:n_groups], len(own), ideal[i], cutoffs, False, harmonic, discount, out[i])


@kernel
def measure_kept(
    keys: Any,
    found: Any,
    indptr: Any,
    columns: Any,
    gains: Any,
    delta: Any,
    tolerance: Any,
    trec: bool,
    kind: int,
    queries: Any,
    items: Any,
    norms: Any,
    query_norms: Any,
    ideal: Any,
    cutoffs: Any,
    depth: int,
    harmonic: Any,
    discount: Any,
    out: Any,
) -> None:
    """The same from rows of ascending keys, of which the last found[i] are items; none if negative.

    `columns` may be empty where `gains` is.
    """
    width = keys.shape[1]
    groups, values = np.empty((width, 4)), np.empty(width)
    for i in range(len(found)):
        if found[i] < 0:
            continue
        own = columns[indptr[i] : indptr[i + 1]] if len(gains) else columns
        own_gains = gains[indptr[i] : indptr[i + 1]] if len(gains) else gains
        n_groups = rank_row(
            keys[i, width - found[i] :],
            values,
            depth,
            delta[i],
            tolerance[i],
            trec,
            kind,
            queries,
            i,
            items,
            query_norms,
            norms,
            own,
            own_gains,
            groups,
        )
        n_relevant = indptr[i + 1] - indptr[i]
        measure(groups[:n_groups], n_relevant, ideal[i], cutoffs, False, harmonic, discount, out[i])


@kernel
def top_rows(
    scores: Any,
    left_out: Any,
    delta: Any,
    kind: int,
    queries: Any,
    items: Any,
    norms: Any,
    query_norms: Any,
    columns: Any,
    best: Any,
) -> None:
    """Fill columns and best, (n_queries, k), by exact score; equal ones by ascending row."""
    n, k = scores.shape[1], columns.shape[1]
    keys, values = np.empty(n, np.uint64), np.empty(n)
    maxima = np.empty(1 if 4 * k >= n else 2 * k, np.float32)
    for i in range(len(scores)):
        found = select_keys(scores[i], k, 4 * delta[i], left_out[i], keys, maxima)
        floor = score_of(keys[found - k]) - delta[i]
        low = found - k
        while low > 0 and score_of(keys[low - 1]) >= floor:
            low -= 1
        exact_scores(kind, queries, i, items, query_norms, norms, keys, low, found, values)
        for x in range(low, found):  # sort_chain: high values first
            keys[x] = ONE << WORD | np.uint64(2 * (n - 1 - column(keys[x])))
        sort_chain(keys, values, low, found)
        for x in range(k):
            columns[i, x] = n - 1 - column(keys[low + x])
            best[i, x] = values[low + x]
