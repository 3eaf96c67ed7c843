"""Means and standard errors over seeds."""

from __future__ import annotations

import math

import pytest

from relatent.errors import InputError
from relatent.stats.seeds import over_seeds


def test_mean_and_standard_error_by_hand() -> None:
    """1, 2, 6: mean 3, standard deviation sqrt(7), over sqrt(3); constants and texts stay as they
    are."""
    summary = over_seeds([{"x": value, "n": 10, "how": "dynamic"} for value in (1.0, 2.0, 6.0)])
    assert summary == {"n_seeds": 3, "x": 3.0, "x_se": pytest.approx(math.sqrt(7 / 3)), "n": 10, "how": "dynamic"}


def test_counts_that_differ_are_averaged() -> None:
    """Active units are whole numbers, but not the same for all seeds."""
    assert over_seeds([{"units": 2}, {"units": 1}])["units"] == 1.5


def test_one_seed_has_no_standard_error_and_a_missing_number_no_mean() -> None:
    """nan, which JSON shows as null, rather than 0."""
    assert math.isnan(over_seeds([{"x": 1.0}])["x_se"])
    assert math.isnan(over_seeds([{"x": 1.0}, {"x": None}])["x"])


@pytest.mark.parametrize("seeds", [[], [{"x": 1.0}, {"y": 1.0}], [{"how": "a"}, {"how": "b"}]])
def test_seeds_that_were_not_measured_alike_are_one_line(seeds) -> None:
    """None at all, other keys, other texts."""
    with pytest.raises(InputError) as caught:
        over_seeds(seeds)
    assert "\n" not in str(caught.value)
