"""The numba engine for dense rows: cosine, dot product and l2, on the CPU or a CUDA device."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from relatent.ranking.engines.rows import BATCH, EPS, Array, Block, Rows, wait
from relatent.ranking.engines.scorers import DenseScorer, power_of_two, rounding
from relatent.ranking.inputs import chunks, product_dtype
from relatent.ranking.kernels import selection
from relatent.ranking.kernels.parameters import NOTHING, Exact
from relatent.ranking.task import Each, Task

TILE, TILE_BYTES = 2048, 2**22  # database rows of one matrix product, fewer where they are wide
KINDS = {"dot": selection.DOT, "cosine": selection.COSINE, "l2": selection.L2}
# Full rankings start from float32 scores up to this many items per range of scores that float32
# cannot tell apart; above it, so many scores must be computed again that float64 products cost
# less.
MOST_ALIKE = 0.04


class Dense(Rows):
    """Rank by cosine, dot product or l2 of dense rows.

    Rows in memory allow float32 products, which exact scores then correct. Float64 products need no
    rows in memory; they serve full rankings with gains or of many items.
    """

    def __init__(self, task: Task, max_bytes: int, device: str) -> None:
        super().__init__(task)
        self.scorer = DenseScorer(task.queries, task.database, task.score)
        width, n = task.database.shape[1], task.n_items
        dtype = product_dtype(task.queries, task.database)
        in_place = isinstance(task.database, np.ndarray) and task.database.dtype == dtype
        copied = 0 if in_place and task.database.flags.c_contiguous else n * width * dtype.itemsize
        held = copied <= max_bytes // 4 or task.relevance is None
        self.whole = self.whole or not held
        told_apart = n * self._resolution() <= MOST_ALIKE and task.unit_gains
        self._items = NOTHING
        if held and (told_apart or not self.whole):
            self._items = np.ascontiguousarray(task.database[:], dtype=dtype)
            self.kept_bytes += copied
        self._dtype = np.dtype(np.float64 if self._items is NOTHING else np.float32)
        self.per_score = self._dtype.itemsize
        self.least = BATCH if self._dtype == np.float64 else 2 * BATCH
        norms, cosine = self.scorer.norms, task.score == "cosine"
        self._factors = 1 / np.where(norms > 0, norms, 1.0) if cosine else np.ones(n)
        # keeps float32 products in range
        self._size = 1.0 if cosine or self.scorer.largest == 0 else float(power_of_two(np.array(self.scorer.largest)))
        per_row = 24 * (width + 2)  # a tile in float64, its float32 copy, what it is read from
        self._step = max(64, min(TILE, TILE_BYTES // (8 * width), max_bytes // 16 // per_row))
        self.tile_bytes = self._step * per_row
        self._kept: Array | None = None
        bytes_of_rows = n * (width + 2) * self._dtype.itemsize
        if device != "cpu" or bytes_of_rows <= max_bytes // 8:
            self._kept = np.concatenate([self._tile(a, b) for a, b in chunks(n, width)])
            self.kept_bytes += bytes_of_rows
        self._multiply = None
        if device != "cpu" and self._kept is not None:
            from relatent.ranking.engines.device import product_on

            self._multiply = product_on(self._kept, device)

    def _resolution(self) -> float:
        """Return the smallest difference of float32 products of unit vectors that rounding cannot
        cause."""
        return rounding(np.dtype(np.float32), self.scorer.width) + EPS

    def _tile(self, start: int, stop: int) -> Array:
        """Return database rows start .. stop for the product."""
        if self._kept is not None:
            return self._kept[start:stop]
        rows = self._long_tile(start, stop)
        return rows if self._dtype == np.float64 else self._resized(rows, -2).astype(np.float32)

    def _resized(self, rows: Array, squares: int) -> Array:
        """Scale rows, and for l2 their column of squares, into the range of float32, in place."""
        rows[:, : self.scorer.width] *= self._size
        if self.scorer.score == "l2":
            rows[:, squares] *= self._size**2
        return rows

    def _short_rows(self, rows: Array) -> tuple[Array, Array]:
        """Return queries for the float32 product, and the error of a difference of its scores."""
        if self.scorer.score == "l2":
            rows = self._resized(rows, -1)
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
        if self.scorer.score == "cosine":
            rows, lengths = _units(rows), np.minimum(lengths, 1.0)
        else:
            factor = power_of_two(np.where(lengths > 0, lengths, 1.0))
            rows, lengths = rows * factor[:, None], lengths * factor
        longest = np.sqrt(3.0) if self.scorer.score == "l2" else 1.0  # length of a row of a tile
        return rows.astype(np.float32), longest * lengths * self._resolution()

    def prepare(self, first: int, last: int) -> tuple[Array, Block]:
        """Return queries first .. last for the product, and their block, still without scores."""
        rows, tolerance = self.scorer.block(first, last)
        if self._dtype == np.float64:
            rows = _units(rows) if self.scorer.score == "cosine" else rows
            exact = Exact(selection.LOOKUP, NOTHING, tolerance, NOTHING, tolerance, tolerance, tolerance, self.trec)
            return rows, Block(NOTHING, exact)
        rows, delta = self._short_rows(rows)
        queries = np.ascontiguousarray(self.task.queries[first:last], dtype=self._items.dtype)
        norms = np.sqrt(np.einsum("ij,ij->i", queries, queries, dtype=np.float64))
        kind = KINDS[self.scorer.score]
        exact = Exact(kind, queries, norms, self._items, self.scorer.norms, delta, tolerance, self.trec)
        return rows, Block(NOTHING, exact)

    def block(self, first: int, last: int, each: Each) -> Block:
        """Compute the scores of queries first .. last."""
        rows, block = self.prepare(first, last)
        scores = self._room(last - first)[: (last - first) * self.task.n_items].reshape(-1, self.task.n_items)
        self.fill(rows, scores, each)
        exact = block.exact
        return Block(scores, exact._replace(queries=scores) if exact.kind == selection.LOOKUP else exact)

    def _room(self, n_queries: int) -> Array:
        """Return a buffer for scores of n queries, at least for a batch in float64."""
        even = max(n_queries + n_queries % 2, self.least)
        return self.buffers.get("scores", (even * self.task.n_items,), self._dtype)

    def fill(self, rows: Array, scores: Array, each: Each) -> None:
        """Fill `scores` with those of prepared queries."""
        if self._multiply is not None:
            self._multiply(rows, scores)
        else:
            self._by_tiles(rows, scores, self._tile, each)

    def _by_tiles(self, rows: Array, scores: Array, tile: Callable[[int, int], Array], each: Each) -> None:
        def product(low: int) -> None:
            high = min(low + self._step, self.task.n_items)
            np.matmul(rows, tile(low, high).T, out=scores[:, low:high])

        wait(each(product, range(0, self.task.n_items, self._step)))

    def long_scores(self, block: Block, first: int, batches: list[slice], each: Each) -> Iterator[list[Array]]:
        """Yield float64 scores of batches of a block, in the buffer of its float32 scores.

        Each list holds as many batches as fit; `first` is the block's first query.
        """
        if self._dtype == np.float64:
            yield from super().long_scores(block, first, batches, each)
            return
        n, last = self.task.n_items, first + len(block.exact.delta)
        rows, _ = self.scorer.block(first, last)
        rows = _units(rows) if self.scorer.score == "cosine" else rows
        room = self._room(last - first).view(np.float64)
        at_once = len(room) // n // BATCH
        for low in range(0, len(batches), at_once):
            some = [rows[batch] for batch in batches[low : low + at_once]]
            scores = room[: n * sum(map(len, some))].reshape(-1, n)
            self._by_tiles(np.concatenate(some), scores, self._long_tile, each)
            yield np.split(scores, np.cumsum([len(batch) for batch in some])[:-1])

    def _long_tile(self, start: int, stop: int) -> Array:
        return self.scorer.tile(start, stop, self._factors)


def _units(rows: Array) -> Array:
    """Scale rows to length 1; rows of zeros stay."""
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    return rows / np.where(lengths > 0, lengths, 1.0)
