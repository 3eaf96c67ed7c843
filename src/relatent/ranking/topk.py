"""Find the k best database rows of every query."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relatent.errors import InputError
from relatent.ranking import inputs
from relatent.ranking.engines.choose import choose, run_blocks
from relatent.ranking.task import Each, Task


def top_k(
    queries: Any,
    database: Any,
    k: int,
    *,
    score: str = "cosine",
    exclude_self: Any = False,
    max_bytes: int = 2**28,
    threads: int | None = None,
    device: str = "cpu",
    progress: Callable[[int], object] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find the k best database rows of every query, exactly, best first.

    Parameters
    ----------
    queries, database, score, exclude_self, max_bytes, threads, device, progress
        As in `evaluate`.
    k : int
        At most the number of database rows, one less with `exclude_self`.

    Returns
    -------
    indices : int64 array of shape (n_queries, k)
        Equal scores by ascending row.
    scores : float64 array of shape (n_queries, k)
        Cosine or dot product; for "l2" and "hamming" minus the distance.

    Raises
    ------
    InputError
        As in `evaluate`; or if k is larger than the database.

    Examples
    --------
    >>> indices, scores = top_k([[0.0, 1.0]], [[3.0, 0.0], [0.0, 3.0]], 2, score="l2")
    >>> indices, scores
    (array([[1, 0]]), array([[-2.        , -3.16227766]]))
    """
    queries, database = inputs.sides(queries, database, score)
    inputs.choice("device", device, inputs.DEVICES)
    k = inputs.positive("k", k)
    left_out = inputs.left_out(exclude_self, queries.shape[0], database.shape[0])
    most = database.shape[0] - (left_out is not None)
    if k > most:
        raise InputError(f"k must be at most {most}, the items of a ranking, got {k}")
    task = Task(queries, database, score, None, left_out, (k,), "expected", "cutoffs")
    workers = inputs.available_cores() if threads is None else inputs.positive("threads", threads)
    engine, plan = choose(task, workers, inputs.positive("max_bytes", max_bytes), device)
    n = queries.shape[0]
    indices, scores = np.empty((n, k), dtype=np.int64), np.empty((n, k))

    def work(first: int, each: Each) -> int:
        last = min(first + plan.block, n)
        indices[first:last], scores[first:last] = engine.top(first, last, k, each)
        return last - first

    run_blocks(work, range(0, n, plan.block), plan, progress)
    return indices, scores
