"""The base of the numba engines that work on rows of scores: plans, ranking, measuring."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from relatent.ranking.kernels import best
from relatent.ranking.kernels import near as counting
from relatent.ranking.kernels import sorted as kernels
from relatent.ranking.kernels.parameters import ONES, Exact, Measures, Pairs
from relatent.ranking.relevance import Relevant
from relatent.ranking.task import Each, Plan, Task

Array = NDArray[Any]
BATCH = 8  # queries ranked by one call of a kernel
BLOCKS = (128, 64, 32)  # queries of one matrix product
EPS = float(np.finfo(np.float32).eps)


class Block(NamedTuple):
    """A block of queries: scores, (n_queries, n_database), float64 or float32, and what makes them
    exact."""

    scores: Array
    exact: Exact


class Buffers(threading.local):
    """Arrays of each worker thread, kept between blocks: new pages cost more than some kernels."""

    def get(self, name: str, shape: tuple[int, ...], dtype: Any) -> Array:
        size = int(np.prod(shape))
        held = self.__dict__.get(name)
        if held is None or len(held) < size:
            held = self.__dict__[name] = np.empty(size, dtype)
        view: Array = held[:size].reshape(shape)
        return view


class Rows:
    """Rank rows of scores: full rankings if `whole`, else the best items alone.

    Full rankings sort the items near relevant ones and count the others. If items have gains, or
    too many scores are near each other, float64 rows of scores are sorted, a batch of queries at a
    time.
    """

    per_score = 8.0  # bytes per score of a block
    kept_bytes = 0  # kept for all blocks
    tile_bytes = 0  # per worker, to prepare rows
    least = BATCH  # smallest number of queries per block

    def __init__(self, task: Task) -> None:
        self.task = task
        self.buffers = Buffers()
        self.trec = task.ties == "trec"
        self.measures = measures_of(task)
        self.depth = min(max(task.cutoffs, default=0), task.n_items)
        self.whole = task.full or self.depth == 0
        self._batch = max(1, min(BATCH, 2**18 // task.n_items))  # rows of keys at a time

    def plan(self, workers: int, max_bytes: int) -> Plan | None:
        """Return a plan of a block per worker or, if those would be small, one block for all
        workers."""
        n, most = self.task.n_items, self.task.most_relevant
        of_query = self.per_score * n + (24 if self.task.listed else 8) * most
        for batch in (self._batch, 1):  # fewer rows of keys if memory is short
            self._batch = batch
            of_worker = (12 * batch + 16 if self.whole else 17) * n + 72 * most + self.tile_bytes
            free = max_bytes - self.kept_bytes - workers * of_worker
            for block in BLOCKS:
                if workers * block * of_query <= free:
                    return Plan(block, workers)
            block = int(min(BLOCKS[0], free // of_query)) // BATCH * BATCH
            if block >= self.least:
                return Plan(block, workers, shared=True)
        return None

    def block(self, first: int, last: int, each: Each) -> Block:
        """Compute the scores of queries first .. last."""
        raise NotImplementedError

    def long_scores(self, block: Block, first: int, batches: list[slice], each: Each) -> Iterator[list[Array]]:
        """Yield float64 scores of batches of a block, in lists of as many batches as fit.

        Parameters
        ----------
        first : int, the block's first query
        """
        yield [block.scores[rows] for rows in batches]

    def measure(self, first: int, last: int, relevant: Relevant, each: Each = map) -> Array:
        """Measure queries first .. last, a batch at a time; returns (n_queries, n_metrics)."""
        task, block, n = self.task, self.block(first, last, each), last - first
        left_out, ideal = task.left_out_of(first, last), relevant.ideal(task.ranks, task.cutoffs)
        out, crowded = np.empty((n, len(task.names))), np.ones(n, bool)

        def batches(size: int) -> list[slice]:
            return [slice(low, min(low + size, n)) for low in range(0, n, size)]

        def rank_best(rows: slice) -> None:
            self._rank_best(block, rows, relevant, left_out[rows], ideal[rows], out[rows])

        def rank_near(rows: slice) -> None:
            self._rank_near(block, rows, relevant, left_out[rows], ideal[rows], out[rows], crowded[rows])

        def rank_long(batch: tuple[slice, Array]) -> None:
            rows, scores = batch
            own = relevant.part(rows.start, rows.stop)
            self._rank_long(scores, block.exact.of(rows), own, left_out[rows], ideal[rows], out[rows])

        if not self.whole:
            wait(each(rank_best, batches(BATCH)))
            return out
        if relevant.gains is None:
            head, *tail = batches(self._batch)
            rank_near(head)
            if not crowded[head].all():
                wait(each(rank_near, tail))
        long = [rows for rows in batches(BATCH) if crowded[rows].any()]
        for scores in self.long_scores(block, first, long, each) if long else ():
            wait(each(rank_long, zip(long, scores, strict=False)))
            long = long[len(scores) :]
        return out

    def _rank_near(
        self, block: Block, rows: slice, relevant: Relevant, left_out: Array, ideal: Array, out: Array, crowded: Array
    ) -> None:
        scores, exact, pairs = block.scores[rows], block.exact.of(rows), pairs_of(relevant, rows)
        keys = self.buffers.get("keys", scores.shape, np.uint64)
        places = self.buffers.get("places", scores.shape, np.uint32)
        kept, near = np.empty((2, len(scores)), np.int64)
        bits = scores.view(f"u{scores.itemsize}")
        counting.keep_near(scores, bits, left_out, pairs, exact, keys, places, kept, near)
        for row, n_kept in zip(keys, kept, strict=True):
            row[: max(n_kept, 0)].sort()
        counting.measure_near(keys, places, kept, near, pairs, exact, ideal, self.measures, out, crowded)

    def _rank_long(
        self, scores: Array, exact: Exact, relevant: Relevant, left_out: Array, ideal: Array, out: Array
    ) -> None:
        indptr, columns = relevant.indptr, relevant.columns
        kernels.fill_keys(scores, exact.tolerance, self.trec, indptr, columns, left_out)
        keys = scores.view(np.uint64)
        gains = ONES
        if relevant.gains is not None:
            spans = list(pairwise(indptr))
            gains = np.concatenate(
                [relevant.gains[a:b][np.argsort(keys[i, columns[a:b]])[::-1]] for i, (a, b) in enumerate(spans)]
            )
        keys.sort(axis=1)
        kernels.measure_sorted(keys, Pairs(indptr, columns, gains), exact, ideal, self.measures, out)

    def _rank_best(
        self, block: Block, rows: slice, relevant: Relevant, left_out: Array, ideal: Array, out: Array
    ) -> None:
        pairs, exact = pairs_of(relevant, rows), block.exact.of(rows)
        best.measure_best(block.scores[rows], left_out, self.depth, pairs, exact, ideal, self.measures, out)

    def top(self, first: int, last: int, k: int, each: Each = map) -> tuple[Array, Array]:
        """Return database rows and exact scores of the k best items of queries first .. last."""
        block = self.block(first, last, each)
        columns, scores = np.empty((last - first, k), np.int64), np.empty((last - first, k))
        left_out = self.task.left_out_of(first, last)

        def batch(low: int) -> None:
            rows = slice(low, low + BATCH)
            best.top_rows(block.scores[rows], left_out[rows], block.exact.of(rows), columns[rows], scores[rows])

        wait(each(batch, range(0, last - first, BATCH)))
        return columns, -np.sqrt(np.maximum(-scores, 0.0)) if self.task.score == "l2" else scores


def measures_of(task: Task) -> Measures:
    """Return the metrics of a task as the kernels take them."""
    return Measures(np.array(task.cutoffs, dtype=np.int64), task.full, task.ranks.harmonic, task.ranks.discount)


def pairs_of(relevant: Relevant, rows: slice) -> Pairs:
    """Return the relevant items of some queries as the kernels take them."""
    gains = ONES if relevant.gains is None else relevant.gains
    return Pairs(relevant.indptr[rows.start : rows.stop + 1], relevant.columns, gains)


def wait(parts: Iterable[None]) -> None:
    """Run an iterator of parts to its end."""
    for _ in parts:
        pass
