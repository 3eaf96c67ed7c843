"""The numba engine for sparse rows: products through an inverted index of the database."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from relatent.machine.numba_cache import kernel
from relatent.ranking.engines.rows import EPS, Block, Rows, wait
from relatent.ranking.engines.scorers import SparseScorer, power_of_two, sparse_norms
from relatent.ranking.kernels import selection
from relatent.ranking.kernels.parameters import NOTHING, Exact
from relatent.ranking.task import Each, Task

TOGETHER = 64  # queries of one product
FREQUENT = 4  # a term is frequent if more than one item in FREQUENT has it


class Sparse(Rows):
    """Rank by cosine, dot product or l2 of sparse rows.

    Frequent terms are a matrix product, the others are added term by term.
    """

    def __init__(self, task: Task, max_bytes: int) -> None:
        super().__init__(task)
        self._scorer = SparseScorer(task.queries, task.database, task.score)
        index = sp.csc_array(task.database)
        if task.score == "cosine":
            index.data /= at_least_some(self._scorer.norms)[index.indices]
        held_by = np.diff(index.indptr)
        often = np.flatnonzero(held_by > task.n_items // FREQUENT)
        self._frequent = often[np.argsort(-held_by[often], kind="stable")][: max_bytes // (64 * task.n_items)]
        self._dense = index[:, self._frequent].toarray()  # (n_database, n_frequent)
        rare = np.ones(index.shape[1])
        rare[self._frequent] = 0
        if len(self._frequent):
            index = sp.csc_array(index @ sp.diags_array(rare))
            index.eliminate_zeros()
        # unsigned: numba wraps no index around
        self._index, self._items = index, index.indices.astype(np.uint32)
        self.per_score = 8.0 if self.whole else 12.0
        self.kept_bytes = int(index.data.nbytes + index.indices.nbytes + self._items.nbytes + self._dense.nbytes)

    def block(self, first: int, last: int, each: Each) -> Block:
        """Compute the scores of queries first .. last."""
        rows, tolerance = self._scorer.block(first, last)
        shape, own = (last - first, self.task.n_items), sparse_norms(rows)
        if self.task.score == "cosine":
            # a copy, of the slice
            rows.data = rows.data / np.repeat(at_least_some(own), np.diff(rows.indptr))
        frequent = rows[:, self._frequent].toarray()
        exact = self.buffers.get("exact", shape, np.float64)

        def fill(low: int) -> None:
            part = slice(low, low + TOGETHER)
            np.matmul(frequent[part], self._dense.T, out=exact[part])
            indptr, index = rows.indptr[low : low + TOGETHER + 1], self._index
            add_products(indptr, rows.indices, rows.data, index.indptr, self._items, index.data, exact[part])
            if self.task.score == "l2":
                self._scorer.finish(exact[part], own[part], 0)

        wait(each(fill, range(0, shape[0], TOGETHER)))
        nobody = np.zeros(shape[0])
        lookup = Exact(selection.LOOKUP, exact, nobody, NOTHING, nobody, tolerance, tolerance, self.trec)
        if self.whole:
            return Block(exact, lookup)
        largest = np.maximum(exact.max(axis=1), -exact.min(axis=1))
        scores = self.buffers.get("scores", shape, np.float32)
        size = power_of_two(np.where(largest > 0, largest, 1.0))[:, None]
        np.multiply(exact, size, out=scores, casting="same_kind")
        return Block(scores, lookup._replace(delta=np.full(len(scores), 2 * EPS)))


def at_least_some(norms: Any) -> Any:
    """Return norms to divide by: 1 for rows of zeros."""
    return np.where(norms > 0, norms, 1.0)


@kernel
def add_products(indptr: Any, terms: Any, weights: Any, postings: Any, items: Any, values: Any, out: Any) -> None:
    """Add query i . item j to out[i, j], in the order of the query's terms.

    Parameters
    ----------
    indptr, terms, weights : CSR rows of the queries, terms ascending
    postings, items, values : CSC columns of the database: the items of each term, ascending
    out : float64 array of shape (n_queries, n_database)
    """
    for i in range(len(indptr) - 1):
        row = out[i]
        for entry in range(indptr[i], indptr[i + 1]):
            term, weight = terms[entry], weights[entry]
            for posting in range(postings[term], postings[term + 1]):
                row[items[posting]] += weight * values[posting]
