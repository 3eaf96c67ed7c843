"""The numba engine of dense rows: cosine, dot product and l2, on the CPU or a CUDA device."""

from __future__ import annotations

import numpy as np

from latents.ranking import selection
from latents.ranking.inputs import chunks, product_dtype
from latents.ranking.rows import EPS, NOTHING, Array, Block, Rows
from latents.ranking.scorers import DenseScorer, power_of_two, rounding
from latents.ranking.task import Each, Task

TILE, TILE_BYTES = 2048, 2**22  # database rows of one matrix product, fewer where they are wide
KINDS = {"dot": selection.DOT, "cosine": selection.COSINE, "l2": selection.L2}


class Dense(Rows):
    """Cosine, dot product and l2 of rows, which only exact selection needs to have in memory."""

    def __init__(self, task: Task, max_bytes: int, device: str) -> None:
        super().__init__(task)
        self.scorer = DenseScorer(task.queries, task.database, task.score)
        width, n = task.database.shape[1], task.n_items
        dtype = product_dtype(task.queries, task.database)
        self._items = NOTHING
        if not self.whole:
            in_place = isinstance(task.database, np.ndarray) and task.database.dtype == dtype
            in_place = in_place and task.database.flags.c_contiguous
            copied = 0 if in_place else n * width * dtype.itemsize
            self.whole = copied > max_bytes // 4 and task.relevance is not None
            if not self.whole:
                self._items = np.ascontiguousarray(task.database[:], dtype=dtype)
                self.kept_bytes += copied
        self._dtype = np.dtype(np.float64 if self.whole else np.float32)
        self.per_score = self._dtype.itemsize
        self._scale = self._scale_of_items()
        self._step = max(64, min(TILE, TILE_BYTES // (8 * width)))
        self._kept: Array | None = None
        bytes_of_rows = n * (width + 2) * self._dtype.itemsize
        if device != "cpu" or bytes_of_rows <= max_bytes // 8:
            self._kept = np.concatenate([self._tile(a, b) for a, b in chunks(n, width)])
            self.kept_bytes += bytes_of_rows
        else:
            self.tile_bytes = 24 * self._step * (width + 2)
        self._multiply = None
        if device != "cpu" and self._kept is not None:
            from latents.ranking.device import product_on

            self._multiply = product_on(self._kept, device)

    def _scale_of_items(self) -> Array:
        """Factors that make products of cosine true, and keep those of float32 in its range."""
        norms, score = self.scorer.norms, self.scorer.score
        if score == "cosine":
            return 1 / np.where(norms > 0, norms, 1.0)
        if self.whole or self.scorer.largest == 0:
            return np.ones(len(norms))
        return np.full(len(norms), power_of_two(np.array(self.scorer.largest)))

    def _tile(self, start: int, stop: int) -> Array:
        """Database rows for the product."""
        if self._kept is not None:
            return self._kept[start:stop]
        rows = self.scorer.tile(start, stop, self._scale)
        if self.scorer.score == "l2" and not self.whole:
            rows[:, : self.scorer.width] *= self._scale[0]
            rows[:, -2] *= self._scale[0] ** 2
        return rows.astype(self._dtype, copy=False)

    def _rows(self, rows: Array) -> tuple[Array, Array]:
        """Queries for the product, and how close two of its scores can be told apart."""
        width = self.scorer.width
        if self.scorer.score == "l2" and not self.whole:
            rows[:, :width] *= self._scale[0]
            rows[:, -1] *= self._scale[0] ** 2
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
        factor = np.where(lengths > 0, lengths, 1.0)
        if self.scorer.score == "cosine":
            rows, lengths = rows / factor[:, None], np.minimum(lengths, 1.0)
        elif not self.whole:
            rows, lengths = rows * power_of_two(factor)[:, None], lengths * power_of_two(factor)
        longest = np.sqrt(3.0) if self.scorer.score == "l2" else 1.0  # row of a tile
        delta = longest * lengths * (rounding(np.dtype(np.float32), width) + EPS)
        return rows.astype(self._dtype, copy=False), delta

    def prepare(self, first: int, last: int) -> tuple[Array, Block]:
        """Queries first .. last for the product, and their block, as yet without scores."""
        prepared, tolerance = self.scorer.block(first, last)
        rows, delta = self._rows(prepared)
        if self.whole:
            return rows, Block(NOTHING, tolerance, delta, 0, NOTHING, NOTHING, delta, delta)
        queries = np.ascontiguousarray(self.task.queries[first:last], dtype=self._items.dtype)
        norms = np.sqrt(np.einsum("ij,ij->i", queries, queries, dtype=np.float64))
        kind = KINDS[self.scorer.score]
        return rows, Block(NOTHING, tolerance, delta, kind, queries, self._items, self.scorer.norms, norms)

    def block(self, first: int, last: int, each: Each) -> Block:
        """Scores of queries first .. last."""
        rows, block = self.prepare(first, last)
        scores = self.buffers.get("scores", (last - first, self.task.n_items), self._dtype)
        self._fill(rows, scores, each)
        return block._replace(scores=scores)

    def _fill(self, rows: Array, scores: Array, each: Each) -> None:
        if self._multiply is not None:
            self._multiply(rows, scores)
            return

        def product(low: int) -> None:
            high = min(low + self._step, self.task.n_items)
            np.matmul(rows, self._tile(low, high).T, out=scores[:, low:high])

        for _ in each(product, range(0, self.task.n_items, self._step)):
            pass
