"""Build neighbour graphs of documents and their diffusion maps."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, eigsh

from relatent.hashing.plain import unit

ROWS = 1000  # documents compared at once; no result depends on it
EIGEN_TOLERANCE = 1e-3  # of the eigenvalues, relative; neighbours need no more


def weights(tfidf: sparse.csr_array, *, words: float) -> sparse.csr_array:
    """Scale rows to the sum `words`; an empty row stays empty."""
    sums = np.asarray(tfidf.sum(axis=1)).ravel()
    scaled = tfidf.astype(np.float32)
    scaled.data = (scaled.data * np.repeat(words / np.maximum(sums, 1e-12), np.diff(tfidf.indptr))).astype(np.float32)
    return scaled


def nearest(tfidf: sparse.csr_array, dense: np.ndarray, *, count: int) -> np.ndarray:
    """Return the nearest other rows of each row, int64 (n, count), by the sum of the
    representations' cosines.

    Parameters
    ----------
    tfidf, dense : sparse (n, n_words) and dense (n, d) rows of unit length, or several dense ones
        side by side.
    count : int, neighbours per row; at most n - 1 are returned.
    """
    count = min(count, len(dense) - 1)
    found = []
    for start in range(0, len(dense), ROWS):
        block = slice(start, start + ROWS)
        similar = (tfidf[block] @ tfidf.T).toarray() + dense[block] @ dense.T
        similar[np.arange(len(similar)), np.arange(start, start + len(similar))] = -np.inf
        near = np.argpartition(-similar, count - 1, axis=1)[:, :count]
        order = np.argsort(-np.take_along_axis(similar, near, axis=1), axis=1, kind="stable")
        found.append(np.take_along_axis(near, order, axis=1))
    return np.concatenate(found)


def diffusion_map(near: np.ndarray, *, count: int, generator: np.random.Generator) -> np.ndarray:
    """Return the leading axes of a random walk on the graph of neighbours, float64 (n, count), rows
    of unit length.

    Documents that share no neighbour, but neighbours of neighbours, are near each other here.

    Parameters
    ----------
    near : int64 (n, k) neighbours of each row, from `nearest`; edges hold both ways, twice where
        mutual.
    count : int, leading axes without the constant one; at most n - 1 are returned.
    generator : draws where the iteration for the eigenvectors starts.

    References
    ----------
    Coifman & Lafon 2006, after one step.
    """
    n, k = near.shape
    edges = sparse.csr_array((np.ones(n * k), near.ravel(), np.arange(0, n * k + 1, k)), shape=(n, n))
    edges = edges + edges.T
    root = np.sqrt(edges.sum(axis=1))
    scale, constant = sparse.diags_array(1 / root), root / np.linalg.norm(root)
    steps = scale @ edges @ scale
    walk = LinearOperator((n, n), matvec=lambda x: steps @ x - constant * (constant @ x), dtype=np.float64)
    start = generator.standard_normal(n)
    values, vectors = eigsh(walk, k=min(count, n - 1), which="LA", v0=start, tol=EIGEN_TOLERANCE)
    return unit(vectors * np.maximum(values, 0) / root[:, None])
