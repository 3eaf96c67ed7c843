"""Numba kernels for the best items of a row: float32 scores select, exact float64 scores decide.

Items that float32 scores cannot tell apart form a *chain*. Exact scores rank a chain that holds a
relevant item, so that results do not depend on how a matrix product was divided.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from relatent.machine.numba_cache import kernel
from relatent.ranking.kernels.bits import LOW, ONE, WORD, column, score_of, short_key
from relatent.ranking.kernels.parameters import Exact, Pairs

DOT, COSINE, L2, LOOKUP = 0, 1, 2, 3  # how an exact score is computed


@kernel(fastmath={"nnan", "nsz"})
def chunk_maxima(row: Any, width: int, maxima: Any) -> None:
    """Fill the largest score of each run of `width` items; the last run takes the rest."""
    for c in range(len(maxima)):
        stop = (c + 1) * width if c + 1 < len(maxima) else len(row)
        largest = row[c * width]
        for j in range(c * width + 1, stop):
            largest = max(largest, row[j])
        maxima[c] = largest


@kernel
def select_keys(row: Any, k: int, margin: float, left_out: int, keys: Any, maxima: Any) -> int:
    """Fill ascending keys of all items whose score may be among the k best; return how many there
    are.

    The k-th largest of 2 k chunk maxima is at most the k-th largest score.
    """
    n, n_chunks = len(row), len(maxima)
    if left_out >= 0:
        row[left_out] = -np.inf
    width = n // n_chunks
    chunk_maxima(row, width, maxima)
    bound = -np.inf
    if n_chunks > k:
        bound = np.partition(maxima, n_chunks - k)[n_chunks - k] - margin
    found = 0
    for c in range(n_chunks):
        if maxima[c] < bound:
            continue
        for j in range(c * width, (c + 1) * width if c + 1 < n_chunks else n):
            if row[j] >= bound and j != left_out:
                keys[found] = np.uint64(short_key(row[j])) << WORD | np.uint64(2 * j)
                found += 1
    keys[:found].sort()
    return found


@kernel(fastmath={"reassoc", "contract", "nsz"})
def product(queries: Any, i: int, items: Any, j: int) -> float:
    """Return the inner product in float64; equal rows give equal bits, as the order of the sum is
    fixed."""
    total = 0.0
    for c in range(np.uint64(items.shape[1])):  # unsigned: numba wraps no index around
        total += np.float64(queries[i, c]) * np.float64(items[j, c])
    return total


@kernel(fastmath={"reassoc", "contract", "nsz"})
def squared_distance(queries: Any, i: int, items: Any, j: int) -> float:
    """Return the squared Euclidean distance in float64."""
    total = 0.0
    for c in range(np.uint64(items.shape[1])):
        difference = np.float64(queries[i, c]) - np.float64(items[j, c])
        total += difference * difference
    return total


@kernel
def exact_scores(exact: Exact, i: int, keys: Any, low: int, high: int, values: Any) -> None:
    """Fill values[low:high] with the float64 scores of query i and the database rows of
    keys[low:high].

    Under LOOKUP the score of row j is queries[i, j]. Rows are indexed, never sliced: a slice counts
    references of an array that threads share. One loop per kind: each vectorises, a loop of all
    does not.
    """
    queries, items = exact.queries, exact.items
    if exact.kind == LOOKUP:
        for x in range(low, high):
            values[x] = queries[i, column(keys[x])]
    elif exact.kind == L2:
        for x in range(low, high):
            values[x] = -squared_distance(queries, i, items, column(keys[x]))
    else:
        for x in range(low, high):
            values[x] = product(queries, i, items, column(keys[x]))
    if exact.kind == COSINE:
        norm, norms = exact.query_norms[i], exact.norms
        for x in range(low, high):
            scale = norm * norms[column(keys[x])]
            values[x] = values[x] / scale if scale > 0 else 0.0


@kernel
def sort_chain(keys: Any, values: Any, low: int, high: int) -> None:
    """Sort keys[low:high] by their exact values, best first; equal values by descending row."""
    if high - low > 32:
        chain, exact = keys[low:high], values[low:high]
        order = np.argsort(chain & LOW)[::-1]
        order = order[np.argsort(-exact[order], kind="mergesort")]
        keys[low:high], values[low:high] = chain[order], exact[order]
        return
    for x in range(low + 1, high):  # insertion
        key, value, y = keys[x], values[x], x
        while y > low and (values[y - 1] < value or (values[y - 1] == value and keys[y - 1] & LOW < key & LOW)):
            keys[y], values[y] = keys[y - 1], values[y - 1]
            y -= 1
        keys[y], values[y] = key, value


@kernel
def gain_of(key: Any, own: Any, gains: Any) -> float:
    """Return the gain of a relevant item; `gains` is empty where every gain is 1."""
    return gains[np.searchsorted(own, column(key))] if len(gains) else 1.0


@kernel
def rank_chain(
    keys: Any, values: Any, above: int, tolerance: float, trec: bool, own: Any, gains: Any, groups: Any, n_groups: int
) -> int:
    """Append the tie groups of a chain, with `above` items before it, to `groups`; return how many
    there are.

    Parameters
    ----------
    keys, values : uint64 (n,), float64 (n,); keys and exact scores of the chain, sorted in place
    own, gains : the query's relevant database rows, ascending, and their gains
    """
    n = len(keys)
    if trec:  # float32, as trec_eval holds scores; what rounding alone tells from zero is zero
        for x in range(n):
            short = 0.0 if abs(values[x]) <= tolerance else np.float64(np.float32(values[x]))
            values[x] = short
    sort_chain(keys, values, 0, n)
    start = 0
    while start < n:
        stop = start + 1
        while not trec and stop < n and values[stop - 1] - values[stop] <= tolerance:
            stop += 1
        relevant, gain = 0, 0.0
        for x in range(start, stop):
            if keys[x] & ONE:
                relevant += 1
                gain += gain_of(keys[x], own, gains)
        if relevant:
            groups[n_groups, 0], groups[n_groups, 1] = above + start, stop - start
            groups[n_groups, 2], groups[n_groups, 3] = relevant, gain
            n_groups += 1
        start = stop
    return n_groups


@kernel
def rank_row(keys: Any, values: Any, depth: int, exact: Exact, pairs: Pairs, i: int, groups: Any) -> int:
    """Find the tie groups of the relevant items of query i, best first; return how many there are.

    Parameters
    ----------
    keys : uint64 (n,), the n best items of the query, ascending; chains are reordered in place
    values : float64 scratch of shape (>= n,)
    depth : groups beyond this many items are not needed
    groups : float64 (>= n_relevant, 4), filled with above, tied, relevant, gain
    """
    n, n_groups, delta = len(keys), 0, exact.delta[i]
    gains = pairs.gains[pairs.indptr[i] : pairs.indptr[i + 1]]
    own = pairs.columns[pairs.indptr[i] : pairs.indptr[i + 1]]
    # below this no exact score reaches the first `depth` places
    floor = score_of(keys[n - depth]) - delta if depth < n else -np.inf
    p = n - 1
    while p >= 0:
        if not keys[p] & ONE:
            p -= 1
            continue
        score = score_of(keys[p])
        if score < floor:
            break
        low, high, lowest, highest = p, p, score, score
        while low > 0 and lowest - score_of(keys[low - 1]) <= delta:
            low -= 1
            lowest = score_of(keys[low])
        while high + 1 < n and score_of(keys[high + 1]) - highest <= delta:
            high += 1
            highest = score_of(keys[high])
        if low == high:
            groups[n_groups, 0], groups[n_groups, 1], groups[n_groups, 2] = n - 1 - p, 1, 1
            groups[n_groups, 3] = gain_of(keys[p], own, gains)
            n_groups += 1
        else:
            exact_scores(exact, i, keys, low, high + 1, values)
            chain, values_of_chain = keys[low : high + 1], values[low : high + 1]
            n_groups = rank_chain(
                chain, values_of_chain, n - 1 - high, exact.tolerance[i], exact.trec, own, gains, groups, n_groups
            )
        p = low - 1
    return n_groups
