"""Numba kernels that keep the best of each query while scores stream by, a tile at a time.

A query's *bound* lies at or below its k-th best score so far: what is below it is forgotten at
once, 64 scores a step. Kept items fill a short list; when it is full, the bound rises.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from latents.machine.numba_cache import kernel
from latents.ranking.kernels.bits import ONE, WORD, lowest_bit, reached, short_key

CROWDED = -1  # a query with more items near its k-th best score than its list holds


@kernel
def count_reaching(scores: Any, i: int, n: int, bound: Any) -> int:
    """How many of the first n scores of row i are >= bound."""
    count = np.int32(0)
    for j in range(n):
        count += np.int32(scores[i, j] >= bound)
    return count  # type: ignore[return-value]


@kernel(fastmath={"nnan", "nsz"})
def rise(scores: Any, i: int, n: int, k: int, bound: Any) -> Any:
    """A score that k to about 1.1 k of the first n of row i reach, more if they are tied.

    Bisection: any score that k items reach is a valid bound, the k-th best itself is not needed.
    """
    if n <= k:
        return bound
    low = high = scores[i, 0]
    for j in range(n):
        low, high = min(low, scores[i, j]), max(high, scores[i, j])
    while True:
        middle = np.float32(0.5) * low + np.float32(0.5) * high
        if not low < middle < high:
            return max(low, bound)
        count = count_reaching(scores, i, n, middle)
        if count < k:
            high = middle
        else:
            low = middle
            if count <= k + k // 8:
                return max(low, bound)


@kernel
def drop(scores: Any, items: Any, i: int, n: int, bound: Any) -> int:
    """Forget what of the first n kept items of query i is below the bound; returns how many stay."""
    kept = 0
    for x in range(n):
        score, item = scores[i, x], items[i, x]
        scores[i, kept], items[i, kept] = score, item
        kept += np.int64(score >= bound)  # type: ignore[assignment]
    return kept


@kernel
def filter_tile(
    tile: Any, start: int, k: int, margin: Any, left_out: Any, bounds: Any, found: Any, scores: Any, items: Any
) -> None:
    """Keep what a tile of scores (n_queries, width), of database rows `start` on, adds to the best.

    Parameters
    ----------
    margin : float32 array; what is this close to the k-th best score is kept too
    bounds : float32 array; at least k items reach bounds[i] + margin[i], -inf at first
    found : int64 array, items kept of each query, or CROWDED
    scores, items : float32 and uint32 arrays of shape (n_queries, capacity), capacity a multiple of 64
    """
    n_queries, width = tile.shape
    capacity = scores.shape[1]
    whole = width // 64 * 64
    for i in range(n_queries):
        count, bound, out = found[i], bounds[i], left_out[i] - start
        if count == CROWDED:
            continue
        if 0 <= out < width:
            tile[i, out] = -np.inf
        if start == 0 and 4 * k <= width:
            bound = rise(tile, i, width, k, bound + margin[i]) - margin[i]
        for step in range(0, width, 64):
            if step < whole:
                hits = reached(tile, i * width + step, bound)
            else:
                hits = np.uint64(0)
                for j in range(step, width):
                    hits |= np.uint64(tile[i, j] >= bound) << np.uint64(j - step)
            if hits == 0:
                continue
            if count + 64 > capacity:
                bound = rise(scores, i, count, k, bound + margin[i]) - margin[i]
                count = drop(scores, items, i, count, bound)
                if count + 64 > capacity:
                    count = CROWDED
                    break
            while hits:
                j = step + lowest_bit(hits)
                hits &= hits - ONE
                scores[i, count], items[i, count] = tile[i, j], start + j
                count += np.int64(j != out)
        found[i], bounds[i] = count, bound


@kernel
def last_drop(k: int, margin: Any, bounds: Any, found: Any, scores: Any, items: Any) -> None:
    """Raise every bound once more, when all tiles have passed."""
    for i in range(len(found)):
        if found[i] != CROWDED:
            bound = rise(scores, i, found[i], k, bounds[i] + margin[i]) - margin[i]
            found[i] = drop(scores, items, i, found[i], bound)


@kernel
def holds(ascending: Any, value: int) -> bool:
    """Is the value in the array?"""
    low, n = 0, len(ascending)
    if n == 0:
        return False
    while n > 1:  # no branch
        half = n >> 1
        low += half if ascending[low + half] <= value else 0
        n -= half
    return ascending[low] == value


@kernel
def kept_keys(found: Any, scores: Any, items: Any, keys: Any) -> None:
    """Fill keys (n_queries, most kept) of what is kept, as `rank_row` takes them; zeros are no items."""
    for i in range(len(found)):
        keys[i] = 0
        for x in range(found[i]):
            keys[i, x] = np.uint64(short_key(scores[i, x])) << WORD | np.uint64(2 * items[i, x])


@kernel
def mark_listed(found: Any, items: Any, indptr: Any, columns: Any, keys: Any) -> None:
    """Set the last bit of the keys of relevant items, those among the query's columns."""
    for i in range(len(found)):
        own = columns[indptr[i] : indptr[i + 1]]
        for x in range(found[i]):
            keys[i, x] |= np.uint64(holds(own, items[i, x]))


@kernel
def mark_class(found: Any, items: Any, of_query: Any, of_item: Any, keys: Any) -> None:
    """Set the last bit of the keys of relevant items, those of the query's class."""
    for i in range(len(found)):
        for x in range(found[i]):
            keys[i, x] |= np.uint64(of_item[items[i, x]] == of_query[i])
