"""Check the two sides and the options of a ranking, and read rows by slices."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from relatent.errors import InputError

SCORES = ("cosine", "dot", "l2", "hamming")
TIES = ("expected", "trec")
METRICS = ("all", "cutoffs")
DEVICES = ("cpu", "cuda", "torch-cpu")
CHUNK_BYTES = 2**21  # of rows read at once in a pass over all


def chunks(n_rows: int, width: int) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) of ranges of rows that take about `CHUNK_BYTES` as float64."""
    step = max(1, CHUNK_BYTES // (8 * max(width, 1)))
    for start in range(0, n_rows, step):
        yield start, min(start + step, n_rows)


def sides(queries: Any, database: Any, score: str) -> tuple[Any, Any]:
    """Return both sides as arrays, HDF5 data sets or CSR arrays, checked for `score`.

    Raises
    ------
    InputError
        If the score is unknown, a side is not 2-D or not numeric, widths differ, the database is
        empty, or one side is sparse and the other dense.
    """
    choice("score", score, SCORES)
    pair = _side(queries, "queries", score), _side(database, "database", score)
    if sp.issparse(pair[0]) != sp.issparse(pair[1]):
        raise InputError("queries and database must both be sparse or both dense, got one of each")
    if pair[0].shape[1] != pair[1].shape[1]:
        raise InputError(f"queries and database must have rows of equal width, got {pair[0].shape} and {pair[1].shape}")
    if pair[1].shape[0] == 0 or pair[1].shape[1] == 0:
        raise InputError(f"database must have at least one row and column, got {pair[1].shape}")
    if score == "hamming" and pair[0].dtype != pair[1].dtype:
        raise InputError(f"hamming needs both sides bool or both packed uint8, got {pair[0].dtype} and {pair[1].dtype}")
    return pair


def _side(rows: Any, name: str, score: str) -> Any:
    if sp.issparse(rows):
        return _sparse_side(rows, name, score)
    is_lazy = hasattr(rows, "shape") and hasattr(rows, "dtype") and hasattr(rows, "chunks")
    if not is_lazy:  # HDF5 data sets are read by slices of rows
        rows = np.asarray(rows)
    if len(rows.shape) != 2:
        raise InputError(f"{name} must be 2-D, (n, d), got shape {rows.shape}")
    if score == "hamming":
        if rows.dtype != bool and rows.dtype != np.uint8:
            raise InputError(f"{name} must be bool or packed uint8 for hamming, got {rows.dtype}")
    elif rows.dtype.kind not in "biuf":
        raise InputError(f"{name} must be real numbers, got {rows.dtype}")
    return rows


def _sparse_side(rows: Any, name: str, score: str) -> Any:
    if score == "hamming":
        raise InputError(f"{name} must be bool or packed uint8 for hamming, got a sparse matrix")
    if rows.dtype.kind not in "biuf":
        raise InputError(f"{name} must be real numbers, got {rows.dtype}")
    csr = sp.csr_array(rows).astype(np.float64)
    if not csr.has_canonical_format:
        csr = csr.copy()
        csr.sum_duplicates()
    if not np.isfinite(csr.data).all():
        entry = int(np.flatnonzero(~np.isfinite(csr.data))[0])
        row = int(np.searchsorted(csr.indptr, entry, side="right")) - 1
        raise InputError(f"{name} row {row} holds {csr.data[entry]}, every value must be finite")
    return csr


def product_dtype(queries: Any, database: Any) -> np.dtype[Any]:
    """Return float32 if both sides have at most its precision, else float64."""
    short = all(side.dtype.kind == "f" and side.dtype.itemsize <= 4 for side in (queries, database))
    return np.dtype(np.float32 if short else np.float64)


def checked_rows(source: Any, start: int, stop: int, name: str) -> NDArray[Any]:
    """Return rows start .. stop; InputError names the first row with nan or inf."""
    rows: NDArray[Any] = np.asarray(source[start:stop])
    finite = np.isfinite(rows)
    if not finite.all():
        row, column = map(int, np.argwhere(~finite)[0])
        raise InputError(f"{name} row {start + row} holds {rows[row, column]}, every value must be finite")
    return rows


def choice(name: str, given: Any, allowed: Sequence[str]) -> None:
    """Check that a value is one of the allowed words; else InputError."""
    if given not in allowed:
        raise InputError(f"{name} must be one of {', '.join(allowed)}, got {given!r}")


def positive(name: str, given: Any) -> int:
    """Return a positive integer; InputError for any other value."""
    if isinstance(given, bool) or not isinstance(given, (int, np.integer)) or given < 1:
        raise InputError(f"{name} must be a positive integer, got {given!r}")
    return int(given)


def cutoff_tuple(cutoffs: Any) -> tuple[int, ...]:
    """Return ascending cutoffs without repeats; they may exceed the database, as in trec_eval."""
    given = cutoffs if isinstance(cutoffs, (Sequence, np.ndarray)) else [cutoffs]
    return tuple(sorted({positive("every cutoff", k) for k in given}))


def left_out(exclude_self: Any, n_queries: int, n_database: int) -> NDArray[np.int64] | None:
    """Return the database row that each query leaves out (-1: none), None if no query does.

    Raises
    ------
    InputError
        If `exclude_self` is True and the sides differ in length, or an array is not of integers
        from -1 to n_database - 1, one per query.
    """
    if isinstance(exclude_self, (bool, np.bool_)):
        if not exclude_self:
            return None
        if n_queries != n_database:
            raise InputError(
                f"exclude_self=True needs query i to be database row i, got {n_queries} queries "
                f"and {n_database} rows: pass the row of each query (-1: none) instead"
            )
        return np.arange(n_queries)
    rows = np.asarray(exclude_self)
    if rows.shape != (n_queries,) or rows.dtype.kind not in "iu":
        raise InputError(
            f"exclude_self must be True, False or {n_queries} integers, got {rows.dtype} of shape {rows.shape}"
        )
    if len(rows) and (rows.min() < -1 or rows.max() >= n_database):
        raise InputError(f"exclude_self must hold rows from -1 to {n_database - 1}")
    return rows.astype(np.int64)


def part_bounds(part: Any, n_queries: int) -> tuple[int, int]:
    """Return the first and last query of part (i, n), i = 0 .. n - 1; all queries if None.

    Examples
    --------
    >>> [part_bounds((i, 3), 10) for i in range(3)]
    [(0, 3), (3, 6), (6, 10)]
    """
    if part is None:
        return 0, n_queries
    try:
        index, count = (int(x) for x in part)
    except (TypeError, ValueError):
        raise InputError(f"part must be (index, count), got {part!r}") from None
    if not 0 <= index < count:
        raise InputError(f"part must be (index, count) with 0 <= index < count, got {part!r}")
    return n_queries * index // count, n_queries * (index + 1) // count


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
