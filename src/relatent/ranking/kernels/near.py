"""Numba kernels for full rankings: sort the items near relevant ones, count the others.

A score becomes a fixed-point number of 31 bits, scaled by the largest of its row. Cells of these
numbers near a relevant item are marked. One pass counts the items of each marked cell and of each
gap between two, and keeps keys of the items in marked cells. The sorted keys and the counts give
places; exact float64 scores rank items whose scores differ by less than the error.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from relatent.machine.numba_cache import kernel
from relatent.ranking.kernels.bits import ONE, WORD, popcount
from relatent.ranking.kernels.metrics import measure, most_relevant
from relatent.ranking.kernels.parameters import Exact, Measures, Pairs
from relatent.ranking.kernels.selection import exact_scores, rank_chain

UNIT_BITS, SIX, LAST = 31, np.uint64(6), np.uint64(63)
CELLS = 4  # cells per item, at least
FLOAT32_UNITS = 2**7  # twice the largest distance of scores with one float32, which trec_eval ties
WIDE = 8  # a query is crowded if `near` is at least WIDE cells,
MOST_NEAR = 8  # or if more than one item in MOST_NEAR is in a chain
CROWDED = -1


@kernel
def largest_size(bits: Any, i: int, dtype: Any) -> float:
    """Return the largest absolute score of row i, from the bits of all: only integers vectorise."""
    kind = bits.dtype.type
    size, largest = kind(kind(~kind(0)) >> kind(1)), np.zeros(1, bits.dtype)
    for j in range(np.uint64(bits.shape[1])):  # unsigned: numba wraps no index around
        largest[0] = max(largest[0], bits[i, j] & size)
    return largest.view(dtype)[0]


@kernel
def units_per_score(largest: float) -> float:
    """Return the power of two that brings scores into -2**30 .. 2**30; 0 if all scores are 0."""
    return math.ldexp(1.0, min(30 - math.frexp(largest)[1], 120)) if largest > 0 else 0.0


@kernel
def fill_units(scores: Any, i: int, scale: Any, units: Any) -> None:
    """Fill units with the scores of row i as 1 .. 2**31 - 1, each followed by a bit for
    relevance."""
    for j in range(np.uint64(scores.shape[1])):
        units[j] = np.uint32(np.uint32(np.int32(scores[i, j] * scale) + np.int32(2**30)) << np.uint32(1))


@kernel
def mark_cells(units: Any, relevant: Any, near: int, shift: Any, marks: Any) -> None:
    """Set the relevance bit of units, and the bit of each cell within `near` of a relevant unit."""
    marks[:] = 0
    for j in relevant:
        unit = np.int64(units[j] >> np.uint32(1))
        units[j] += np.uint32(1)
        low, high = max(unit - near, np.int64(0)), min(unit + near, np.int64(2**UNIT_BITS - 1))
        low, high = np.uint64(low) >> shift, np.uint64(high) >> shift
        marks[low >> SIX] |= ONE << (low & LAST)
        for cell in range(low + ONE, high + ONE):
            marks[cell >> SIX] |= ONE << (cell & LAST)


@kernel
def count_before(marks: Any, before: Any) -> int:
    """Fill `before` with the number of marked cells before each word; return the number of all."""
    total = np.uint64(0)
    for w in range(len(marks)):
        before[w] = total
        total += popcount(marks[w])
    return np.int64(total)  # type: ignore[return-value]


@kernel
def keep_marked(units: Any, shift: Any, marks: Any, before: Any, counts: Any, keys: Any) -> int:
    """Keep keys (unit, relevance, twice the column) of items in marked cells; return how many there
    are.

    Fills counts (2 n_marked + 1,) with the items of the first gap, the first marked cell, the
    second gap ..
    """
    kept, of_word = np.uint64(0), np.uint64(shift) + ONE
    counts[:] = 0
    for j in range(np.uint64(len(units))):
        word = np.uint64(units[j])
        cell = word >> of_word
        up_to = marks[cell >> SIX] << (~cell & LAST)  # marks of the same word, up to this cell
        marked = up_to >> LAST
        counts[((np.uint64(before[cell >> SIX]) + popcount(up_to)) << ONE) - marked] += np.uint32(1)
        keys[kept] = word << WORD | j << ONE
        kept += marked
    return np.int64(kept)  # type: ignore[return-value]


@kernel
def fill_places(counts: Any, kept: int, places: Any) -> None:
    """Fill the ascending places that kept items will have among all items, once sorted."""
    places[:kept] = 0
    p, place = 0, 0
    for c in range(0, len(counts) - 1, 2):
        if p < kept:
            places[p] += counts[c]
        p += counts[c + 1]
    for p in range(kept):
        place += places[p]
        places[p] = place
        place += 1


@kernel
def keep_near(
    scores: Any, bits: Any, left_out: Any, pairs: Pairs, exact: Exact, keys: Any, places: Any, kept: Any, near: Any
) -> None:
    """Of each row of `scores` (n_queries, n), keep keys of all items near relevant ones, and their
    future places.

    Parameters
    ----------
    bits : the bits of the scores, as unsigned integers
    left_out : int64 (n_queries,), the column that each row leaves out, -1 for none
    keys, places : uint64 and uint32 arrays of shape (n_queries, n)
    kept, near : int64 (n_queries,), filled with how many keys there are, or CROWDED, and `delta` in
        units
    """
    n = scores.shape[1]
    shift, scale = UNIT_BITS - 6, np.empty(1, scores.dtype)
    while 2 ** (UNIT_BITS - shift) < CELLS * n:
        shift -= 1
    words = 2 ** (UNIT_BITS - shift) >> 6
    units, marks, before = np.empty(n, np.uint32), np.empty(words, np.uint64), np.empty(words, np.uint32)
    for i in range(len(scores)):
        scale[0] = units_per_score(largest_size(bits, i, scores.dtype))
        near[i] = int(min(exact.delta[i] * scale[0], 2.0**32)) + (FLOAT32_UNITS if exact.trec else 2)
        kept[i] = CROWDED
        if near[i] >> shift >= WIDE:
            continue
        fill_units(scores, i, scale[0], units)
        if left_out[i] >= 0:
            units[left_out[i]] = 0
        own = pairs.columns[pairs.indptr[i] : pairs.indptr[i + 1]]
        mark_cells(units, own, near[i], np.uint64(shift), marks)
        n_marked = count_before(marks, before)
        if n_marked <= n:
            counts = np.empty(2 * n_marked + 1, np.uint32)
            kept[i] = keep_marked(units, shift, marks, before, counts, keys[i])
            fill_places(counts, kept[i], places[i])


@kernel
def unit_of(key: Any) -> int:
    """Return the fixed-point number of a key."""
    return np.int64(key >> (WORD + ONE))  # type: ignore[return-value]


@kernel
def close(keys: Any, places: Any, p: int, near: int) -> Any:
    """Say whether kept item p is one place, and at most `near`, above the one before it."""
    return (unit_of(keys[p]) - unit_of(keys[p - 1]) <= near) & (places[p] - places[p - 1] == np.uint32(1))


@kernel
def find_relevant(keys: Any, places: Any, near: int, relevant: Any, pairs: Any) -> tuple[int, int]:
    """Find relevant keys and close pairs of which one is relevant; return how many of each.

    Fills `relevant` with positions and `pairs` with the position of the second of each pair,
    ascending; one more element of each is scratch. Sets the last bit of relevant keys.
    """
    found, n_pairs, before = 0, 0, np.uint64(0)
    for p in range(len(keys)):  # no branch: relevant items come at random
        own = keys[p] >> WORD & ONE
        keys[p] |= own
        relevant[found], pairs[n_pairs] = p, p
        found += np.int64(own)  # type: ignore[assignment]
        if p:
            n_pairs += np.int64(own ^ before) & close(keys, places, p, near)
        before = own
    return found, n_pairs


@kernel
def find_chains(keys: Any, places: Any, near: int, pairs: Any, chains: Any, again: Any) -> int:
    """Find chains, runs of close keys around such pairs; return how many, CROWDED if `again` is
    full.

    Fills chains (n, 2) with the position of a chain's first key, and the place of its copy in
    `again`. Runs of relevant keys alone are left out: their order does not matter.
    """
    n_chains, total, high, first = 0, 0, -1, 0
    if len(keys) and unit_of(keys[0]) == 0:
        first = 1  # what is left out
    for p in pairs:
        if p <= high:
            continue
        low, high = p - 1, p
        if low < first:
            continue
        while low > first and close(keys, places, low, near):
            low -= 1
        while high + 1 < len(keys) and close(keys, places, high + 1, near):
            high += 1
        if total + high + 1 - low > len(again):
            return CROWDED
        chains[n_chains, 0], chains[n_chains, 1] = low, total
        for x in range(low, high + 1):
            again[total] = keys[x]
            total += 1
        n_chains += 1
    chains[n_chains, 1] = total
    return n_chains


@kernel
def rank_near(
    places: Any, relevant: Any, chains: Any, again: Any, values: Any, tolerance: float, trec: bool, groups: Any
) -> int:
    """Find the tie groups of the relevant items, best first; return how many there are.

    An item is alone, or in a chain, which exact values order.
    """
    n, n_chains, nobody = len(places), len(chains) - 1, np.empty(0)
    x, c, n_groups = len(relevant) - 1, n_chains - 1, 0
    while x >= 0:
        p = relevant[x]
        if c < 0 or p >= chains[c, 0] + chains[c + 1, 1] - chains[c, 1]:
            groups[n_groups, 0] = n - 1 - places[p]
            groups[n_groups, 1] = groups[n_groups, 2] = groups[n_groups, 3] = 1
            n_groups, x = n_groups + 1, x - 1
            continue
        low, high = chains[c, 1], chains[c + 1, 1]
        above = n - places[chains[c, 0]] - (high - low)
        gap = values[low + 1] - values[low]
        # two items, not tied: the usual case
        if high - low == 2 and not trec and abs(gap) > tolerance:
            better = low + np.int64(gap > 0)
            for y, place in ((better, above), (2 * low + 1 - better, above + 1)):
                if again[y] & ONE:
                    groups[n_groups, 0] = place
                    groups[n_groups, 1] = groups[n_groups, 2] = groups[n_groups, 3] = 1
                    n_groups += 1
        else:
            chain, exact = again[low:high], values[low:high]
            n_groups = rank_chain(chain, exact, above, tolerance, trec, nobody, nobody, groups, n_groups)
        while x >= 0 and relevant[x] >= chains[c, 0]:
            x -= 1
        c -= 1
    return n_groups


@kernel
def measure_near(
    keys: Any,
    places: Any,
    kept: Any,
    near: Any,
    pairs: Pairs,
    exact: Exact,
    ideal: Any,
    measures: Measures,
    out: Any,
    crowded: Any,
) -> None:
    """Rank and measure a batch from the sorted keys of what `keep_near` kept, every gain being 1.

    Queries with too many items near each other are not measured but `crowded`.
    """
    most, room = most_relevant(pairs.indptr), keys.shape[1] // MOST_NEAR
    groups, relevant, close_pairs = np.empty((most, 4)), np.empty(most + 1, np.int32), np.empty(2 * most + 1, np.int32)
    chains, again, values = np.empty((most + 1, 2), np.int64), np.empty(room, np.uint64), np.empty(room)
    for i in range(len(kept)):
        own, n_chains = keys[i, : kept[i]], CROWDED
        if kept[i] != CROWDED:
            found, n_pairs = find_relevant(own, places[i], near[i], relevant, close_pairs)
            n_chains = find_chains(own, places[i], near[i], close_pairs[:n_pairs], chains, again)
        crowded[i] = n_chains == CROWDED
        if crowded[i]:
            continue
        exact_scores(exact, i, again, 0, chains[n_chains, 1], values)
        n_groups = rank_near(
            places[i], relevant[:found], chains[: n_chains + 1], again, values, exact.tolerance[i], exact.trec, groups
        )
        measure(groups[:n_groups], found, ideal[i], measures, out[i])
