"""Ways over sequences of several lengths, timed."""

from __future__ import annotations

import numpy as np

from relatent.timing.sequences import Work, compare, waste

RNG = np.random.default_rng(0)

LENGTHS = RNG.integers(1, 30, size=200)


def test_every_way_over_sequences_is_timed_and_padding_wastes() -> None:
    """A row a method and number of slots; packed and swapped compute next to nothing for
    nothing."""
    options = {"cell": "GRU", "hidden": 3, "batches": 6, "enough": 100, "repeats": 1, "seed": 0}
    methods = ("swapped", "packed", "padded", "bucketed", "loop")
    rows = list(compare(LENGTHS, slots=[2, 4], methods=methods, **options))
    assert [(row["batch"], row["method"]) for row in rows] == [(n, method) for n in (2, 4) for method in methods]
    wasted = {row["method"]: row["waste"] for row in rows if row["batch"] == 4}
    assert wasted["padded"] > 0.2 > wasted["bucketed"] >= wasted["packed"] == 0
    assert all(row["per_second"] > 0 for row in rows)


def test_a_unit_of_work_fills_the_gradients_of_all_weights() -> None:
    """Of each way: no weight is left out of the backward pass."""
    work = Work("GRU", 3, 4, LENGTHS[:24], "cpu", 100)
    for method in ("auto", "packed", "padded", "loop"):
        units = work.units(method)
        units[0].run()
        assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in work.rnn.parameters())
        assert 0 <= waste(units) < 1
