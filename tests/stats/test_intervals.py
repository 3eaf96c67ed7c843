"""Means with intervals: coverage with and without groups."""

from __future__ import annotations

import numpy as np
import pytest

from relatent.errors import InputError
from relatent.stats.intervals import mean_interval


def test_the_interval_counts_people_where_faces_depend_on_them() -> None:
    """It covers the true mean in about 95 % of draws; without the groups it would be too narrow."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 5)
    covered, narrow = 0, 0
    for _ in range(400):
        values = rng.normal(size=40)[groups] + 0.1 * rng.normal(size=200)
        by_group, alone = mean_interval(values, groups), mean_interval(values)
        covered += by_group.low < 0 < by_group.high
        narrow += alone.low < 0 < alone.high
    assert 365 <= covered <= 395
    assert narrow < 300


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mean_interval(np.zeros(3), np.zeros(3)), "two groups"),
        (lambda: mean_interval(np.zeros(0)), "two values"),
        (lambda: mean_interval(np.zeros(3), np.zeros(2)), "one group per value"),
    ],
)
def test_bad_input_of_an_interval_is_one_line(call, message) -> None:
    with pytest.raises(InputError, match=message) as raised:
        call()
    assert "\n" not in str(raised.value)
