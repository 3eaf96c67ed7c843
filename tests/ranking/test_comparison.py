"""`relatent.ranking.comparison`: paired tests between two results."""

import itertools

import numpy as np
import pytest

from relatent.errors import InputError
from relatent.ranking import compare, compare_many
from tests.ranking.results import result_of


def test_randomisation_test_approaches_the_exact_one():
    """The p-value is the share of all sign flips at least as extreme."""
    difference = np.array([0.3, 0.1, 0.25, -0.05, 0.2, 0.15, -0.1, 0.3])
    signs = np.array(list(itertools.product([-1, 1], repeat=8)))
    exact = (np.abs(signs @ difference) >= abs(difference.sum()) - 1e-12).mean()
    found = compare(result_of(difference), result_of(np.zeros(8)), permutations=40_000)["map@5"]
    assert found.p_value == pytest.approx(exact, abs=0.01)
    assert found.difference == pytest.approx(difference.mean())
    assert found.n_queries == 8


def test_a_result_does_not_differ_from_itself():
    """p is 1 for equal systems, and a query without relevant items is left out."""
    column = np.array([0.5, np.nan, 0.25])
    comparison = compare(result_of(column, [1, 0, 1]), result_of(column, [1, 0, 1]))["map@5"]
    assert comparison.p_value == 1.0
    assert comparison.n_queries == 2


def test_holm_multiplies_the_smallest_p_by_the_number_of_pairs():
    """Corrected p-values keep their order and are at least the uncorrected ones."""
    rng = np.random.default_rng(3)
    systems = {name: result_of(rng.random(40) + shift) for name, shift in zip("abc", (0, 0.1, 1), strict=True)}
    corrected = compare_many(systems, "map@5", permutations=999)
    assert corrected["a", "c"].p_value == pytest.approx(3 / 1000)
    assert corrected["a", "b"].p_value >= corrected["a", "c"].p_value


def test_different_queries_cannot_be_compared():
    """Results must be of the same queries."""
    with pytest.raises(InputError, match="the same queries"):
        compare(result_of(np.ones(3)), result_of(np.ones(4)))
