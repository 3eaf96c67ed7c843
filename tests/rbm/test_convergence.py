"""Annealing at several numbers of temperatures: against enumeration, streams of their own,
intervals."""

import math

import pytest
import torch

from relatent.errors import InputError
from relatent.rbm.convergence import DIRECTIONS, estimates, mean_log_likelihood, summary
from relatent.rbm.model import RBM
from relatent.rbm.partition import LogZ, log_likelihood, log_partition
from relatent.stats.intervals import mean_interval

WITH_ENERGY = ("bernoulli", "exact_beta")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def values(visible: str, rows: int = 200, n: int = 10) -> torch.Tensor:
    drawn = torch.rand(rows, n, generator=seeded(1))
    return (drawn < 0.3).float() if visible == "bernoulli" else drawn


def small(visible: str) -> RBM:
    rbm = RBM(10, 6, visible=visible)
    rbm.initialise(values(visible), generator=seeded(2), std=0.5)
    return rbm


def anneal(visible: str, **options) -> list[dict]:
    settings = {"temperatures": [5, 400], "chains": 100, "burn_in": 100, "seed": 0} | options
    return estimates(small(visible), values(visible), values(visible, rows=50), **settings)


@pytest.mark.parametrize("visible", WITH_ENERGY)
def test_both_directions_come_within_a_tenth_of_a_nat_of_enumeration(visible: str) -> None:
    rows = anneal(visible)
    exact = log_partition(small(visible), method="exact").value
    found = summary(rows)
    assert found["log_z"] == pytest.approx(exact, abs=0.1)
    assert found["log_z_reverse"] == pytest.approx(exact, abs=0.1)
    assert found["apart"] == pytest.approx(abs(found["log_z"] - found["log_z_reverse"]))
    assert found["temperatures"] == 400


def test_there_is_a_row_for_each_direction_and_number_with_its_interval() -> None:
    rows = anneal("bernoulli")
    assert {(row["direction"], row["temperatures"]) for row in rows} == {(d, t) for d in DIRECTIONS for t in (5, 400)}
    for row in rows:
        assert (row["high"] - row["low"]) / 2 == pytest.approx(1.96 * row["std_error"], rel=1e-4)
        assert row["test_low"] < row["test_log_likelihood"] < row["test_high"]


def test_every_run_has_a_stream_of_its_own_and_workers_change_none() -> None:
    twice = anneal("bernoulli", temperatures=[20, 20])
    assert len({row["log_z"] for row in twice}) == 4
    assert twice == anneal("bernoulli", temperatures=[20, 20], workers=3)
    assert twice[:2] == anneal("bernoulli", temperatures=[20])
    assert twice != anneal("bernoulli", temperatures=[20, 20], seed=1)


def test_the_interval_of_the_mean_holds_the_error_of_the_partition_function() -> None:
    rbm, test = small("bernoulli"), values("bernoulli", rows=50)
    exactly = mean_interval(log_likelihood(rbm, test, LogZ(3.0, 0.0)))
    assert mean_log_likelihood(rbm, test, LogZ(3.0, 0.0)) == pytest.approx(exactly)
    unsure = mean_log_likelihood(rbm, test, LogZ(3.0, 2.0))
    assert unsure.mean == exactly.mean
    assert unsure.standard_error == pytest.approx(math.hypot(exactly.standard_error, 2.0))


def test_units_by_moments_have_no_estimate() -> None:
    with pytest.raises(InputError, match="no likelihood"):
        estimates(
            RBM(4, 2, visible="beta"), torch.rand(9, 4), torch.rand(9, 4), temperatures=[2], chains=2, burn_in=0, seed=0
        )
