"""Numba kernels that keep the best items of each query, tile by tile.

A query's *bound* is at most its k-th best score so far: scores below it are dropped at once, 64 per
step. Kept items fill a short list; when it is full, the bound rises.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from relatent.machine.numba_cache import kernel
from relatent.ranking.kernels.bits import ONE, WORD, lowest_bit, reached, short_key

CROWDED = -1  # a query with more items near its k-th best score than its list holds


@kernel
def count_reaching(scores: Any, i: int, n: int, bound: Any) -> int:
    """Count the first n scores of row i that are >= bound."""
    count = np.int32(0)
    for j in range(n):
        count += np.int32(scores[i, j] >= bound)
    return count  # type: ignore[return-value]


@kernel(fastmath={"nnan", "nsz"})
def rise(scores: Any, i: int, n: int, k: int, bound: Any) -> Any:
    """Return a score that k to about 1.1 k of the first n of row i reach, more if they are tied.

    By bisection: any score that k items reach is a valid bound, the k-th best itself is not needed.
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
    """Drop kept items of query i below the bound, of the first n; return how many stay."""
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
    """Add the best scores of a tile (n_queries, width), of database rows from `start` on.

    Parameters
    ----------
    margin : float32 (n_queries,); scores this close below the k-th best are kept too
    bounds : float32 (n_queries,), -inf at first; at least k items reach bounds[i] + margin[i]
    found : int64 (n_queries,), number of items kept, or CROWDED
    scores, items : float32 and uint32 (n_queries, capacity); capacity is a multiple of 64
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
    """Raise every bound once more after the last tile, and drop the items below."""
    for i in range(len(found)):
        if found[i] != CROWDED:
            bound = rise(scores, i, found[i], k, bounds[i] + margin[i]) - margin[i]
            found[i] = drop(scores, items, i, found[i], bound)


@kernel
def holds(ascending: Any, value: int) -> bool:
    """Say whether an ascending array holds a value."""
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
    """Fill keys (n_queries, most kept) of kept items, as `rank_row` takes them; 0 stands for no
    item."""
    for i in range(len(found)):
        keys[i] = 0
        for x in range(found[i]):
            keys[i, x] = np.uint64(short_key(scores[i, x])) << WORD | np.uint64(2 * items[i, x])


@kernel
def mark_listed(found: Any, items: Any, indptr: Any, columns: Any, keys: Any) -> None:
    """Set the last bit of the keys of relevant items, those in the query's columns."""
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
