"""Numba kernel for sparse rows: products through an inverted index of the database."""

from __future__ import annotations

from typing import Any

from numba import njit


@njit(cache=True, nogil=True)
def sparse_products(
    indptr: Any, terms: Any, weights: Any, postings: Any, items: Any, values: Any, out: Any
) -> None:
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
