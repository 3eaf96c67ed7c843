"""Score query blocks against tiles of the database; larger is better.

Every scorer reads its sides by slices of rows, so they may be HDF5 data sets larger than memory. It
states a *tolerance*: two scores of a query that differ by less differ by rounding alone, and are
tied.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from relatent.errors import InputError
from relatent.ranking.inputs import checked_rows, chunks

Array = NDArray[Any]


class DenseScorer:
    """Score float rows by cosine, dot product or negated squared distance, as one matrix product.

    Parameters
    ----------
    queries, database : arrays or HDF5 data sets of shape (n, d)
    score : "cosine", "dot" or "l2"
    keep_bytes : int, default 0; keep the prepared database if it takes no more bytes

    Notes
    -----
    l2 is -|q - t|^2 = 2 q.t - |t|^2 - |q|^2, after subtracting the mean of the database from both
    sides in float64: far from the origin the uncentred form loses every digit.
    Cosine divides products of the unscaled rows, so that orthogonal rows of integers score 0, not
    1e-17. A zero vector has cosine 0 with every vector.
    """

    dtype = np.dtype(np.float64)

    def __init__(self, queries: Any, database: Any, score: str, keep_bytes: int = 0) -> None:
        self._queries, self._database, self.score = queries, database, score
        self.width = database.shape[1]
        self.norms, self.mean = self._survey()
        self.largest = float(self.norms.max(initial=0.0))
        self._factors = power_of_two(self.norms) if score == "cosine" else np.ones(len(self.norms))
        width = self.width + 2 * (score == "l2")
        self._kept: Array | None = None
        if len(self.norms) * width * self.dtype.itemsize <= keep_bytes:
            self._kept = self.tile(0, len(self.norms), self._factors)

    def _survey(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return norms of the database rows and their mean (0 unless l2); InputError for nan and
        inf."""
        n = self._database.shape[0]
        mean, norms = np.zeros(self.width), np.empty(n)
        for start, stop in chunks(n, self.width):
            rows = checked_rows(self._database, start, stop, "database")
            if self.score == "l2":
                mean += rows.sum(axis=0, dtype=np.float64) / n
        for start, stop in chunks(n, self.width):
            norms[start:stop] = _norms(self._database[start:stop] - mean)
        return norms, mean

    def tile(self, start: int, stop: int, factors: NDArray[np.float64]) -> Array:
        """Return prepared database rows start .. stop, times their factors."""
        tile = np.empty((stop - start, self.width + 2 * (self.score == "l2")))
        for first, last in chunks(stop - start, self.width):
            rows = self._database[start + first : start + last]
            out = tile[first:last, : self.width]
            if self.score == "l2":
                np.subtract(rows, self.mean, out=out)
            else:
                np.multiply(rows, factors[start + first : start + last, None], out=out)
        if self.score == "l2":
            tile[:, -2], tile[:, -1] = -(self.norms[start:stop] ** 2), 1.0
        return tile

    def block(self, start: int, stop: int) -> tuple[Array, NDArray[np.float64]]:
        """Return prepared query rows start .. stop and the tolerance of each."""
        rows = checked_rows(self._queries, start, stop, "queries") - self.mean
        norms = _norms(rows)
        if self.score == "cosine":
            rows = rows * power_of_two(norms[:, None])
            magnitude = np.ones(len(rows))
        elif self.score == "dot":
            magnitude = norms * self.largest
        else:
            constant = np.ones((len(rows), 1))
            rows = np.concatenate([2 * rows, constant, -(norms[:, None] ** 2)], axis=1)
            magnitude = (norms + self.largest) ** 2
        self._refuse_overflow(magnitude, start)
        return rows, rounding(self.dtype, self.width) * magnitude

    def _refuse_overflow(self, magnitude: NDArray[np.float64], start: int) -> None:
        limit = np.finfo(self.dtype).max / 4
        if (magnitude > limit).any():
            row = start + int(np.argmax(magnitude > limit))
            raise InputError(f"queries row {row}: its {self.score} scores overflow float64, rescale both sides")

    def scores(self, block: Array, start: int, stop: int) -> Array:
        """Score a prepared block against database rows start .. stop."""
        kept = self._kept
        tile = self.tile(start, stop, self._factors) if kept is None else kept[start:stop]
        scores: Array = block @ tile.T  # (n_block, stop - start)
        if self.score == "cosine":
            norms = self.norms[start:stop]
            scores /= np.where(norms > 0, norms * self._factors[start:stop], 1.0)
            scores /= np.maximum(_norms(block), 0.5)[:, None]  # 0.5: a zero row
        return scores


def rounding(dtype: np.dtype[Any], width: int) -> float:
    """Return how far two equal sums of `width` products may differ by rounding, relative to their
    size.

    Twice a probabilistic bound for one sum, whose error grows with the root of its length (Higham &
    Mary 2019, A new approach to probabilistic rounding error analysis).
    """
    return float(np.finfo(dtype).eps * (2 + np.sqrt(width) / 2))


def power_of_two(norms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the power of two that brings a norm into [0.5, 1)."""
    factor: NDArray[np.float64] = np.ldexp(1.0, -np.frexp(norms)[1])
    return factor


def _norms(rows: Array) -> NDArray[np.float64]:
    largest = np.abs(rows).max(axis=1, initial=0.0).astype(np.float64)
    scale = np.where(largest > 0, largest, 1.0)  # neither overflow nor underflow in the squares
    scaled = rows / scale[:, None]
    return scale * np.sqrt(np.einsum("ij,ij->i", scaled, scaled, dtype=np.float64))


class SparseScorer:
    """Score scipy.sparse rows in float64, without touching zeros.

    Each product sums the query's non-zeros in ascending order of columns in every tile, so equal
    rows have equal scores.
    """

    dtype = np.dtype(np.float64)

    def __init__(self, queries: Any, database: Any, score: str) -> None:
        self._queries, self._database, self.score = queries, database, score
        self.norms = sparse_norms(database)
        self._longest = int(np.diff(queries.indptr).max(initial=0))

    def block(self, start: int, stop: int) -> tuple[Any, NDArray[np.float64]]:
        """Return query rows start .. stop and the tolerance of each."""
        rows = self._queries[start:stop]
        norms = sparse_norms(rows)
        largest = self.norms.max()
        magnitude = {
            "cosine": norms * 0 + 1,
            "dot": norms * largest,
            "l2": (norms + largest) ** 2,
        }[self.score]
        return rows, rounding(self.dtype, self._longest) * magnitude

    def scores(self, block: Any, start: int, stop: int) -> Array:
        """Score a block against database rows start .. stop."""
        products: Array = (block @ self._database[start:stop].T).toarray()
        self.finish(products, sparse_norms(block), start)
        return products

    def finish(self, products: Array, of_queries: Array, start: int) -> None:
        """Turn products into scores, in place.

        Parameters
        ----------
        products : float64 (n_queries, n), of queries with database rows from `start` on
        of_queries : float64 (n_queries,), norms of the queries
        """
        norms = self.norms[start : start + products.shape[1]]
        if self.score == "l2":
            products *= 2
            products -= norms**2
            products -= of_queries[:, None] ** 2
        elif self.score == "cosine":
            products /= np.where(norms > 0, norms, 1.0)
            products /= np.where(of_queries > 0, of_queries, 1.0)[:, None]


def sparse_norms(rows: Any) -> NDArray[np.float64]:
    """Return the Euclidean norms of sparse rows."""
    return np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1), dtype=np.float64)).ravel()


class HammingScorer:
    """Score by minus the number of differing bits, exactly: (q.t - bits) / 2 of rows of -1 and
    1."""

    dtype = np.dtype(np.float32)

    def __init__(self, queries: Any, database: Any) -> None:
        self._queries, self._database = queries, database
        self.bits = database.shape[1] * (1 if database.dtype == bool else 8)

    def block(self, start: int, stop: int) -> tuple[Array, NDArray[np.float64]]:
        """Return query rows start .. stop as -1 and 1, and the tolerance of each, 0."""
        return _signs(self._queries[start:stop]), np.zeros(stop - start)

    def scores(self, block: Array, start: int, stop: int) -> Array:
        """Score a block against database rows start .. stop."""
        products = block @ _signs(self._database[start:stop]).T  # integers, exact in float32
        return (products - self.bits) / 2


def _signs(codes: Array) -> Array:
    bits = codes if codes.dtype == bool else np.unpackbits(codes, axis=1)
    signs: Array = np.where(bits, np.float32(1), np.float32(-1))
    return signs


Scorer = DenseScorer | SparseScorer | HammingScorer
