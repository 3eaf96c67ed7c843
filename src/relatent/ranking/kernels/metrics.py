"""Numba twins of `relatent.ranking.metrics`: compute the metrics of one query as scalar loops.

`relatent.ranking.metrics` gives definitions and sources; tests compare the two.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from relatent.machine.numba_cache import kernel
from relatent.ranking.kernels.parameters import Measures


@kernel
def most_relevant(indptr: Any) -> int:
    """Return the largest number of relevant items of a query."""
    most = 0
    for i in range(len(indptr) - 1):
        most = max(most, indptr[i + 1] - indptr[i])
    return most


@kernel
def first_relevant(above: float, tied: float, relevant: float) -> float:
    """Compute `metrics.expected_first`."""
    probability, total = relevant / tied, 0.0
    for place in range(1, int(tied - relevant) + 2):
        total += probability / (above + place)
        if place < tied:
            probability *= (tied - place - relevant + 1) / (tied - place)
    return total


@kernel
def add_at_cutoff(groups: Any, k: int, measures: Measures, sums: Any) -> None:
    """Compute `metrics._at_cutoff` of one query: fill sums with hits, DCG, sum of precisions."""
    harmonic, discount = measures.harmonic, measures.discount
    before = hits = dcg = precisions = 0.0
    for g in range(len(groups)):
        above, tied, relevant, gain = groups[g]
        if above >= k:
            break
        if tied == 1:  # the common case, without divisions
            end = np.int64(above) + 1
            before += 1
            hits += 1
            dcg += gain * (discount[end] - discount[end - 1])
            precisions += before / end
            continue
        taken = min(k - above, tied)
        a, end = np.int64(above), np.int64(above + taken)
        share = relevant / tied
        inverse = 1.0 / end if taken == 1 else harmonic[end] - harmonic[a]
        hits += share * taken
        dcg += gain / tied * (discount[end] - discount[a])
        precisions += share * (before + 1) * inverse
        if taken > 1:
            slope = (relevant - 1) / (tied - 1)
            precisions += share * slope * (taken - (above + 1) * inverse)
        before += relevant
    sums[0], sums[1], sums[2] = hits, dcg, precisions


@kernel
def interpolate(groups: Any, n_relevant: int, out: Any) -> None:
    """Compute `metrics._interpolated_precision` of one query, from the last group backward."""
    through, best, level, asked = float(n_relevant), 0.0, 10, float(n_relevant)
    for g in range(len(groups) - 1, -1, -1):
        above, tied, relevant, _ = groups[g]
        before = through - relevant
        best = max(best, through / (above + tied))
        while level >= 0 and (asked > before or g == 0):
            place = max(np.ceil(max(asked - before, 0.0) * tied / relevant), 1.0)
            inside = (before + place * relevant / tied) / (above + place)
            out[level] = max(best, inside)
            level -= 1
            asked = float(int(level / 10 * n_relevant + 0.9))
        if tied > 1:
            best = max(best, (before + relevant / tied) / (above + 1))
        through = before


@kernel
def measure(groups: Any, n_relevant: int, ideal: Any, measures: Measures, out: Any) -> None:
    """Compute `metrics.from_groups` of one query into the row `out`."""
    if n_relevant == 0:
        out[:] = np.nan
        return
    cutoffs = measures.cutoffs
    sums, n = np.empty(3), len(cutoffs)
    for c in range(n):
        add_at_cutoff(groups, cutoffs[c], measures, sums)
        out[c], out[n + c] = sums[0] / cutoffs[c], sums[0] / n_relevant
        out[2 * n + c] = sums[1] / ideal[c] if ideal[c] > 0 else np.nan
        out[3 * n + c] = sums[2] / n_relevant
    if not measures.full:
        return
    add_at_cutoff(groups, n_relevant, measures, sums)
    out[4 * n + 1] = sums[0] / n_relevant
    add_at_cutoff(groups, len(measures.harmonic) - 1, measures, sums)
    out[4 * n], out[4 * n + 3] = sums[2] / n_relevant, (sums[1] / ideal[n] if ideal[n] > 0 else np.nan)
    out[4 * n + 2] = first_relevant(groups[0, 0], groups[0, 1], groups[0, 2])
    interpolate(groups, n_relevant, out[4 * n + 4 :])
