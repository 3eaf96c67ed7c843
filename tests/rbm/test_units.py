"""Units: Beta draws against scipy, the same for any number of threads; conditionals and integrals
by quadrature."""

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from relatent.errors import InputError
from relatent.rbm.beta import BLOCK_ROWS, beta_by_moments, sample_beta, sample_beta_log_odds
from relatent.rbm.units import unit

KINDS = ("bernoulli", "beta", "gaussian", "exact_beta")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def concentrations(ones: float, zeros: float, rows: int = 4000) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.full((rows, 5), float(ones)), torch.full((rows, 5), float(zeros))


@pytest.mark.parametrize(("ones", "zeros"), [(12, 12), (0.5, 0.7), (1, 1), (2.5, 0.3), (1000, 1000), (300, 5)])
def test_beta_draws_follow_scipys_distribution(ones, zeros):
    draws = sample_beta(*concentrations(ones, zeros), generator=seeded()).double().flatten().numpy()
    assert stats.kstest(draws, stats.beta(ones, zeros).cdf).pvalue > 1e-3


@pytest.mark.parametrize(("ones", "zeros"), [(12, 12), (0.5, 0.7), (0.05, 0.05), (1e-3, 1e-3), (1000, 0.01)])
def test_log_odds_of_beta_draws_follow_scipys_distribution(ones, zeros):
    odds = sample_beta_log_odds(*concentrations(ones, zeros), generator=seeded()).double().flatten().numpy()
    # the part that a double can tell from 0 and 1: there, the distribution of v; at the ends, their
    # share
    inside = np.abs(odds) < 30
    beta = stats.beta(ones, zeros)
    low, high = beta.cdf(1 / (1 + np.exp(30))), beta.sf(1 / (1 + np.exp(-30)))
    for ends, share in ((odds <= -30, low), (odds >= 30, high)):
        assert abs(ends.mean() - share) <= 4 * np.sqrt(share * (1 - share) / len(odds)) + 1e-9
    if inside.sum() > 100:
        v = 1 / (1 + np.exp(-odds[inside]))
        expected = (beta.cdf(v) - low) / (1 - low - high)
        assert stats.kstest(expected, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("sampler", [sample_beta, sample_beta_log_odds])
def test_concentrations_from_a_thousandth_to_a_thousand_give_no_nan(sampler):
    scale = torch.logspace(-3, 3, 25)
    ones, zeros = torch.meshgrid(scale, scale, indexing="ij")
    draws = sampler(ones.repeat(40, 1), zeros.repeat(40, 1), generator=seeded())
    assert draws.isfinite().all()
    if sampler is sample_beta:
        assert bool(((draws >= 0) & (draws <= 1)).all())


@pytest.mark.parametrize("sampler", [sample_beta, sample_beta_log_odds])
@pytest.mark.parametrize("rows", [1, BLOCK_ROWS, 5 * BLOCK_ROWS + 3])
def test_the_number_of_threads_changes_no_beta_draw(sampler, rows):
    means = torch.rand(rows, 7, generator=seeded())
    draws = [sampler(*beta_by_moments(means), generator=seeded(3), workers=workers) for workers in (1, 2, 5)]
    assert torch.equal(draws[0], draws[1])
    assert torch.equal(draws[0], draws[2])


def test_blocks_of_beta_draws_differ_and_the_generator_decides():
    ones, zeros = concentrations(2, 3, rows=2 * BLOCK_ROWS)
    draws = sample_beta(ones, zeros, generator=seeded(1))
    assert not torch.equal(draws[:BLOCK_ROWS], draws[BLOCK_ROWS:])
    assert not torch.equal(draws, sample_beta(ones, zeros, generator=seeded(2)))


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan")])
def test_a_concentration_that_is_not_positive_is_one_line(bad):
    ones, zeros = concentrations(2, 3, rows=2)
    ones[1, 2] = bad
    with pytest.raises(InputError, match=r"nan or not above 0.*lower the learning rate"):
        sample_beta(ones, zeros, generator=seeded())


def test_whole_number_concentrations_are_one_line():
    with pytest.raises(InputError, match=r"must be floats, got torch.int64"):
        sample_beta(torch.ones(2, 3).long(), torch.ones(2, 3), generator=seeded())


def test_concentrations_by_moments_have_the_asked_mean_and_deviation():
    mean = torch.tensor([0.05, 0.3, 0.5, 0.9], dtype=torch.float64)
    ones, zeros = beta_by_moments(mean, sigma=0.1)
    made = stats.beta(ones.numpy(), zeros.numpy())
    np.testing.assert_allclose(made.mean(), mean, rtol=0, atol=1e-4)
    np.testing.assert_allclose(made.std(), 0.1, rtol=2e-3)


def test_concentrations_by_moments_equal_the_notes_value_and_stay_positive_at_the_ends():
    ones, zeros = beta_by_moments(torch.tensor([0.5, 0.0, 1.0]))
    assert ones[0].item() == pytest.approx(11.99, abs=0.005)
    assert zeros[0].item() == pytest.approx(11.99, abs=0.005)
    assert bool((ones > 0).all() & (zeros > 0).all())


@pytest.mark.parametrize("kind", KINDS)
def test_draws_have_the_units_mean(kind):
    layer = unit(kind)
    # for exact_beta, concentrations less 1; the clipped Gaussian's mean is its own only away from 0
    # and 1
    natural = torch.tensor([0.4, -0.2, 1.1, 0.3, -0.5, 0.6])
    draws = layer.sample(natural.expand(40_000, -1), generator=seeded(), workers=1)
    torch.testing.assert_close(draws.mean(0), layer.mean(natural), rtol=0, atol=0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_the_fit_gives_the_marginals_of_independent_units_back(kind):
    layer = unit(kind)
    natural = torch.tensor([0.4, -0.2, 1.1, 0.3, 1.5, 0.6])
    draws = layer.sample(natural.expand(40_000, -1), generator=seeded(), workers=1)
    torch.testing.assert_close(layer.fit(draws), natural, rtol=0, atol=0.06)


@pytest.mark.parametrize("kind", KINDS)
def test_the_fit_of_a_constant_column_is_finite(kind):
    layer = unit(kind)
    values = torch.cat([torch.zeros(50, 1), torch.ones(50, 1)], dim=1)
    natural = layer.fit(values)
    assert natural.isfinite().all()
    assert layer.sample(natural.expand(9, -1), generator=seeded(), workers=1).isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_bias_gives_the_natural_parameters_with_every_hidden_unit_half_on(kind):
    layer = unit(kind)
    width = 4 * layer.statistics_per_unit
    weight = 0.05 * torch.randn(width, 3, generator=seeded())
    natural = torch.rand(width, generator=seeded(1)) + 0.5
    offset = layer.offset(layer.bias(natural, weight), weight)
    half = weight.sum(1) / 2 if kind == "exact_beta" else 0  # the others' is centred there
    torch.testing.assert_close(offset + half, natural)


def test_log_partition_of_beta_units_equals_quadrature():
    layer = unit("exact_beta")
    # A - 1 of 3 units, B - 1 of 3
    natural = torch.tensor([0.7, 2.0, -0.4, 1.5, 0.3, 4.0], dtype=torch.float64)
    expected = 0.0
    for ones, zeros in zip(natural[:3].tolist(), natural[3:].tolist(), strict=True):
        inside, _ = integrate.quad(lambda v, a=ones, b=zeros: v**a * (1 - v) ** b, 0, 1)
        expected += np.log(inside)
    assert layer.log_partition is not None
    assert layer.log_partition(natural).item() == pytest.approx(expected, abs=1e-6)


def test_concentrations_are_positive_for_every_hidden_state_whatever_the_weights():
    layer = unit("exact_beta")
    weight = 5 * torch.randn(8, 6, generator=seeded())
    bias = torch.randn(8, generator=seeded(1)) - 3
    states = ((torch.arange(2**6)[:, None] >> torch.arange(6)) & 1).float()
    natural = layer.offset(bias, weight) + states @ weight.t()
    assert (natural + 1).min() >= bias.exp().min() * 0.99


@pytest.mark.parametrize(("kind", "sigma"), [("gamma", 0.1), ("beta", 0.5), ("gaussian", 0.0)])
def test_an_unknown_unit_and_an_impossible_deviation_are_one_line(kind, sigma):
    with pytest.raises(InputError, match=r"must be .*, got"):
        unit(kind, sigma=sigma)
