"""The numba engine for dense rows at cutoffs alone: a running bound filters scores tile by tile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from relatent.ranking.engines.dense import Dense
from relatent.ranking.engines.rows import BATCH, Array, Block
from relatent.ranking.kernels import best, filtering
from relatent.ranking.kernels.parameters import ONES, Pairs
from relatent.ranking.relevance import OfClasses, Relevant
from relatent.ranking.task import Each, Plan, Task

STREAMS = (256, 128, 64, 32)  # queries per block
TILE = 1024  # database rows; scores of a tile fit in the cache of a core
LIST, PER_BEST = 512, 4  # length of a query's list: at least, and per item wanted


class Streamed(Dense):
    """Rank by cosine, dot product or l2 from float32 products that a running bound filters.

    A worker keeps lists of the best items, not rows of scores. A query with more near-ties than its
    list holds is ranked from whole rows, in a batch, with the same result.
    """

    def __init__(self, task: Task, max_bytes: int, device: str) -> None:
        super().__init__(task, max_bytes, device)
        self._capacity = max(LIST, -(-PER_BEST * self.depth // 64) * 64)
        self.streams = not self.whole and device == "cpu" and 2 * self._capacity <= task.n_items

    def plan(self, workers: int, max_bytes: int) -> Plan | None:
        """Return a plan of a block per worker if lists fit, else the plan of whole rows."""
        task, n, most, listed = self.task, self.task.n_items, self.task.most_relevant, self.task.listed
        of_worker = (17 + 4 * BATCH) * n + (32 if listed else 24 * BATCH) * most + self.tile_bytes
        of_query = 16 * self._capacity + 4 * TILE + 48 * task.database.shape[1] + (24 * most if listed else 0)
        for block in STREAMS if self.streams else ():
            if workers * (of_worker + block * of_query) <= max_bytes - self.kept_bytes:
                return Plan(block, workers)
        self.streams = False
        return super().plan(workers, max_bytes)

    def measure(self, first: int, last: int, relevant: Relevant, each: Each = map) -> Array:
        """Measure queries first .. last; returns (n_queries, n_metrics)."""
        if not self.streams:
            return super().measure(first, last, relevant, each)
        task, (rows, block) = self.task, self.prepare(first, last)
        out, left_out = np.empty((last - first, len(task.names))), task.left_out_of(first, last)
        ideal = relevant.ideal(task.ranks, task.cutoffs)
        found, scores, items = self._filter(rows, block, left_out)
        self._rank_kept(block, found, self._keys(found, scores, items, relevant), relevant, ideal, out)
        for crowded, part in self._crowded(found, rows, block):
            span = slice(crowded.start, crowded.stop)
            own = relevant.part(span.start, span.stop)
            self._rank_best(part, slice(0, len(crowded)), own, left_out[span], ideal[span], out[span])
        return out

    def _keys(self, found: Array, scores: Array, items: Array, relevant: Relevant) -> Array:
        """Return ascending keys of the kept items, (n_queries, most kept); their last bit says
        relevant."""
        keys = self.buffers.get("keys", (len(found), max(int(found.max()), 1)), np.uint64)
        filtering.kept_keys(found, scores, items, keys)
        if isinstance(relevant, OfClasses):
            filtering.mark_class(found, items, relevant.of_query, relevant.of_item, keys)
        else:
            filtering.mark_listed(found, items, relevant.indptr, relevant.columns, keys)
        keys.sort(axis=1)
        return keys

    def _rank_kept(self, block: Block, found: Array, keys: Array, relevant: Relevant, ideal: Array, out: Array) -> None:
        columns = np.empty(0, np.int64) if relevant.gains is None else relevant.columns
        pairs = Pairs(relevant.indptr, columns, ONES if relevant.gains is None else relevant.gains)
        best.measure_kept(keys, found, self.depth, pairs, block.exact, ideal, self.measures, out)

    def _filter(self, rows: Array, block: Block, left_out: Array) -> tuple[Array, Array, Array]:
        """Return the number of kept items of each query, their scores and their database rows."""
        n, shape = len(rows), (len(rows), self._capacity)
        found, bounds = np.zeros(n, np.int64), np.full(n, -np.inf, np.float32)
        scores = self.buffers.get("best", shape, np.float32)
        items = self.buffers.get("items", shape, np.uint32)
        margin = (4 * block.exact.delta).astype(np.float32)
        step = min(TILE, self._step)
        for low in range(0, self.task.n_items, step):
            high = min(low + step, self.task.n_items)
            tile = self.buffers.get("tile", (n, high - low), np.float32)
            np.matmul(rows, self._tile(low, high).T, out=tile)
            filtering.filter_tile(tile, low, self.depth, margin, left_out, bounds, found, scores, items)
        filtering.last_drop(self.depth, margin, bounds, found, scores, items)
        return found, scores, items

    def _crowded(self, found: Array, rows: Array, block: Block) -> Iterator[tuple[range, Block]]:
        """Yield batches with a query whose list overflowed, with their whole rows of scores."""
        for low in range(0, len(found), BATCH):
            batch = range(low, min(low + BATCH, len(found)))
            span: Any = slice(batch.start, batch.stop)
            if (found[span] != filtering.CROWDED).all():
                continue
            scores = self.buffers.get("scores", (len(batch), self.task.n_items), self._dtype)
            self.fill(rows[span], scores, map)
            yield batch, Block(scores, block.exact.of(span))
