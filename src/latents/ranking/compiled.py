"""The numba engines: dense rows, sparse rows and codes, a block of queries at a time.

Dense scores come from a float32 matrix product, whatever the input's type; `kernels.rank_row`
ranks anew, in float64 and from the input itself, whatever float32 cannot tell apart.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from latents.ranking import codes, kernels
from latents.ranking.inputs import chunks, product_dtype
from latents.ranking.inverted import sparse_products
from latents.ranking.relevance import Relevant
from latents.ranking.scorers import DenseScorer, SparseScorer, power_of_two, rounding
from latents.ranking.task import Plan, Task, fit

Array = NDArray[Any]
BATCH = 16  # queries whose keys are sorted at once
BLOCKS = (256, 128, 64, 32, 16)  # queries of one matrix product
SAFE = 1e140  # norms up to here have no overflow in float64 scores
KINDS = {"dot": kernels.DOT, "cosine": kernels.COSINE, "l2": kernels.L2}
NOTHING = np.zeros((0, 0))


def engine(task: Task, max_bytes: int, device: str) -> Dense | Sparse | Codes | None:
    """The engine for this kind of input; None where its kernels do not apply."""
    if task.score == "hamming":
        return Codes(task) if device == "cpu" else None
    if sp.issparse(task.queries):
        return Sparse(task) if device == "cpu" else None
    width = task.database.shape[1] + 1
    copies = 4 + product_dtype(task.queries, task.database).itemsize
    if task.n_items * width * copies > max_bytes // 2:
        return None
    dense = Dense(task, device)
    return dense if dense.scorer.largest < SAFE else None


class _Buffers(threading.local):
    """Arrays of each worker, kept between blocks: fresh pages cost more than some kernels."""

    def get(self, name: str, shape: tuple[int, ...], dtype: Any) -> Array:
        size = int(np.prod(shape))
        held = self.__dict__.get(name)
        if held is None or len(held) < size:
            held = self.__dict__[name] = np.empty(size, dtype)
        view: Array = held[:size].reshape(shape)
        return view


class _Rows:
    """What engines on full rows of scores share."""

    per_score = 4.0  # bytes of a block

    def __init__(self, task: Task) -> None:
        self.task = task
        self.buffers = _Buffers()
        self.trec = task.ties == "trec"
        self.cutoffs = np.array(task.cutoffs, dtype=np.int64)
        self.depth = task.n_items if task.full else min(max(task.cutoffs), task.n_items)

    def plan(self, workers: int, max_bytes: int) -> Plan | None:
        """Blocks whose rows of scores fit beside what the engine keeps."""
        n, most = self.task.n_items, self.task.relevance.most
        batch_bytes = 8 * n * (BATCH if self.depth >= n else 1) + 40 * most
        free = max_bytes - self.kept_bytes - workers * batch_bytes
        return fit(workers, free, BLOCKS, self.per_score * n + 24 * most)

    @property
    def kept_bytes(self) -> int:
        """Bytes kept from block to block."""
        raise NotImplementedError

    def rank(
        self, first: int, last: int, relevant: Relevant, scores: Array, delta: Array,
        tolerance: Array, kind: int, queries: Array, items: Array, norms: Array, query_norms: Array,
    ) -> Array:
        """Rank and measure a block, a batch of queries at a time."""
        task, n = self.task, self.task.n_items
        out = np.empty((last - first, len(task.names)))
        left_out = task.left_out_of(first, last)
        ideal = relevant.ideal(task.ranks, task.cutoffs)
        gains = np.empty(0) if relevant.gains is None else relevant.gains
        full = self.depth >= n
        for low in range(0, last - first, BATCH):
            rows = slice(low, min(low + BATCH, last - first))
            indptr = relevant.indptr[low : rows.stop + 1]
            keys = self.buffers.get("keys", (rows.stop - low if full else 1, n), np.uint64)
            if full:
                kernels.fill_keys(scores[rows], keys)
                kernels.mark_keys(keys, indptr, relevant.columns, left_out[rows])
                keys.sort(axis=1)
            kernels.measure_rows(
                scores[rows], keys, indptr, relevant.columns, gains, left_out[rows], delta[rows],
                tolerance[rows], self.trec, kind, queries[rows], items, norms, query_norms[rows],
                ideal[rows], self.cutoffs, self.depth, task.full, task.ranks.harmonic,
                task.ranks.discount, out[rows],
            )
        return out


class Dense(_Rows):
    """Cosine, dot product and l2 of rows in memory."""

    def __init__(self, task: Task, device: str) -> None:
        super().__init__(task)
        self.scorer = DenseScorer(task.queries, task.database, task.score)
        dtype = product_dtype(task.queries, task.database)
        self._items = np.ascontiguousarray(task.database[:], dtype=dtype)
        self._matrix = self._short_rows()
        self._product = _product(self._matrix, device)

    @property
    def kept_bytes(self) -> int:
        """The float32 rows, and the input where it had to be copied."""
        copied = self._items is not self.task.database
        return int(self._matrix.nbytes + copied * self._items.nbytes)

    def _short_rows(self) -> NDArray[np.float32]:
        """Database rows for the product, of size at most about 1 so that float32 holds them."""
        scorer, n = self.scorer, self.task.n_items
        width = scorer.width + (scorer.score == "l2")
        matrix = np.empty((n, width), np.float32)
        scale = power_of_two(np.array(scorer.largest)) if scorer.largest > 0 else 1.0
        for start, stop in chunks(n, width):
            rows = scorer.tile(start, stop)
            if scorer.score == "cosine":
                norms = np.sqrt(np.einsum("ij,ij->i", rows, rows))
                rows /= np.where(norms > 0, norms, 1.0)[:, None]
            else:
                rows *= scale
                rows[:, scorer.width :] *= scale
            matrix[start:stop] = rows
        self._scale = scale
        return matrix

    def measure(self, first: int, last: int, relevant: Relevant) -> Array:
        """Metrics of queries first .. last, (n_queries, n_metrics)."""
        rows, tolerance = self.scorer.block(first, last)
        queries = np.ascontiguousarray(self.task.queries[first:last], dtype=self._items.dtype)
        query_norms = np.sqrt(np.einsum("ij,ij->i", queries, queries, dtype=np.float64))
        if self.scorer.score == "l2":
            rows[:, : self.scorer.width] *= self._scale
        size = np.abs(rows).max(axis=1, initial=0.0) * np.sqrt(rows.shape[1])
        rows *= power_of_two(np.where(size > 0, size, 1.0))[:, None]
        # |query| < 1 and |item| <= sqrt(2); three more roundings: of both inputs and of |t|^2
        norms = np.sqrt(np.einsum("ij,ij->i", rows, rows))
        delta = 1.5 * norms * (rounding(np.dtype(np.float32), self.scorer.width) + 3 * EPS)
        scores = self.buffers.get("scores", (last - first, self.task.n_items), np.float32)
        self._product(rows.astype(np.float32), scores)
        return self.rank(
            first, last, relevant, scores, delta, tolerance, KINDS[self.scorer.score], queries,
            self._items, self.scorer.norms, query_norms,
        )


EPS = float(np.finfo(np.float32).eps)


def _product(matrix: NDArray[np.float32], device: str) -> Any:
    """The function (rows, out) that fills out with rows @ matrix.T, here or on the device."""
    if device == "cpu":
        return lambda rows, out: np.matmul(rows, matrix.T, out=out)
    from latents.ranking.device import product_on

    return product_on(matrix, device)


class Sparse(_Rows):
    """Cosine, dot product and l2 of sparse rows."""

    per_score = 12.0

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self._scorer = SparseScorer(task.queries, task.database, task.score)
        self._index = sp.csc_array(task.database)

    @property
    def kept_bytes(self) -> int:
        """The inverted index."""
        return int(sum(a.nbytes for a in (self._index.data, self._index.indices)))

    def measure(self, first: int, last: int, relevant: Relevant) -> Array:
        """Metrics of queries first .. last, (n_queries, n_metrics)."""
        rows, tolerance = self._scorer.block(first, last)
        shape = last - first, self.task.n_items
        exact = self.buffers.get("exact", shape, np.float64)
        index = self._index
        sparse_products(
            rows.indptr, rows.indices, rows.data, index.indptr, index.indices, index.data, exact
        )
        self._scorer.finish(exact, rows, 0)
        largest = np.abs(exact).max(axis=1)
        size = power_of_two(np.where(largest > 0, largest, 1.0))[:, None]
        scores = self.buffers.get("scores", shape, np.float32)
        np.multiply(exact, size, out=scores, casting="same_kind")
        delta = np.full(len(scores), 2 * EPS)
        nobody = np.zeros(shape[0])
        return self.rank(
            first, last, relevant, scores, delta, tolerance, kernels.LOOKUP, exact, NOTHING,
            nobody, nobody,
        )


class Codes:
    """Hamming distance of bits."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._bits = task.database.shape[1] * (1 if task.database.dtype == bool else 8)
        self._cutoffs = np.array(task.cutoffs, dtype=np.int64)
        n = task.n_items
        words = np.empty((-(-self._bits // 64), n), np.uint64)
        for start, stop in chunks(n, self._bits):
            words[:, start:stop] = _words(task.database[start:stop]).T
        self._words = words

    def plan(self, workers: int, max_bytes: int) -> Plan | None:
        """Blocks of codes whose relevant items fit."""
        state = 24 * self._task.relevance.most + 400
        free = max_bytes - self._words.nbytes - workers * 4 * self._task.n_items
        return fit(workers, free, BLOCKS, state)

    def measure(self, first: int, last: int, relevant: Relevant) -> Array:
        """Metrics of queries first .. last, (n_queries, n_metrics)."""
        task = self._task
        out = np.empty((last - first, len(task.names)))
        codes.measure_codes(
            _words(task.queries[first:last]), self._words, self._bits, relevant.indptr,
            relevant.columns, np.empty(0) if relevant.gains is None else relevant.gains,
            task.left_out_of(first, last), task.ties == "trec",
            relevant.ideal(task.ranks, task.cutoffs), self._cutoffs, task.full,
            task.ranks.harmonic, task.ranks.discount, out,
        )
        return out


def _words(rows: Array) -> NDArray[np.uint64]:
    """Bits (n, bits) or packed bytes as 64-bit words (n, n_words), padded with zeros."""
    packed = np.packbits(rows, axis=1) if rows.dtype == bool else rows
    padded = np.zeros((len(rows), -(-packed.shape[1] // 8) * 8), np.uint8)
    padded[:, : packed.shape[1]] = packed
    return padded.view(np.uint64)
