"""Numba kernels for full rankings by 32-bit keys: half the bytes to sort, exact all the same.

A score becomes a fixed-point number of 31 bits, scaled by its row's largest, and a last bit that
says relevant. Sorted keys place every relevant item that no other item is near. The few others are
found again among the scores, by a map of where to look, and ranked by exact float64 scores.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from latents.ranking.bits import ONE
from latents.ranking.measures import measure
from latents.ranking.selection import exact_scores, rank_chain

CELLS, CELL = 2**16, 15  # of the map of where to look; units of a cell, as a power of two
FLOAT32_UNITS = 2**7  # scores of one float32, which trec_eval takes for tied, lie at most half as far apart
MOST_NEAR = 8  # a query with more than one in so many items in chains is crowded


def units_per_score(scores: Any) -> Any:
    """The factor, exact in binary, that brings each row into -2**30 .. 2**30; 0 for rows of zeros."""
    largest = np.maximum(scores.max(axis=1), -scores.min(axis=1))
    factors = np.ldexp(scores.dtype.type(1), np.minimum(30 - np.frexp(largest)[1], 120))
    return np.where(largest > 0, factors, 0).astype(scores.dtype)


@njit(cache=True, nogil=True)
def unit(score: Any, scale: Any) -> Any:
    """The score as a fixed-point number, 1 .. 2**31 - 1."""
    return np.uint32(np.int32(score * scale) + np.int32(2**30))


@njit(cache=True, nogil=True)
def fill_short_keys(scores: Any, indptr: Any, columns: Any, left_out: Any, scales: Any, keys: Any) -> None:
    """Keys (n_queries, n) in uint32, from scores and the units per score of each row; 0 is left out."""
    for i in range(len(scores)):
        for j in range(np.uint64(scores.shape[1])):  # unsigned: numba wraps no index around
            keys[i, j] = np.uint32(unit(scores[i, j], scales[i]) << np.uint32(1))
        for pair in range(indptr[i], indptr[i + 1]):
            keys[i, columns[pair]] += 1
        if left_out[i] >= 0:
            keys[i, left_out[i]] = 0


@njit(cache=True, nogil=True)
def relevant_places(keys: Any, places: Any) -> int:
    """Positions of relevant keys, ascending; returns how many. One more place is scratch."""
    found = 0
    for p in range(len(keys)):  # no branch: relevant items come at random
        places[found] = p
        found += np.int64(keys[p] & np.uint32(1))  # type: ignore[assignment]
    return found


@njit(cache=True, nogil=True)
def find_chains(keys: Any, places: Any, near: int, first: int, most: int, chains: Any) -> tuple[int, int]:
    """Runs of keys from position `first` on, no further apart than `near`, that hold a relevant one and another.

    Fills chains (n, 4) with position, lowest and highest unit, and place among the items of all
    chains; returns how many chains and items. More items than `most` end the search.
    """
    n_chains, total, x, n = 0, 0, 0, len(keys)
    while x < len(places) and total <= most:
        low = high = int(places[x])
        lowest = highest = np.int64(keys[low] >> 1)
        while low > first and lowest - np.int64(keys[low - 1] >> 1) <= near:
            low -= 1
            lowest = np.int64(keys[low] >> 1)
        while high + 1 < n and np.int64(keys[high + 1] >> 1) - highest <= near:
            high += 1
            highest = np.int64(keys[high] >> 1)
        x += 1
        if low == high:
            continue
        while x < len(places) and places[x] <= high:
            x += 1
        chains[n_chains, 0], chains[n_chains, 1], chains[n_chains, 2] = low, lowest, highest
        chains[n_chains, 3] = total
        total += high + 1 - low
        n_chains += 1
    chains[n_chains, 3] = total
    return n_chains, total


@njit(cache=True, nogil=True)
def mark_cells(chains: Any, n_chains: int, cells: Any, first_chain: Any) -> None:
    """Mark the cells that hold units of a chain, and say which chain comes first in each."""
    for c in range(n_chains):
        for cell in range(chains[c, 1] >> CELL, (chains[c, 2] >> CELL) + 1):
            if not cells[cell]:
                cells[cell], first_chain[cell] = 1, c


@njit(cache=True, nogil=True)
def unmark_cells(chains: Any, n_chains: int, cells: Any) -> None:
    """Undo `mark_cells`."""
    for c in range(n_chains):
        cells[chains[c, 1] >> CELL : (chains[c, 2] >> CELL) + 1] = 0


@njit(cache=True, nogil=True)
def flag_candidates(scores: Any, i: int, scale: Any, cells: Any, flags: Any) -> None:
    """Flag the columns of row i whose score falls into a marked cell."""
    for j in range(np.uint64(scores.shape[1])):
        flags[j] = cells[np.uint32(unit(scores[i, j], scale) >> np.uint32(CELL))]


@njit(cache=True, nogil=True)
def flagged(flags: Any, hits: Any) -> int:
    """Positions of set bytes among `flags`, eight to a uint64; returns how many. One more hit is scratch."""
    n_hits = 0
    for w in range(len(flags)):
        eight = flags[w]
        if eight:
            for b in range(8):
                hits[n_hits] = 8 * w + b
                n_hits += np.int64((eight >> np.uint64(8 * b)) & np.uint64(1))  # type: ignore[assignment]
    return n_hits


@njit(cache=True, nogil=True)
def gather_chains(
    scores: Any,
    i: int,
    scale: Any,
    hits: Any,
    chains: Any,
    n_chains: int,
    first_chain: Any,
    left_out: int,
    mark: Any,
    keys: Any,
) -> None:
    """Keys (twice the column, and whether it is marked) of the items of all chains, chain after chain."""
    for h in range(len(hits)):
        j = hits[h]
        value = np.int64(unit(scores[i, j], scale))
        c = int(first_chain[value >> CELL])
        while c + 1 < n_chains and chains[c + 1, 1] <= value:
            c += 1
        if chains[c, 1] <= value <= chains[c, 2] and j != left_out:
            keys[chains[c, 3]] = 2 * j + mark[j]
            chains[c, 3] += 1
    for c in range(n_chains - 1, 0, -1):  # full, each ends where the next began
        chains[c, 3] = chains[c - 1, 3]
    chains[0, 3] = 0


@njit(cache=True, nogil=True)
def rank_places(
    n: int, places: Any, chains: Any, n_chains: int, keys: Any, values: Any, tolerance: float, trec: bool, groups: Any
) -> int:
    """Tie groups of the relevant items, best first: alone, or of a chain of exact values."""
    nobody = np.empty(0)
    x, c, n_groups = len(places) - 1, n_chains - 1, 0
    while x >= 0:
        p = places[x]
        if c < 0 or p >= chains[c, 0] + chains[c + 1, 3] - chains[c, 3]:
            groups[n_groups, 0] = n - 1 - p
            groups[n_groups, 1] = groups[n_groups, 2] = groups[n_groups, 3] = 1
            n_groups, x = n_groups + 1, x - 1
            continue
        low, high = chains[c, 3], chains[c + 1, 3]
        above = n - chains[c, 0] - (high - low)
        gap = values[low + 1] - values[low]
        if high - low == 2 and not trec and abs(gap) > tolerance:  # two items, not tied: the usual case
            better = low + np.int64(gap > 0)
            for y, place in ((better, above), (2 * low + 1 - better, above + 1)):
                if keys[y] & ONE:
                    groups[n_groups, 0] = place
                    groups[n_groups, 1] = groups[n_groups, 2] = groups[n_groups, 3] = 1
                    n_groups += 1
        else:
            n_groups = rank_chain(keys, values, low, high, above, tolerance, trec, nobody, nobody, groups, n_groups)
        while x >= 0 and places[x] >= chains[c, 0]:
            x -= 1
        c -= 1
    return n_groups


@njit(cache=True, nogil=True)
def measure_short(
    scores: Any,
    keys: Any,
    scales: Any,
    indptr: Any,
    columns: Any,
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
    full: bool,
    harmonic: Any,
    discount: Any,
    out: Any,
    crowded: Any,
) -> None:
    """Rank and measure a batch of sorted rows of keys of `scores` (n_queries, n), every gain being 1.

    Scores closer than `delta` are looked at again, see `exact_scores`. Queries with too many of them
    are not measured but `crowded`.
    """
    n, most = scores.shape[1], 0
    for i in range(len(keys)):
        most = max(most, indptr[i + 1] - indptr[i])
    limit = n // MOST_NEAR
    groups, places = np.empty((most, 4)), np.empty(most + 1, np.int32)
    chains, cells, first_chain = np.empty((most + 1, 4), np.int64), np.zeros(CELLS, np.uint8), np.empty(CELLS, np.int32)
    hits, flags = np.empty(n + 1, np.int32), np.zeros(n // 8 + 1, np.uint64)
    again, values, mark = np.empty(limit, np.uint64), np.empty(limit), np.zeros(n, np.uint8)
    for i in range(len(keys)):
        found = relevant_places(keys[i], places)
        near = int(min(delta[i] * scales[i], 2.0**32)) + (FLOAT32_UNITS if trec else 2)
        first = 1 if left_out[i] >= 0 else 0
        n_chains, total = find_chains(keys[i], places[:found], near, first, limit, chains)
        crowded[i] = total > limit
        if crowded[i]:
            continue
        if n_chains:
            mark_cells(chains, n_chains, cells, first_chain)
            flag_candidates(scores, i, scales[i], cells, flags.view(np.uint8))
            unmark_cells(chains, n_chains, cells)
            n_hits = flagged(flags, hits)
            for pair in range(indptr[i], indptr[i + 1]):
                mark[columns[pair]] = 1
            gather_chains(scores, i, scales[i], hits[:n_hits], chains, n_chains, first_chain, left_out[i], mark, again)
            exact_scores(kind, queries, i, items, query_norms, norms, again, 0, total, values)
            for pair in range(indptr[i], indptr[i + 1]):
                mark[columns[pair]] = 0
        n_groups = rank_places(n, places[:found], chains, n_chains, again, values, tolerance[i], trec, groups)
        measure(groups[:n_groups], found, ideal[i], cutoffs, full, harmonic, discount, out[i])
