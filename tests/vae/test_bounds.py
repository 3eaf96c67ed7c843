"""Bounds against quadrature, against each other, and independence from block size, memory and
workers."""

import copy
import math

import numpy as np
import pytest
import torch

from relatent.errors import InputError
from relatent.stats.intervals import mean_interval
from relatent.vae import bounds as likelihood
from relatent.vae.bounds import importance_weighted_bound, monte_carlo_elbo
from relatent.vae.model import VAE, architecture, build


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def tiny(latent_dim: int) -> VAE:
    """A model whose decoder depends on z and whose q(z | x) is not the posterior."""
    sizes = architecture(n_visible=12, latent_dim=latent_dim, encoder_widths=(8, 7), decoder_widths=(16, 16))
    model = build(sizes, generator=seeded())
    with torch.no_grad():
        for parameter in model.decoder.parameters():
            parameter.mul_(2)
    return model


def pixels(n: int) -> torch.Tensor:
    return torch.randint(0, 2, (n, 12), generator=seeded(1)).float()


def exact_log_likelihood(model: VAE, x: torch.Tensor, latent_dim: int) -> torch.Tensor:
    """log p(x) by the midpoint rule on a grid over [-7, 7]^latent_dim, in float64; (n,)."""
    axis = torch.linspace(-7, 7, 281, dtype=torch.float64)
    z = torch.cartesian_prod(*[axis] * latent_dim).reshape(-1, latent_dim)  # (nodes, latent_dim)
    log_prior = -0.5 * z.square().sum(1) - latent_dim * 0.5 * math.log(2 * math.pi)
    with torch.no_grad():
        logits = copy.deepcopy(model).double().decode(z)  # (nodes, 12)
    log_on, log_off = -torch.log1p(torch.exp(-logits)), -torch.log1p(torch.exp(logits))
    joint = x.double() @ log_on.T + (1 - x.double()) @ log_off.T + log_prior  # (n, nodes)
    return torch.logsumexp(joint, dim=1) + latent_dim * math.log(axis[1] - axis[0])


@pytest.mark.parametrize("latent_dim", [1, 2])
def test_bound_approaches_the_exact_log_likelihood(latent_dim):
    model, x = tiny(latent_dim), pixels(5)
    exact = exact_log_likelihood(model, x, latent_dim)
    bound = importance_weighted_bound(model, x, samples=20_000, generator=seeded())
    assert bound.dtype == torch.float64
    torch.testing.assert_close(bound, exact, rtol=0, atol=0.02)


def test_quadrature_over_all_x_sums_to_one():
    """The reference of the test above is itself a probability: it sums to 1 over the 2^12 binary
    rows."""
    every = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 12)  # (4096, 12)
    assert exact_log_likelihood(tiny(1), every, 1).exp().sum().item() == pytest.approx(1, abs=1e-6)


def test_elbo_is_below_the_bound_which_rises_with_the_samples_and_stays_below_the_truth():
    model, x = tiny(2), pixels(1)
    many = x.expand(2_000, -1)  # the bounds hold in expectation: average over many repetitions
    elbo = monte_carlo_elbo(model, many, samples=1, generator=seeded()).mean()
    means = [
        importance_weighted_bound(model, many, samples=samples, generator=seeded()).mean() for samples in (1, 4, 16, 64)
    ]
    exact = exact_log_likelihood(model, x, 2)[0]
    assert torch.equal(elbo, means[0])  # one sample: the same estimate
    assert means[0] < means[1] < means[2] < means[3] < exact + 0.01
    assert exact - means[0] > 0.05  # q is not the posterior, or the test could not fail


def test_monte_carlo_elbo_agrees_with_the_closed_form_parts():
    model, x = tiny(2), pixels(3)
    drawn = monte_carlo_elbo(model, x, samples=20_000, generator=seeded())
    with torch.no_grad():
        parts = [model.elbo_parts(row.expand(20_000, -1), generator=seeded(1)) for row in x]
    closed = torch.stack([-(part["reconstruction"].mean() + part["kl"].mean()) for part in parts])
    torch.testing.assert_close(drawn, closed.double(), rtol=0, atol=0.05)


def test_memory_and_workers_do_not_change_a_bit():
    model, x = tiny(2), pixels(230)  # five blocks, the last one short
    options = [{}, {"workers": 3}, {"workers": 3, "max_bytes": 300_000}, {"workers": 2}]
    bounds = [importance_weighted_bound(model, x, samples=300, generator=seeded(), **each) for each in options]
    assert all(torch.equal(bound, bounds[0]) for bound in bounds)
    other = importance_weighted_bound(model, x, samples=300, generator=seeded(1))
    assert not torch.equal(other, bounds[0])


def test_tile_size_changes_nothing_beyond_rounding(monkeypatch):
    model, x = tiny(2), pixels(60)
    whole = importance_weighted_bound(model, x, samples=300, generator=seeded())
    monkeypatch.setattr(likelihood, "TILE_SAMPLES", 7)
    torch.testing.assert_close(importance_weighted_bound(model, x, samples=300, generator=seeded()), whole)


def test_a_row_keeps_its_bound_when_later_blocks_are_added():
    model, x = tiny(2), pixels(200)
    whole = importance_weighted_bound(model, x, samples=10, generator=seeded())
    first = importance_weighted_bound(model, x[:100], samples=10, generator=seeded())
    assert torch.equal(whole[:100], first)


def test_callers_threads_and_gradients_are_left_as_they_were():
    model, before = tiny(2), torch.get_num_threads()
    bound = importance_weighted_bound(model, pixels(3), samples=2, generator=seeded(), workers=2)
    assert torch.get_num_threads() == before
    assert not bound.requires_grad
    assert all(parameter.grad is None for parameter in model.parameters())


def test_bound_equals_a_slow_loop_in_the_same_draws():
    model, x = tiny(2), pixels(1)
    seed = int(torch.randint(2**63 - 1, (), generator=seeded()))
    stream = seeded(int(np.random.SeedSequence(seed, spawn_key=(0,)).generate_state(1, np.uint64)[0]))
    with torch.no_grad():
        mu, logvar = (value[0] for value in model.encode(x))
        posterior = torch.distributions.Normal(mu, torch.exp(0.5 * logvar))
        prior = torch.distributions.Normal(torch.zeros(2), torch.ones(2))
        weights = []
        for noise in torch.randn(20, 2, generator=stream):
            z = mu + posterior.scale * noise
            given_z = torch.distributions.Bernoulli(logits=model.decode(z)).log_prob(x[0]).sum()
            weights.append(given_z + prior.log_prob(z).sum() - posterior.log_prob(z).sum())
    expected = torch.stack(weights).exp().mean().log().double()
    bound = importance_weighted_bound(model, x, samples=20, generator=seeded())
    torch.testing.assert_close(bound[0], expected, rtol=0, atol=1e-4)


def test_interval_covers_the_true_mean_about_95_times_in_100():
    draws = np.random.default_rng(0).exponential(size=(2_000, 400))
    covered = [low <= 1 <= high for _, _, low, high in map(mean_interval, draws)]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.015)


def test_interval_of_known_values():
    interval = mean_interval(np.array([1.0, 2.0, 3.0, 4.0]))
    assert interval.mean == 2.5
    assert interval.standard_error == pytest.approx(math.sqrt(5 / 3) / 2)
    assert (interval.low + interval.high) / 2 == pytest.approx(2.5)


def test_impossible_requests_are_one_line():
    model, x = tiny(2), pixels(3)
    with pytest.raises(InputError, match="samples and workers must be at least 1, got 0 and 1"):
        importance_weighted_bound(model, x, samples=0, generator=seeded())
    with pytest.raises(InputError, match=r"max_bytes must be at least \d+, got 10"):
        importance_weighted_bound(model, x, samples=5, generator=seeded(), max_bytes=10)
    with pytest.raises(InputError, match="at least two values"):
        mean_interval(np.array([1.0]))
    x[1, 4] = float("nan")
    with pytest.raises(InputError, match="row 1 is nan"):
        importance_weighted_bound(model, x, samples=5, generator=seeded())
