"""Orders, timed."""

from __future__ import annotations

from relatent.timing.orders import compare as orders
from relatent.timing.orders import random_sets


def test_orders_are_timed_for_each_set_and_method() -> None:
    """One row each, with the number of features."""
    rows = list(orders(random_sets([5, 9], width=4, seed=0), methods=("greedy",), repeats=2, kicks=1, seed=0))
    assert [(row["set"], row["n"], row["method"], row["repeats"]) for row in rows] == [
        ("random_5", 5, "greedy", 2), ("random_9", 9, "greedy", 2),
    ]  # fmt: skip
