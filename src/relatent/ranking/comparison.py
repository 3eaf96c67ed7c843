"""Test whether two systems rank the same queries differently (paired tests)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from relatent.errors import InputError
from relatent.ranking.result import RankingResult

Floats = NDArray[np.float64]
CHUNK_BYTES = 2**24  # of random signs at once


@dataclass(frozen=True)
class Comparison:
    """The difference of two systems in one metric.

    Attributes
    ----------
    difference : float, mean of a - b over the queries with a value in both
    p_value : float, two-sided; the hypothesis is that a and b can be exchanged in every query
    n_queries : int
    """

    difference: float
    p_value: float
    n_queries: int


def compare(
    a: RankingResult,
    b: RankingResult,
    *,
    permutations: int = 10_000,
    generator: np.random.Generator | None = None,
) -> dict[str, Comparison]:
    """Test every metric that both results have by paired randomisation.

    Parameters
    ----------
    a, b : RankingResult
        Results of the same queries in the same order.
    permutations : int, default 10,000
        Number of random exchanges; the p-value is at least 1 / (permutations + 1).
    generator : numpy Generator, optional
        Source of the exchanges, default ``default_rng(0)``: the same call gives the same numbers.

    Returns
    -------
    dict of metric name to Comparison
        P-values are not corrected for the number of metrics; `compare_many` corrects for pairs of
        systems.

    Raises
    ------
    InputError
        If the results differ in queries or share no metric.

    References
    ----------
    Smucker, Allan & Carterette, A comparison of statistical significance tests for information
    retrieval evaluation, CIKM 2007.
    """
    names = [name for name in a.names if name in b.names]
    if len(a) != len(b) or not names or (a.n_relevant != b.n_relevant).any():
        raise InputError(
            f"compare needs two results of the same queries with a common metric, got {len(a)} and "
            f"{len(b)} queries, {len(names)} common metrics"
        )
    differences = np.stack([a[name] - b[name] for name in names], axis=1)
    differences = differences[np.isfinite(differences).all(axis=1)]
    means = differences.mean(axis=0) if len(differences) else np.full(len(names), np.nan)
    p_values = _p_values(differences, permutations, generator or np.random.default_rng(0))
    return {
        name: Comparison(float(mean), float(p), len(differences))
        for name, mean, p in zip(names, means, p_values, strict=True)
    }


def _p_values(differences: Floats, permutations: int, generator: np.random.Generator) -> Floats:
    """Return the share of sign flips whose mean is at least as far from 0; the data's own signs
    count."""
    n = len(differences)
    observed = np.abs(differences.sum(axis=0))
    slack = 1e-12 * np.abs(differences).sum(axis=0)  # equal sums in another order are equal
    extreme = np.ones(differences.shape[1])
    step = max(1, CHUNK_BYTES // (8 * max(n, 1)))
    for start in range(0, permutations, step):
        size = (min(step, permutations - start), n)
        signs = 2.0 * generator.integers(0, 2, size, dtype=np.int8) - 1.0
        extreme += (np.abs(signs @ differences) >= observed - slack).sum(axis=0)
    return extreme / (permutations + 1)


def compare_many(
    results: Mapping[str, RankingResult],
    metric: str,
    *,
    permutations: int = 10_000,
    generator: np.random.Generator | None = None,
) -> dict[tuple[str, str], Comparison]:
    """Compare every pair of systems on one metric, with p-values corrected by Holm's method.

    Parameters
    ----------
    results : mapping of a system's name to its result, at least two
    metric : str, our name or trec_eval's
    permutations, generator
        As in `compare`.

    Raises
    ------
    InputError
        If there are fewer than two systems, their queries differ, or one lacks the metric.

    References
    ----------
    Holm, A simple sequentially rejective multiple test procedure, 1979.
    """
    if len(results) < 2:
        raise InputError(f"compare_many needs at least two results, got {len(results)}")
    generator = generator or np.random.default_rng(0)
    pairs = {(x, y): _one(results[x], results[y], metric, permutations, generator) for x, y in combinations(results, 2)}
    order = sorted(pairs, key=lambda pair: pairs[pair].p_value)
    corrected, floor = {}, 0.0
    for rank, pair in enumerate(order):
        floor = max(floor, min(1.0, (len(order) - rank) * pairs[pair].p_value))
        corrected[pair] = Comparison(pairs[pair].difference, floor, pairs[pair].n_queries)
    return {pair: corrected[pair] for pair in pairs}


def _one(
    a: RankingResult,
    b: RankingResult,
    metric: str,
    permutations: int,
    generator: np.random.Generator,
) -> Comparison:
    if len(a) != len(b):
        raise InputError(f"results must be of the same queries, got {len(a)} and {len(b)}")
    difference = (a[metric] - b[metric])[:, None]
    difference = difference[np.isfinite(difference[:, 0])]
    p_value = _p_values(difference, permutations, generator)[0]
    return Comparison(float(difference.mean()), float(p_value), len(difference))
