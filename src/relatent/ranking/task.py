"""A checked evaluation, and what an engine must offer to run it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from relatent.errors import InputError
from relatent.ranking.metrics import Ranks
from relatent.ranking.relevance import ClassLabels, Relevance, Relevant
from relatent.ranking.result import metric_names

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Task:
    """One evaluation: both sides, the relevant items, the metrics."""

    queries: Any
    database: Any
    score: str
    relevance: Relevance | None  # None where only scores are wanted
    left_out: Ints | None
    cutoffs: tuple[int, ...]
    ties: str
    metrics: str
    ranks: Ranks = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ranks", Ranks(self.n_items))

    @property
    def n_items(self) -> int:
        """Rows of the database."""
        return int(self.database.shape[0])

    @property
    def full(self) -> bool:
        """Whether to measure the full ranking, not only the cutoffs."""
        return self.metrics == "all"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns of the result."""
        return metric_names(self.cutoffs, self.metrics)

    @property
    def most_relevant(self) -> int:
        """The largest number of items relevant to one query."""
        return 0 if self.relevance is None else self.relevance.most

    @property
    def unit_gains(self) -> bool:
        """Whether every gain is 1."""
        return getattr(self.relevance, "gains", None) is None

    @property
    def listed(self) -> bool:
        """Whether relevant items must be listed pair by pair: classes with gains of 1 need no
        list."""
        return not (isinstance(self.relevance, ClassLabels) and self.unit_gains)

    def relevant(self, first: int, last: int) -> Relevant:
        """Return the relevant items of queries first .. last, without those left out."""
        assert self.relevance is not None
        relevant = self.relevance.of(first, last)
        return relevant if self.left_out is None else relevant.without(self.left_out[first:last])

    def left_out_of(self, first: int, last: int) -> Ints:
        """Return the database row that each query leaves out, -1 for none."""
        if self.left_out is None:
            return np.full(last - first, -1)
        return self.left_out[first:last]


@dataclass(frozen=True)
class Plan:
    """How to divide an evaluation: queries per block, worker threads, whether workers share a
    block."""

    block: int
    workers: int
    shared: bool = False


Each = Callable[[Callable[[Any], None], Iterable[Any]], Iterable[None]]  # map, or a pool's


class Engine(Protocol):
    """A way to rank and measure blocks of queries."""

    def plan(self, workers: int, max_bytes: int) -> Plan | None:
        """Return a plan within `max_bytes`, None if there is none."""

    def measure(self, first: int, last: int, relevant: Relevant, each: Each = map) -> Floats:
        """Measure queries first .. last; returns (n_queries, n_metrics)."""

    def top(self, first: int, last: int, k: int, each: Each = map) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return database rows and scores of the k best items of queries first .. last, best
        first."""


def fit(workers: int, max_bytes: int, blocks: tuple[int, ...], per_query: float) -> Plan | None:
    """Return the largest block, then the most workers, whose state fits; None if none does."""
    for block in blocks:
        for n in range(workers, 0, -1):
            if n * block * per_query <= max_bytes:
                return Plan(block, n)
            if block > blocks[-1] and 2 * n <= workers + 1:
                break  # a smaller block is better than fewer than half the workers
    return None


def too_little(least: float, given: int) -> InputError:
    """Return the error of a memory budget that is too small."""
    return InputError(f"max_bytes must be at least {int(least)} for this input, got {given}")
