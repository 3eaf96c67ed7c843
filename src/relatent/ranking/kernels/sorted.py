"""Numba kernels for full rankings from rows of float64 scores, one query at a time, without the
GIL.

A row of scores becomes, in place, integer *keys* that sort like the scores and hold a relevance
bit. numpy sorts them with SIMD, and one pass over them finds the tie groups.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from relatent.machine.numba_cache import kernel
from relatent.ranking.kernels.bits import ONE, TOP, WORD, long_score, short_key
from relatent.ranking.kernels.metrics import measure, most_relevant
from relatent.ranking.kernels.parameters import Exact, Measures, Pairs


@kernel
def fill_keys(scores: Any, tolerance: Any, trec: bool, indptr: Any, columns: Any, left_out: Any) -> None:
    """Turn float64 scores (n_queries, n) in place into keys, whose last bit says relevant.

    Under trec a key holds the score in float32 (0 if it is within the tolerance of 0) and
    the database row; else the score in float64 except for its last bit. A left-out item has key 0.
    """
    bits, keys = scores.view(np.int64), scores.view(np.uint64)
    for i in range(scores.shape[0]):
        for j in range(scores.shape[1]):
            if trec:
                value = 0.0 if abs(scores[i, j]) <= tolerance[i] else scores[i, j]
                keys[i, j] = np.uint64(short_key(np.float32(value))) << WORD | np.uint64(2 * j)
            else:
                mask = np.uint64(bits[i, j] >> 63) | TOP
                keys[i, j] = (np.uint64(bits[i, j]) ^ mask) & ~ONE
        for pair in range(indptr[i], indptr[i + 1]):
            keys[i, columns[pair]] |= ONE
        if left_out[i] >= 0:
            keys[i, left_out[i]] = 0


@kernel
def rank_sorted(keys: Any, tolerance: float, trec: bool, gains: Any, places: Any, groups: Any) -> int:
    """Find the tie groups of the relevant items among all ascending keys, best first; return how
    many.

    Scores closer than `tolerance` are tied. `gains` are those of relevant items, best first, or
    empty. `places` is scratch with one element more than there are relevant items.
    """
    n, n_groups, seen, found = len(keys), 0, 0, 0
    for p in range(n):  # no branch: relevant items come at random
        places[found] = p
        found += np.int64(keys[p] & ONE)  # type: ignore[assignment]
    x = found - 1
    while x >= 0:
        low, high = places[x], places[x]
        if not trec:
            lowest = highest = long_score(keys[low])
            while high + 1 < n and long_score(keys[high + 1]) - highest <= tolerance:
                high += 1
                highest = long_score(keys[high])
            while low > 0 and keys[low - 1] and lowest - long_score(keys[low - 1]) <= tolerance:
                low -= 1
                lowest = long_score(keys[low])
        relevant, gain = 0, 0.0
        while x >= 0 and places[x] >= low:
            gain += gains[seen] if len(gains) else 1.0
            relevant, seen, x = relevant + 1, seen + 1, x - 1
        groups[n_groups, 0], groups[n_groups, 1] = n - 1 - high, high - low + 1
        groups[n_groups, 2], groups[n_groups, 3] = relevant, gain
        n_groups += 1
    return n_groups


@kernel
def measure_sorted(keys: Any, pairs: Pairs, exact: Exact, ideal: Any, measures: Measures, out: Any) -> None:
    """Rank and measure a batch of sorted rows of keys.

    Parameters
    ----------
    keys : uint64 (n_queries, n_database), each row ascending
    pairs : gains of each query in the order of its keys, counted from 0; its columns are not used
    """
    indptr = pairs.indptr
    most = most_relevant(indptr)
    groups, places = np.empty((most, 4)), np.empty(most + 1, np.int64)
    for i in range(len(keys)):
        start, stop = indptr[i] - indptr[0], indptr[i + 1] - indptr[0]
        n_groups = rank_sorted(keys[i], exact.tolerance[i], exact.trec, pairs.gains[start:stop], places, groups)
        measure(groups[:n_groups], stop - start, ideal[i], measures, out[i])
