"""Partition functions: enumeration against brute force, annealing against enumeration, streams,
refusals."""

import itertools

import numpy as np
import pytest
import torch

from relatent.errors import InputError
from relatent.rbm.model import RBM
from relatent.rbm.partition import BLOCK_CHAINS, LogZ, _log_mean, log_likelihood, log_partition

WITH_ENERGY = ("bernoulli", "exact_beta")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def values(visible: str, rows: int = 300, n: int = 12) -> torch.Tensor:
    """Skewed columns; squared uniform draws have a density without bound at 0, the hard case of
    Beta units."""
    drawn = torch.rand(rows, n, generator=seeded(1))
    return (drawn < torch.linspace(0.1, 0.9, n)).float() if visible == "bernoulli" else drawn.square()


def small(visible: str, *, n: int = 12, n_hidden: int = 8, std: float = 0.5) -> RBM:
    rbm = RBM(n, n_hidden, visible=visible)
    draws = seeded(2)
    rbm.initialise(values(visible, n=n), generator=draws, std=std)
    with torch.no_grad():
        rbm.hidden_bias.normal_(generator=draws)
        if rbm.visible.centred:
            rbm.hidden_centre.uniform_(0.2, 0.8, generator=draws)
    return rbm


def test_enumeration_equals_the_sum_over_all_states_of_both_layers():
    rbm = small("bernoulli", n=6, n_hidden=5)
    v = torch.tensor(list(itertools.product((0.0, 1.0), repeat=6)))
    h = torch.tensor(list(itertools.product((0.0, 1.0), repeat=5)))
    rows = torch.cartesian_prod(torch.arange(len(v)), torch.arange(len(h)))
    energies = rbm.energy(v[rows[:, 0]], h[rows[:, 1]]).detach().double()
    expected = torch.logsumexp(-energies, 0).item()
    assert log_partition(rbm, method="exact") == pytest.approx(LogZ(expected, 0.0), abs=1e-4)


def test_enumeration_equals_the_integral_of_the_free_energy_for_beta_units():
    rbm = small("exact_beta", n=2, n_hidden=3).double()
    with torch.no_grad():
        # smooth: quadrature is exact
        rbm.visible_bias.copy_(torch.tensor([2.2, 2.5, 3.0, 2.1]).log())
        nodes, weights = np.polynomial.legendre.leggauss(100)
        x, w = torch.from_numpy((nodes + 1) / 2), torch.from_numpy(weights / 2)
        density = torch.exp(-rbm.free_energy(torch.cartesian_prod(x, x)))
    total = (torch.outer(w, w).flatten() @ density).log().item()
    assert log_partition(rbm, method="exact").value == pytest.approx(total, abs=1e-5)


def test_the_likelihoods_of_all_states_sum_to_one():
    rbm = small("bernoulli", n=8)
    v = torch.tensor(list(itertools.product((0.0, 1.0), repeat=8)))
    logs = log_likelihood(rbm, v, log_partition(rbm, method="exact"))
    assert logs.dtype == torch.float64
    assert torch.logsumexp(logs, 0).item() == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("visible", WITH_ENERGY)
@pytest.mark.parametrize("method", ["ais", "reverse-ais"])
def test_annealing_is_within_a_tenth_of_a_nat_of_enumeration(visible, method):
    rbm = small(visible)
    exact = log_partition(rbm, method="exact").value
    estimate = log_partition(
        rbm,
        method=method,
        data=values(visible),
        temperatures=500,
        chains=100,
        burn_in=200,
        generator=seeded(),
        workers=2,
    )
    assert abs(estimate.value - exact) < 0.1
    assert abs(estimate.value - exact) < 5 * estimate.std_error
    assert 0 < estimate.std_error < 0.05


@pytest.mark.parametrize("visible", WITH_ENERGY)
def test_without_weights_annealing_is_exact_at_once(visible):
    rbm = RBM(12, 4, visible=visible)
    data = values(visible)
    rbm.initialise(data, generator=seeded(), std=0.0)
    estimate = log_partition(rbm, data=data, temperatures=1, chains=10, generator=seeded())
    assert estimate.value == pytest.approx(log_partition(rbm, method="exact").value, abs=1e-4)
    assert estimate.std_error < 1e-4


def test_the_standard_error_is_that_of_repeated_runs():
    rbm = small("bernoulli", std=1.0)
    runs = [
        log_partition(rbm, data=values("bernoulli"), temperatures=20, chains=100, generator=seeded(seed))
        for seed in range(40)
    ]
    spread = np.std([run.value for run in runs], ddof=1)
    claimed = np.mean([run.std_error for run in runs])
    assert 0.6 < claimed / spread < 1.6


def test_the_mean_of_weights_far_beyond_a_floats_range_is_exact():
    log_weights = torch.tensor([1000.0, 1000.0 + np.log(3)], dtype=torch.float64)
    value, std_error = _log_mean(log_weights)
    assert value == pytest.approx(1000 + np.log(2))
    # std sqrt(2) of weights 1 and 3, over the mean 2 and sqrt(2)
    assert std_error == pytest.approx(0.5)


@pytest.mark.parametrize("visible", WITH_ENERGY)
@pytest.mark.parametrize("method", ["ais", "reverse-ais"])
def test_the_number_of_workers_changes_no_bit(visible, method):
    rbm, data = small(visible), values(visible)
    options = {"data": data, "temperatures": 30, "chains": 2 * BLOCK_CHAINS + 7, "burn_in": 5}
    runs = [log_partition(rbm, method=method, generator=seeded(4), workers=workers, **options) for workers in (1, 2, 5)]
    assert runs[0] == runs[1] == runs[2]
    assert runs[0] != log_partition(rbm, method=method, generator=seeded(5), **options)


def test_the_callers_thread_setting_comes_back():
    before = torch.get_num_threads()
    log_partition(small("bernoulli"), data=values("bernoulli"), temperatures=2, chains=3, generator=seeded())
    assert torch.get_num_threads() == before


def test_annealing_takes_nothing_from_torchs_global_generator():
    before = torch.get_rng_state()
    log_partition(small("exact_beta"), data=values("exact_beta"), temperatures=5, generator=seeded())
    assert torch.equal(before, torch.get_rng_state())


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("visible", "hidden"),
    [("beta", "bernoulli"), ("gaussian", "bernoulli"), ("beta", "beta"), ("bernoulli", "beta")],
)
def test_units_without_an_energy_are_refused_in_one_line_that_says_what_is_defined(visible, hidden):
    rbm = RBM(4, 3, visible=visible, hidden=hidden)
    for call in (
        lambda: log_partition(rbm, method="exact"),
        lambda: log_likelihood(rbm, torch.rand(2, 4), LogZ(0.0, 0.0)),
    ):
        with pytest.raises(InputError, match=r"follows from no energy; use reconstruction_error") as caught:
            call()
        assert "\n" not in str(caught.value)


def test_enumeration_of_more_than_twenty_hidden_units_is_refused():
    with pytest.raises(InputError, match="at most 20 hidden units, got 21"):
        log_partition(RBM(3, 21), method="exact")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"method": "bridge"}, "one of exact, ais, reverse-ais, got 'bridge'"),
        ({"data": None}, "needs data and a generator"),
        ({"generator": None}, "needs data and a generator"),
        ({"temperatures": 0}, "at least 1"),
        ({"chains": 0}, "at least 1"),
        ({"data": torch.zeros(5, 3)}, r"visible rows must be \(n, 12\), got \(5, 3\)"),
    ],
)
def test_bad_options_are_one_line(options, said):
    settings = {"data": values("bernoulli"), "generator": seeded()} | options
    with pytest.raises(InputError, match=said) as caught:
        log_partition(small("bernoulli"), **settings)
    assert "\n" not in str(caught.value)


def test_rows_of_another_width_are_one_line():
    with pytest.raises(InputError, match=r"visible rows must be \(n, 12\), got \(2, 5\)"):
        log_likelihood(small("bernoulli"), torch.zeros(2, 5), LogZ(0.0, 0.0))
