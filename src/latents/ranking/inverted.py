"""The numba engine of sparse rows: products through an inverted index of the database."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from numba import njit

from latents.ranking import selection
from latents.ranking.rows import BATCH, EPS, NOTHING, Block, Rows
from latents.ranking.scorers import SparseScorer, power_of_two, sparse_norms
from latents.ranking.task import Each, Task


class Sparse(Rows):
    """Cosine, dot product and l2 of sparse rows."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self._scorer = SparseScorer(task.queries, task.database, task.score)
        self._index = sp.csc_array(task.database)
        self._items = self._index.indices.astype(np.uint32)  # unsigned: numba wraps no index around
        self.per_score = 8.0 if self.whole else 12.0
        self.kept_bytes = int(self._index.data.nbytes + self._index.indices.nbytes + self._items.nbytes)

    def block(self, first: int, last: int, each: Each) -> Block:
        """Scores of queries first .. last."""
        rows, tolerance = self._scorer.block(first, last)
        shape = last - first, self.task.n_items
        exact = self.buffers.get("exact", shape, np.float64)
        index, own = self._index, sparse_norms(rows)

        def fill(low: int) -> None:
            sparse_products(
                rows.indptr[low : low + BATCH + 1],
                rows.indices,
                rows.data,
                index.indptr,
                self._items,
                index.data,
                exact[low : low + BATCH],
            )
            self._scorer.finish(exact[low : low + BATCH], own[low : low + BATCH], 0)  # while in cache

        for _ in each(fill, range(0, shape[0], BATCH)):
            pass
        nobody = np.zeros(shape[0])
        if self.whole:
            return Block(exact, tolerance, tolerance, selection.LOOKUP, exact, NOTHING, nobody, nobody)
        largest = np.maximum(exact.max(axis=1), -exact.min(axis=1))
        scores = self.buffers.get("scores", shape, np.float32)
        size = power_of_two(np.where(largest > 0, largest, 1.0))[:, None]
        np.multiply(exact, size, out=scores, casting="same_kind")
        delta = np.full(len(scores), 2 * EPS)
        return Block(scores, tolerance, delta, selection.LOOKUP, exact, NOTHING, nobody, nobody)


@njit(cache=True, nogil=True)
def sparse_products(indptr: Any, terms: Any, weights: Any, postings: Any, items: Any, values: Any, out: Any) -> None:
    """out[i, j] = query i . item j, summed over the query's terms in their order.

    Parameters
    ----------
    indptr, terms, weights : CSR rows of the queries, terms ascending
    postings, items, values : CSC columns of the database: the items of each term, ascending
    out : float64 array of shape (n_queries, n_database)
    """
    for i in range(len(indptr) - 1):
        row = out[i]
        row[:] = 0.0
        for entry in range(indptr[i], indptr[i + 1]):
            term, weight = terms[entry], weights[entry]
            for posting in range(postings[term], postings[term + 1]):
                row[items[posting]] += weight * values[posting]
