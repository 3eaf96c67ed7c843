"""Exact ranking metrics of every query against the whole database, in bounded memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from latents.errors import InputError
from latents.ranking import inputs
from latents.ranking.relevance import relevance
from latents.ranking.result import RankingResult
from latents.ranking.scorers import DenseScorer, HammingScorer, Scorer, SparseScorer
from latents.ranking.sorting import Sorting
from latents.ranking.task import Engine, Plan, Task


def evaluate(
    queries: Any,
    database: Any,
    query_labels: Any,
    database_labels: Any,
    *,
    score: str = "cosine",
    cutoffs: Sequence[int] = (10, 100, 1000),
    ties: str = "expected",
    gains: Any = None,
    exclude_self: Any = False,
    metrics: str = "all",
    part: tuple[int, int] | None = None,
    max_bytes: int = 2**28,
    threads: int | None = None,
    device: str = "cpu",
    progress: Callable[[int], object] | None = None,
) -> RankingResult:
    """Rank the database for every query and measure each ranking, exactly.

    Parameters
    ----------
    queries, database : arrays, HDF5 data sets or scipy.sparse rows of shape (n, d)
        Real numbers; for "hamming" bool (n, bits) or packed uint8 (n, bytes).
    query_labels, database_labels : integers or strings of shape (n,), or indicators (n, n_labels)
        An item is relevant if its label equals the query's, or if any label is shared.
    score : {"cosine", "dot", "l2", "hamming"}
        l2 ranks by ascending Euclidean distance, hamming by ascending number of differing bits.
    cutoffs : positive ints
        One beyond the end of the ranking counts the missing places as not relevant.
    ties : {"expected", "trec"}
        The expectation over random tie-breaking, or trec_eval's order: scores rounded to float32,
        equal ones by descending row of the database (trec_eval sorts by descending document name).
    gains : None, "shared", or float array of shape (n_database,)
        Gain of a relevant item in NDCG: 1, the number of shared labels, or the item's own.
    exclude_self : bool, or ints of shape (n_queries,)
        Leave database row i out of query i's ranking, or the row given (-1: none).
    metrics : {"all", "cutoffs"}
        "cutoffs" gives the metrics at the cutoffs alone, and is faster.
    part : (index, count), optional
        Evaluate only this part of `count` nearly equal parts of the queries;
        `RankingResult.concatenate` of all parts is the whole result, bit for bit.
    max_bytes : int
        Working memory beyond the inputs.
    threads : int, optional
        Number of worker threads; all cores of the process if None. No result depends on it.
    device : {"cpu", "cuda"}
    progress : callable, optional
        Called with the number of queries done, after each block of them.

    Returns
    -------
    RankingResult
        A query with nothing relevant is nan, left out of the means and counted.

    Raises
    ------
    InputError
        A ValueError of one line: what was given, what is allowed.

    References
    ----------
    McSherry & Najork, ECIR 2008 (ties); trec_eval 9.0 (definitions of the metrics).

    Examples
    --------
    >>> result = evaluate([[1.0, 0.0]], [[2.0, 0.1], [0.0, 1.0]], [3], [3, 4], cutoffs=[1])
    >>> result.means()["precision@1"], result["map"]
    (1.0, array([1.]))
    """
    queries, database = inputs.sides(queries, database, score)
    inputs.choice("ties", ties, inputs.TIES)
    inputs.choice("metrics", metrics, inputs.METRICS)
    max_bytes = inputs.positive("max_bytes", max_bytes)
    workers = _available() if threads is None else inputs.positive("threads", threads)
    sizes = queries.shape[0], database.shape[0]
    task = Task(
        queries=queries,
        database=database,
        score=score,
        relevance=relevance(query_labels, database_labels, sizes, gains),
        left_out=inputs.left_out(exclude_self, *sizes),
        cutoffs=inputs.cutoff_tuple(cutoffs),
        ties=ties,
        metrics=metrics,
    )
    start, stop = inputs.part_bounds(part, sizes[0])
    engine, plan = _engine(task, workers, max_bytes, device)
    values, counts = _run(task, engine, plan, start, stop, progress)
    settings = {"score": score, "ties": ties, "metrics": metrics}
    return RankingResult(values, counts, task.cutoffs, settings)


def _engine(task: Task, workers: int, max_bytes: int, device: str) -> tuple[Engine, Plan]:
    """Compiled kernels where numba is installed and rows of scores fit, else sorting."""
    try:
        from latents.ranking import compiled
    except ImportError:
        compiled = None  # type: ignore[assignment]
    if compiled is not None:
        engine = compiled.engine(task, max_bytes, device)
        if engine is not None and (plan := engine.plan(workers, max_bytes)):
            return engine, plan
    if device != "cpu":
        raise InputError(
            f"device={device!r} needs numba, dense float rows, and max_bytes that holds the "
            f"database and blocks of its scores, got {max_bytes}"
        )
    sorting = Sorting(task, _scorer(task, max_bytes // 4))
    return sorting, sorting.plan(workers, max_bytes)


def _scorer(task: Task, keep_bytes: int) -> Scorer:
    if task.score == "hamming":
        return HammingScorer(task.queries, task.database)
    if sp.issparse(task.queries):
        return SparseScorer(task.queries, task.database, task.score)
    return DenseScorer(task.queries, task.database, task.score, keep_bytes)


def _available() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _run(
    task: Task,
    engine: Engine,
    plan: Plan,
    start: int,
    stop: int,
    progress: Callable[[int], object] | None,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    values = np.empty((stop - start, len(task.names)))
    counts = np.zeros(stop - start, dtype=np.int64)

    def work(first: int) -> int:
        last = min(first + plan.block, stop)
        relevant = task.relevant(first, last)
        counts[first - start : last - start] = relevant.counts
        values[first - start : last - start] = engine.measure(first, last, relevant)
        return last - first

    with _single_threaded_blas(), ThreadPoolExecutor(plan.workers) as pool:
        for n in pool.map(work, range(start, stop, plan.block)):
            if progress is not None:
                progress(n)
    return values, counts


def _single_threaded_blas() -> AbstractContextManager[Any]:
    """One BLAS thread per worker, where threadpoolctl is installed."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        return nullcontext()
    return threadpool_limits(1, user_api="blas")
