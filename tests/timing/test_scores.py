"""Scores of all pairs: every method computes the same ones, memory is by arithmetic and by a real
attempt."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from relatent.timing import scores as scoring_timing
from relatent.timing.repeats import summary

RNG = np.random.default_rng(0)
QUERIES, DATABASE = (RNG.normal(size=(n, 5)).astype(np.float32) for n in (7, 11))
SIZES = {"small": [7, 11], "large": [9, 13]}


def test_broadcasting_gives_the_scores_of_cdist() -> None:
    """Squared Euclidean distances, in the notes' layout."""
    expected = cdist(QUERIES, DATABASE, "sqeuclidean")
    np.testing.assert_allclose(scoring_timing.broadcast(QUERIES, DATABASE), expected, rtol=1e-5)


def test_blocks_cover_every_query(monkeypatch: pytest.MonkeyPatch) -> None:
    """A block of few bytes is one query; none is left out."""
    seen: list[int] = []
    monkeypatch.setattr(scoring_timing, "broadcast", lambda queries, database: seen.append(len(queries)))
    scoring_timing.batched(QUERIES, DATABASE, block_bytes=3 * DATABASE.nbytes)
    scoring_timing.batched(QUERIES, DATABASE, block_bytes=1)
    assert seen == [3, 3, 1] + [1] * 7


def test_what_does_not_fit_is_timed_on_few_queries_and_scaled() -> None:
    """No row of broadcasting there; the others are scaled to all queries."""
    options = {"widths": [5], "repeats": 2, "queries": 3, "block_bytes": 1000, "seed": 0}
    rows = list(scoring_timing.compare(SIZES, **options, free_bytes=4 * 7 * 11 * 6 + 1))
    methods = {size: [row["method"] for row in rows if row["size"] == size] for size in SIZES}
    assert methods == {"small": ["loop", "broadcast", "batched", "cdist"], "large": ["loop", "batched", "cdist"]}
    assert {row["timed_queries"] for row in rows if row["size"] == "large"} == {3}
    assert {row["repeats"] for row in rows} == {2}


def test_an_attempt_beyond_the_limit_is_a_memory_error_and_one_within_it_is_not() -> None:
    """In a process of its own: 40 GB of differences, then 40 kB."""
    assert scoring_timing.attempt(10_000, 100_000, 10, 2**31) == "MemoryError"
    assert scoring_timing.attempt(100, 10, 10, 2**33) == "none"


def test_needs_are_four_bytes_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    """The notes' third size in 32 dimensions: 768 GB; what fits is not attempted."""
    monkeypatch.setattr(scoring_timing, "attempt", lambda *job: "MemoryError")
    assert scoring_timing.differences_bytes(20_000, 300_000, 32) == 768 * 10**9
    rows = list(scoring_timing.memory(SIZES, widths=[5], limit_bytes=4 * 7 * 11 * 5 + 1))
    assert [row["outcome"] for row in rows] == ["fits", "MemoryError"]
    assert rows[0]["needed_bytes"] == 4 * 7 * 11 * 5


def test_a_single_repeat_is_as_uncertain_as_it_is_large() -> None:
    """One number says nothing of its error."""
    assert summary([2.0])["std_error"] == 2.0
    assert summary([2.0, 2.0])["std_error"] == 0.0
