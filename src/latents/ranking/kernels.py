"""Numba kernels: from a block of scores to metrics, one query at a time, without the GIL.

A row of float32 scores becomes integer *keys* that sort like (score, database row) and carry a
relevance bit; numpy sorts them with SIMD. Scores that float32 cannot tell apart form a *chain*;
a chain that holds a relevant item is ranked by float64 scores computed anew in a fixed order, so no
result depends on how a matrix product was cut up. All that follows needs only tie groups (metrics.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

DOT, COSINE, L2, LOOKUP = 0, 1, 2, 3  # how an exact score is had
SIGN, LOW = np.uint64(0x80000000), np.uint64(0xFFFFFFFF)
ONE, WORD = np.uint64(1), np.uint64(32)


@njit(cache=True, nogil=True)
def fill_keys(scores: Any, keys: Any) -> None:
    """keys[i, j]: bits of scores[i, j] that ascend as integers, then 2 j; both (n_queries, n)."""
    bits = scores.view(np.int32)
    for i in range(scores.shape[0]):
        for j in range(scores.shape[1]):
            mask = np.uint32(bits[i, j] >> 31) | np.uint32(0x80000000)
            high = np.uint64(np.uint32(bits[i, j]) ^ mask)
            keys[i, j] = (high << WORD) | np.uint64(2 * j)


@njit(cache=True, nogil=True)
def mark_keys(keys: Any, indptr: Any, columns: Any, left_out: Any) -> None:
    """Set the relevance bit of relevant items; the item left out sorts before all others as 0."""
    for i in range(keys.shape[0]):
        for pair in range(indptr[i], indptr[i + 1]):
            keys[i, columns[pair]] |= ONE
        if left_out[i] >= 0:
            keys[i, left_out[i]] = 0


@njit(cache=True, nogil=True, fastmath={"nnan", "nsz"})
def chunk_maxima(row: Any, width: int, maxima: Any) -> None:
    """Largest score of each run of `width` items; the last run takes the rest."""
    for c in range(len(maxima)):
        stop = (c + 1) * width if c + 1 < len(maxima) else len(row)
        largest = row[c * width]
        for j in range(c * width + 1, stop):
            largest = max(largest, row[j])
        maxima[c] = largest


@njit(cache=True, nogil=True)
def select_keys(row: Any, k: int, margin: float, left_out: int, keys: Any, maxima: Any) -> int:
    """Keys of all items whose score may be among the k best, ascending; returns how many.

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
    bits = row.view(np.int32)
    found = 0
    for c in range(n_chunks):
        if maxima[c] < bound:
            continue
        for j in range(c * width, (c + 1) * width if c + 1 < n_chunks else n):
            if row[j] >= bound and j != left_out:
                mask = np.uint32(bits[j] >> 31) | np.uint32(0x80000000)
                keys[found] = (np.uint64(np.uint32(bits[j]) ^ mask) << WORD) | np.uint64(2 * j)
                found += 1
    keys[:found].sort()
    return found


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def product(a: Any, b: Any) -> float:
    """Inner product in float64; equal rows give equal bits, as the order of the sum is fixed."""
    total = 0.0
    for c in range(len(a)):
        total += np.float64(a[c]) * np.float64(b[c])
    return total


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def squared_distance(a: Any, b: Any) -> float:
    """Squared Euclidean distance in float64."""
    total = 0.0
    for c in range(len(a)):
        difference = np.float64(a[c]) - np.float64(b[c])
        total += difference * difference
    return total


@njit(cache=True, nogil=True)
def exact_score(kind: int, query: Any, items: Any, norms: Any, j: int, query_norm: float) -> float:
    """The float64 score of database row j; under LOOKUP `query` is the row of scores itself."""
    if kind == LOOKUP:
        return query[j]
    if kind == L2:
        return -squared_distance(query, items[j])
    score = product(query, items[j])
    if kind == COSINE:
        scale = query_norm * norms[j]
        score = score / scale if scale > 0 else 0.0
    return score


@njit(cache=True, nogil=True)
def column(key: Any) -> int:
    """Database row of a key."""
    return np.int64((key & LOW) >> ONE)


@njit(cache=True, nogil=True)
def chain_order(values: Any, members: Any, trec: bool, tolerance: float) -> Any:
    """Order of a chain, best first; under trec float32 values, ties by descending database row."""
    if not trec:
        return np.argsort(-values)
    for x in range(len(values)):
        values[x] = 0.0 if abs(values[x]) <= tolerance else np.float64(np.float32(values[x]))
    by_row = np.argsort(-members)
    return by_row[np.argsort(-values[by_row], kind="mergesort")]


@njit(cache=True, nogil=True)
def gain_of(key: Any, columns: Any, gains: Any) -> float:
    """Gain of a relevant item; `gains` is empty where every gain is 1."""
    return gains[np.searchsorted(columns, column(key))] if len(gains) else 1.0


@njit(cache=True, nogil=True)
def rank_chain(chain: Any, values: Any, above: int, tolerance: float, trec: bool, columns: Any,
               gains: Any, groups: Any, n_groups: int) -> int:
    """Append the tie groups of one chain of keys, whose exact scores are `values`, to `groups`."""
    members = np.empty(len(chain), np.int64)
    for x in range(len(chain)):
        members[x] = column(chain[x])
    order = chain_order(values, members, trec, tolerance)
    start = 0
    while start < len(order):
        stop = start + 1
        while not trec and stop < len(order) and (
            values[order[stop - 1]] - values[order[stop]] <= tolerance
        ):
            stop += 1
        relevant, gain = 0, 0.0
        for x in order[start:stop]:
            if chain[x] & ONE:
                relevant += 1
                gain += gain_of(chain[x], columns, gains)
        if relevant:
            groups[n_groups, 0], groups[n_groups, 1] = above + start, stop - start
            groups[n_groups, 2], groups[n_groups, 3] = relevant, gain
            n_groups += 1
        start = stop
    return n_groups


@njit(cache=True, nogil=True)
def rank_row(keys: Any, row: Any, depth: int, delta: float, tolerance: float, trec: bool, kind: int,
             query: Any, items: Any, norms: Any, query_norm: float, columns: Any, gains: Any,
             groups: Any) -> int:
    """Tie groups of the relevant items among ascending `keys`, best first; returns how many.

    Parameters
    ----------
    keys : uint64 array, the n best items of one query, ascending
    row : float32 array of shape (n_database,), the scores that the keys were made of
    depth : stop after this many items
    delta, tolerance : scores closer than this may be, and are, tied: in float32, in float64
    groups : float64 array of shape (>= n_relevant, 4), filled with above, tied, relevant, gain
    """
    n, n_groups = len(keys), 0
    p = n - 1
    while p >= 0 and n - 1 - p < depth:
        if not keys[p] & ONE:
            p -= 1
            continue
        low, high = p, p
        while low > 0 and row[column(keys[low])] - row[column(keys[low - 1])] <= delta:
            low -= 1
        while high + 1 < n and row[column(keys[high + 1])] - row[column(keys[high])] <= delta:
            high += 1
        if low == high:
            groups[n_groups, 0], groups[n_groups, 1], groups[n_groups, 2] = n - 1 - p, 1, 1
            groups[n_groups, 3] = gain_of(keys[p], columns, gains)
            n_groups += 1
        else:
            chain = keys[low : high + 1]
            values = np.empty(len(chain))
            for x in range(len(chain)):
                values[x] = exact_score(kind, query, items, norms, column(chain[x]), query_norm)
            n_groups = rank_chain(
                chain, values, n - 1 - high, tolerance, trec, columns, gains, groups, n_groups
            )
        p = low - 1
    return n_groups


@njit(cache=True, nogil=True)
def first_relevant(above: float, tied: float, relevant: float) -> float:
    """`metrics.expected_first`, as a loop."""
    probability, total = relevant / tied, 0.0
    for place in range(1, int(tied - relevant) + 2):
        total += probability / (above + place)
        if place < tied:
            probability *= (tied - place - relevant + 1) / (tied - place)
    return total


@njit(cache=True, nogil=True)
def add_at_cutoff(groups: Any, k: int, harmonic: Any, discount: Any, sums: Any) -> None:
    """`metrics._at_cutoff` of one query: sums becomes hits, DCG, sum of precisions."""
    sums[:] = 0.0
    before = 0.0
    for g in range(len(groups)):
        above, tied, relevant, gain = groups[g]
        if above >= k:
            break
        taken = min(k - above, tied)
        a, end = np.int64(above), np.int64(above + taken)
        share = relevant / tied
        inverse = 1.0 / end if taken == 1 else harmonic[end] - harmonic[a]
        sums[0] += share * taken
        sums[1] += gain / tied * (discount[end] - discount[a])
        sums[2] += share * (before + 1) * inverse
        if taken > 1:
            slope = (relevant - 1) / (tied - 1)
            sums[2] += share * slope * (taken - (above + 1) * inverse)
        before += relevant


@njit(cache=True, nogil=True)
def interpolate(groups: Any, n_relevant: int, out: Any) -> None:
    """`metrics._interpolated_precision` of one query, from the last group backward."""
    through, best, level = float(n_relevant), 0.0, 10
    for g in range(len(groups) - 1, -1, -1):
        above, tied, relevant, _ = groups[g]
        before = through - relevant
        best = max(best, through / (above + tied))
        while level >= 0:
            asked = float(int(level / 10 * n_relevant + 0.9))
            if asked <= before and g > 0:
                break
            place = max(np.ceil(max(asked - before, 0.0) * tied / relevant), 1.0)
            inside = (before + place * relevant / tied) / (above + place)
            out[level] = max(best, inside)
            level -= 1
        best = max(best, (before + relevant / tied) / (above + 1))
        through = before


@njit(cache=True, nogil=True)
def measure(groups: Any, n_relevant: int, ideal: Any, cutoffs: Any, full: bool, harmonic: Any,
            discount: Any, out: Any) -> None:
    """`metrics.from_groups` of one query into the row `out`."""
    if n_relevant == 0:
        out[:] = np.nan
        return
    sums, n = np.empty(3), len(cutoffs)
    for c in range(n):
        add_at_cutoff(groups, cutoffs[c], harmonic, discount, sums)
        out[c], out[n + c] = sums[0] / cutoffs[c], sums[0] / n_relevant
        out[2 * n + c] = sums[1] / ideal[c] if ideal[c] > 0 else np.nan
        out[3 * n + c] = sums[2] / n_relevant
    if not full:
        return
    add_at_cutoff(groups, n_relevant, harmonic, discount, sums)
    out[4 * n + 1] = sums[0] / n_relevant
    add_at_cutoff(groups, len(harmonic) - 1, harmonic, discount, sums)
    out[4 * n], out[4 * n + 3] = sums[2] / n_relevant, (
        sums[1] / ideal[n] if ideal[n] > 0 else np.nan
    )
    out[4 * n + 2] = first_relevant(groups[0, 0], groups[0, 1], groups[0, 2])
    interpolate(groups, n_relevant, out[4 * n + 4 :])


@njit(cache=True, nogil=True)
def measure_rows(
    scores: Any, keys: Any, indptr: Any, columns: Any, gains: Any, left_out: Any, delta: Any,
    tolerance: Any, trec: bool, kind: int, queries: Any, items: Any, norms: Any, query_norms: Any,
    ideal: Any, cutoffs: Any, depth: int, complete: bool, harmonic: Any, discount: Any, out: Any,
) -> None:
    """Rank and measure the queries of one batch; `out` is (n_queries, n_metrics).

    With depth >= n_database `keys` are the sorted keys of every item (`fill_keys`, `mark_keys`),
    else scratch of shape (1, n_database) for the candidates of one query at a time.
    """
    n = scores.shape[1]
    full = depth >= n
    most = 0
    for i in range(len(scores)):
        most = max(most, indptr[i + 1] - indptr[i])
    groups = np.empty((most, 4))
    maxima = np.empty(1 if 4 * depth >= n else 2 * depth, np.float32)
    mark = np.zeros(0 if full else n, np.bool_)
    for i in range(len(scores)):
        start, stop = indptr[i], indptr[i + 1]
        own = columns[start:stop]
        own_gains = gains[start:stop] if len(gains) else gains
        if full:
            best = keys[i, (1 if left_out[i] >= 0 else 0) :]
        else:
            found = select_keys(scores[i], depth, 4 * delta[i], left_out[i], keys[0], maxima)
            best = keys[0, :found]
            for j in own:
                mark[j] = True
            for x in range(found):
                best[x] |= np.uint64(mark[column(best[x])])
            for j in own:
                mark[j] = False
        n_groups = rank_row(
            best, scores[i], depth, delta[i], tolerance[i], trec, kind, queries[i], items, norms,
            query_norms[i], own, own_gains, groups,
        )
        measure(
            groups[:n_groups], stop - start, ideal[i], cutoffs, complete, harmonic, discount, out[i]
        )
