"""The plain numpy engine: sort each row of scores to find the ranks of the relevant items.

It streams tiles of any size, needs only numpy and scipy, and reads both sides by slices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relatent.ranking.engines.scorers import Scorer
from relatent.ranking.metrics import Groups, from_groups
from relatent.ranking.relevance import Relevant
from relatent.ranking.task import Each, Plan, Task, fit, too_little

Ints = NDArray[np.int64]
SMALLEST_TILE = 256  # database rows
PER_RELEVANT = 120  # bytes per relevant item: scores, order, ranks, groups


class Sorting:
    """Rank by sorting, tile by tile."""

    def __init__(self, task: Task, scorer: Scorer) -> None:
        self._task, self._scorer = task, scorer
        self._per_score = 3 * scorer.dtype.itemsize  # a tile, its sorted copy, keys
        self._tile = task.n_items

    def plan(self, workers: int, max_bytes: int) -> Plan:
        """Return a plan of blocks of 64 queries, or fewer, and take tiles as large as fit."""
        state = PER_RELEVANT * self._task.most_relevant
        least = state + self._per_score * min(self._task.n_items, SMALLEST_TILE)
        plan = fit(workers, max_bytes // 2, (64, 16, 4, 1), least)
        if plan is None:
            raise too_little(2 * least, max_bytes)
        left = max_bytes // 2 // plan.workers // plan.block - state
        self._tile = min(self._task.n_items, left // self._per_score)
        return plan

    def measure(self, first: int, last: int, relevant: Relevant, each: Each = map) -> NDArray[np.float64]:
        """Measure queries first .. last; returns (n_queries, n_metrics)."""
        task = self._task
        return from_groups(
            self._groups(first, last, relevant),
            relevant.counts,
            relevant.ideal(task.ranks, task.cutoffs),
            task.ranks,
            task.cutoffs,
            full=task.full,
        )

    def top(self, first: int, last: int, k: int, each: Each = map) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return database rows and scores of the k best items of queries first .. last."""
        task = self._task
        block, _ = self._scorer.block(first, last)
        left_out = task.left_out_of(first, last)
        columns = np.empty((last - first, 0), dtype=np.int64)
        best = np.empty((last - first, 0))
        for low in range(0, task.n_items, self._tile):
            high = min(low + self._tile, task.n_items)
            scores = self._scorer.scores(block, low, high)
            here = (left_out >= low) & (left_out < high)
            scores[here, left_out[here] - low] = -np.inf
            best = np.concatenate([best, scores], axis=1)
            new = np.broadcast_to(np.arange(low, high), scores.shape)
            columns = np.concatenate([columns, new], axis=1)
            order = np.argsort(-best, axis=1, kind="stable")[:, :k]  # columns ascend among equals
            best = np.take_along_axis(best, order, axis=1)
            columns = np.take_along_axis(columns, order, axis=1)
        return columns, -np.sqrt(np.maximum(-best, 0.0)) if task.score == "l2" else best

    def _groups(self, first: int, last: int, relevant: Relevant) -> Groups:
        """Find the tie groups: one pass over the tiles reads the relevant scores, one counts items
        above."""
        task, ties = self._task, self._task.ties
        block, tolerance = self._scorer.block(first, last)
        single = self._tile >= task.n_items
        scores = self._scorer.scores(block, 0, task.n_items) if single else None

        def tiles() -> Iterator[tuple[int, NDArray[Any]]]:
            for low in range(0, task.n_items, self._tile):
                high = min(low + self._tile, task.n_items)
                yield low, self._scorer.scores(block, low, high) if scores is None else scores

        dtype = np.float32 if ties == "trec" else self._scorer.dtype
        of_relevant = np.empty(len(relevant.columns), dtype=dtype)
        for low, tile in tiles():
            inside = (relevant.columns >= low) & (relevant.columns < low + tile.shape[1])
            query = relevant.query[inside]
            found = tile[query, relevant.columns[inside] - low]
            of_relevant[inside] = as_trec(found, tolerance[query]) if ties == "trec" else found
        ordered = sort_relevant(relevant, of_relevant)
        counts = Counts.zeros(len(of_relevant))
        left_out = task.left_out_of(first, last)
        for low, tile in tiles():
            count_tile(counts, ordered, tile, low, tolerance, left_out, ties=ties)
        return group_ties(ordered, counts, tolerance, ties=ties)


@dataclass(frozen=True)
class Ordered:
    """Relevant items of a block, best first within each query."""

    indptr: Ints
    query: Ints
    columns: Ints
    scores: NDArray[Any]
    gains: NDArray[np.float64]


@dataclass(frozen=True)
class Counts:
    """Items above and tied with each relevant item (itself included), summed tile by tile."""

    above: Ints
    tied: Ints

    @classmethod
    def zeros(cls, n: int) -> Counts:
        """Return counts of 0."""
        return cls(np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64))


def sort_relevant(relevant: Relevant, scores: NDArray[Any]) -> Ordered:
    """Sort relevant items best first; equal scores by descending database row, as trec_eval
    does."""
    query = relevant.query
    order = np.lexsort((-relevant.columns, -scores, query))
    gains = np.ones(len(order)) if relevant.gains is None else relevant.gains[order]
    return Ordered(relevant.indptr, query, relevant.columns[order], scores[order], gains)


def count_tile(
    counts: Counts,
    ordered: Ordered,
    scores: NDArray[Any],
    low: int,
    tolerance: NDArray[np.float64],
    left_out: Ints,
    *,
    ties: str,
) -> None:
    """Add the items of one tile: scores (n_queries, n_tile), its first item database row low."""
    for i, row in enumerate(scores):
        part = slice(ordered.indptr[i], ordered.indptr[i + 1])
        if part.start == part.stop:
            continue
        columns = low + np.arange(len(row))
        if 0 <= left_out[i] - low < len(row):
            row, columns = np.delete(row, left_out[i] - low), np.delete(columns, left_out[i] - low)
        of_relevant = ordered.scores[part]
        if ties == "trec":
            keys = np.sort(_keys(as_trec(row, tolerance[i]), columns))
            own = _keys(of_relevant, ordered.columns[part])
            counts.above[part] += len(row) - np.searchsorted(keys, own, side="right")
        else:
            row = np.sort(row)
            over = np.searchsorted(row, of_relevant + tolerance[i], side="right")
            under = np.searchsorted(row, of_relevant - tolerance[i], side="left")
            counts.above[part] += len(row) - over
            counts.tied[part] += over - under


def as_trec(scores: NDArray[Any], tolerance: float | NDArray[np.float64]) -> NDArray[np.float32]:
    """Return scores in float32, as trec_eval stores them; scores within the tolerance of 0 become
    0."""
    return np.where(np.abs(scores) <= tolerance, 0, scores).astype(np.float32)


def _keys(scores: NDArray[np.float32], columns: Ints) -> NDArray[np.uint64]:
    """Return integers that ascend with (score, database row), the reverse of trec_eval's order."""
    bits = (scores + np.float32(0)).view(np.uint32)  # -0.0 becomes 0.0
    ascending = np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31))
    return (ascending.astype(np.uint64) << np.uint64(32)) | columns.astype(np.uint64)


def group_ties(ordered: Ordered, counts: Counts, tolerance: NDArray[np.float64], *, ties: str) -> Groups:
    """Group relevant items of equal score; in trec_eval's order each is a group of its own."""
    n = len(ordered.query)
    if ties == "trec":
        ones = np.ones(n, dtype=np.int64)
        return Groups(ordered.query, counts.above, ones, ones, ordered.gains)
    new = np.ones(n, dtype=bool)
    gap = ordered.scores[:-1] - ordered.scores[1:]
    new[1:] = (gap > tolerance[ordered.query[1:]]) | (np.diff(ordered.query) > 0)
    start = np.flatnonzero(new)
    relevant = np.diff(start, append=n)
    if not n:
        return Groups(ordered.query, counts.above, counts.tied, relevant, ordered.gains)
    return Groups(
        query=ordered.query[start],
        above=counts.above[start],
        tied=np.maximum(counts.tied[start], relevant),
        relevant=relevant,
        gain=np.add.reduceat(ordered.gains, start),
    )
