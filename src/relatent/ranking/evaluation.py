"""Measure the ranking of the whole database for every query, exactly, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from relatent.ranking import inputs
from relatent.ranking.engines.choose import choose, run_blocks
from relatent.ranking.relevance import relevance
from relatent.ranking.result import RankingResult
from relatent.ranking.task import Each, Engine, Plan, Task


class Work(TypedDict, total=False):
    """Keywords of `evaluate` on which no metric depends: which queries, and on what."""

    part: tuple[int, int] | None
    max_bytes: int
    threads: int | None
    device: str
    progress: Callable[[int], object] | None


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
    **work: Unpack[Work],
) -> RankingResult:
    """Rank the database for every query and measure each ranking, exactly.

    Parameters
    ----------
    queries, database : arrays, HDF5 data sets or scipy.sparse rows of shape (n, d)
        Real numbers; for "hamming" bool (n, bits) or packed uint8 (n, bytes).
    query_labels, database_labels : integers or strings of shape (n,), or indicators (n, n_labels)
        An item is relevant if its label equals the query's, or if any label is shared.
    score : {"cosine", "dot", "l2", "hamming"}, default "cosine"
        l2 ranks by ascending Euclidean distance, hamming by ascending number of differing bits.
    cutoffs : positive ints, default (10, 100, 1000)
        Beyond the end of the ranking, missing places count as not relevant.
    ties : {"expected", "trec"}, default "expected"
        "expected" is the mean over all orders of tied items. "trec" is trec_eval's order: scores
        rounded to float32, equal ones by descending row of the database (trec_eval sorts by
        descending document name).
    gains : None, "shared", or float array of shape (n_database,)
        Gain of a relevant item in NDCG: 1 (None), the number of shared labels, or the item's own.
    exclude_self : bool, or ints of shape (n_queries,)
        True leaves database row i out of query i's ranking; integers name the row (-1: none).
    metrics : {"all", "cutoffs"}, default "all"
        "cutoffs" computes the metrics at the cutoffs alone, which is faster.
    part : (index, count), optional
        Evaluate only this part of `count` nearly equal parts of the queries;
        `RankingResult.concatenate` of all parts is the whole result, bit for bit.
    max_bytes : int, default 2**28
        Working memory beyond the inputs.
    threads : int, optional
        Number of worker threads; all cores of the process if None. Results do not depend on it.
    device : {"cpu", "cuda"}, default "cpu"
    progress : callable, optional
        Called after each block of queries with the number of queries in it.

    Returns
    -------
    RankingResult
        A query without a relevant item is nan; the means leave it out and `n_left_out` counts it.

    Raises
    ------
    InputError
        If an argument is wrong; one line says what was given and what is allowed.

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
    part, engine_of, progress = _work(**work)
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
    engine, plan = engine_of(task)
    values, counts = _run(task, engine, plan, start, stop, progress)
    settings = {"score": score, "ties": ties, "metrics": metrics}
    return RankingResult(values, counts, task.cutoffs, settings)


def _work(
    *,
    part: tuple[int, int] | None = None,
    max_bytes: int = 2**28,
    threads: int | None = None,
    device: str = "cpu",
    progress: Callable[[int], object] | None = None,
) -> tuple[tuple[int, int] | None, Callable[[Task], tuple[Engine, Plan]], Callable[[int], object] | None]:
    """Check the keywords of `Work`; return part, the choice of an engine, and progress."""
    inputs.choice("device", device, inputs.DEVICES)
    memory = inputs.positive("max_bytes", max_bytes)
    workers = inputs.available_cores() if threads is None else inputs.positive("threads", threads)
    return part, lambda task: choose(task, workers, memory, device), progress


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

    def work(first: int, each: Each) -> int:
        last = min(first + plan.block, stop)
        relevant = task.relevant(first, last)
        counts[first - start : last - start] = relevant.counts
        values[first - start : last - start] = engine.measure(first, last, relevant, each)
        return last - first

    run_blocks(work, range(start, stop, plan.block), plan, progress)
    return values, counts
