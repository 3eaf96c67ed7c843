"""Choose an engine for a task, and run its blocks in a pool of threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import scipy.sparse as sp

from relatent.errors import InputError
from relatent.ranking.engines.scorers import DenseScorer, HammingScorer, Scorer, SparseScorer
from relatent.ranking.engines.sorting import Sorting
from relatent.ranking.task import Each, Engine, Plan, Task


def choose(task: Task, workers: int, max_bytes: int, device: str) -> tuple[Engine, Plan]:
    """Return an engine and its plan: compiled if numba is installed and rows of scores fit, else
    sorting."""
    try:
        from relatent.ranking.engines import compiled
    except ImportError:
        compiled = None  # type: ignore[assignment]
    if compiled is not None:
        arrays = max_bytes - max_bytes // 4  # the rest is for compiled code and for buffers of BLAS
        engine = compiled.engine(task, arrays, device)
        if engine is not None and (plan := engine.plan(workers, arrays)):
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


def run_blocks(
    work: Callable[[int, Each], int],
    firsts: Iterable[int],
    plan: Plan,
    progress: Callable[[int], object] | None,
) -> None:
    """Call work(first, each) for every block, and progress with the number of queries in it.

    Each worker takes a block; or all share one block, and `each` spreads its parts over them.
    """
    with single_threaded_blas(), ThreadPoolExecutor(plan.workers) as pool:
        if plan.shared:
            done: Iterable[int] = (work(first, pool.map) for first in firsts)
        else:
            done = pool.map(lambda first: work(first, map), firsts)
        for n in done:
            if progress is not None:
                progress(n)


def single_threaded_blas() -> AbstractContextManager[Any]:
    """Limit BLAS to one thread per worker, if threadpoolctl is installed."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        return nullcontext()
    return threadpool_limits(1, user_api="blas")
