"""The VAE's mathematics against torch.distributions and quadrature, and its round trip through a
file."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.distributions import Bernoulli, Normal, kl_divergence

from relatent.errors import InputError
from relatent.files.weights import read_weights, write_weights
from relatent.networks.objectives import bound_only, kl_warm_up
from relatent.vae.model import architecture, bernoulli_log_likelihood, build, gaussian_kl, gaussian_log_ratio


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def tiny(latent_dim: int = 2, seed: int = 0):
    sizes = architecture(n_visible=12, latent_dim=latent_dim, encoder_widths=(8, 7), decoder_widths=(6, 5))
    return build(sizes, generator=seeded(seed))


def pixels(n: int = 9, seed: int = 1) -> torch.Tensor:
    return torch.randint(0, 2, (n, 12), generator=seeded(seed)).float()


def test_kl_equals_torchs():
    mu, logvar = torch.randn(2, 50, 3, generator=seeded(), dtype=torch.float64)
    posterior = Normal(mu, torch.exp(0.5 * logvar))
    prior = Normal(torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64))
    torch.testing.assert_close(gaussian_kl(mu=mu, logvar=logvar), kl_divergence(posterior, prior))


def test_kl_is_zero_at_the_prior_and_positive_elsewhere():
    assert gaussian_kl(mu=torch.zeros(3), logvar=torch.zeros(3)).tolist() == [0, 0, 0]
    assert (gaussian_kl(mu=torch.tensor([0.1, 0.0]), logvar=torch.tensor([0.0, -0.1])) > 0).all()


@pytest.mark.parametrize("rows", [(9, 12), (12,)])
def test_bernoulli_log_likelihood_equals_torchs_for_rows_and_for_one_row(rows):
    logits = 5 * torch.randn(9, 12, generator=seeded(), dtype=torch.float64)
    x = torch.randint(0, 2, rows, generator=seeded(1)).double()
    expected = Bernoulli(logits=logits).log_prob(x.expand(9, 12)).sum(1)
    torch.testing.assert_close(bernoulli_log_likelihood(x=x, logits=logits), expected)


def test_bernoulli_log_likelihood_is_finite_at_extreme_logits():
    logits = torch.tensor([[1e4, -1e4]])
    assert bernoulli_log_likelihood(x=torch.tensor([1.0, 0.0]), logits=logits).item() == 0
    assert bernoulli_log_likelihood(x=torch.tensor([[0.0, 0.0]]), logits=logits).item() == -1e4


def test_elbo_by_monte_carlo_agrees_with_quadrature_for_one_latent():
    model, x = tiny(latent_dim=1), pixels(1)
    with torch.no_grad():
        mu, logvar = model.encode(x)
        nodes, weights = np.polynomial.hermite_e.hermegauss(60)  # of exp(-t^2 / 2)
        z = mu + torch.exp(0.5 * logvar) * torch.from_numpy(nodes)[:, None].float()  # (60, 1)
        given_z = model.log_likelihood(x=x[0], z=z).double()
        exact = -(torch.from_numpy(weights / np.sqrt(2 * np.pi)) * given_z).sum()
        drawn = model.elbo_parts(x.expand(20_000, -1), generator=seeded())
    error = drawn["reconstruction"].std() / 20_000**0.5
    assert error < 0.01
    assert abs(drawn["reconstruction"].mean() - exact) <= 4 * error
    torch.testing.assert_close(drawn["kl"][0], gaussian_kl(mu=mu, logvar=logvar).sum())


def test_reparameterised_draws_have_the_asked_moments():
    model = tiny()
    mu, logvar = torch.tensor([[1.0, -2.0]]), torch.tensor([[0.0, -3.0]])
    z = model.reparameterise(mu=mu.expand(50_000, 2), logvar=logvar.expand(50_000, 2), generator=seeded())
    torch.testing.assert_close(z.mean(0), mu[0], rtol=0, atol=0.02)
    torch.testing.assert_close(z.var(0), logvar[0].exp(), rtol=0.03, atol=0)


def test_gradients_of_the_elbo_agree_with_finite_differences():
    model, x = tiny().double(), pixels(3).double()
    weight = model.encoder.head.weight

    def loss() -> torch.Tensor:
        return torch.stack([part.sum() for part in model.elbo_parts(x, generator=seeded(2)).values()]).sum()

    loss().backward()
    for index in [(0, 0), (1, 2), (2, 3), (3, 1)]:  # mu's and logvar's rows
        with torch.no_grad():
            before = weight[index].item()
            weight[index] = before + 1e-6
            above = loss()
            weight[index] = before - 1e-6
            below = loss()
            weight[index] = before
        assert weight.grad[index].item() == pytest.approx(((above - below) / 2e-6).item(), rel=1e-5, abs=1e-8)


def test_both_parts_are_a_value_a_row_and_together_reach_every_parameter():
    model = tiny()
    parts = model.elbo_parts(pixels(), generator=seeded())
    assert {name: part.shape for name, part in parts.items()} == {"reconstruction": (9,), "kl": (9,)}
    sum(part.mean() for part in parts.values()).backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.parameters())


def test_samples_are_pixel_means_and_repeat_with_the_generator():
    model = tiny()
    first, second = (model.sample(5, generator=seeded(3)) for _ in range(2))
    assert first.shape == (5, 12)
    assert bool(((first > 0) & (first < 1)).all())
    assert torch.equal(first, second)
    assert not first.requires_grad


def test_building_draws_from_the_generator_only():
    before = torch.get_rng_state()
    first, second, other = tiny(seed=0), tiny(seed=0), tiny(seed=1)
    assert torch.equal(before, torch.get_rng_state())
    same = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in same)
    assert not torch.equal(first.decoder[0].weight, other.decoder[0].weight)


def test_a_model_read_from_its_file_is_the_model(tmp_path):
    sizes = architecture(n_visible=12, latent_dim=2, encoder_widths=(8, 7), decoder_widths=(6, 5))
    model = build(sizes, generator=seeded())
    write_weights(tmp_path / "model.safetensors", model.state_dict(), sizes)
    state, kept = read_weights(tmp_path / "model.safetensors")
    again = build(kept, generator=seeded(9))
    again.load_state_dict(state)
    assert kept == sizes
    assert torch.equal(again.sample(3, generator=seeded(1)), model.sample(3, generator=seeded(1)))


def test_the_architecture_is_as_asked():
    model = build(architecture(n_visible=784, latent_dim=2), generator=seeded())
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
    sizes = [(layer.in_features, layer.out_features) for layer in layers]
    assert sizes == [(784, 500), (500, 500), (500, 4), (2, 500), (500, 500), (500, 784)]


def test_an_impossible_architecture_is_one_line():
    with pytest.raises(InputError, match="encoder must be one of mlp, lstm, gru, bigru, got 'lsmt'"):
        build(architecture(n_visible=784, latent_dim=2, encoder="lsmt"), generator=seeded())
    with pytest.raises(InputError, match="at least 1"):
        build(architecture(n_visible=784, latent_dim=0), generator=seeded())
    with pytest.raises(InputError, match="one layer and reads whole rows"):
        build(architecture(n_visible=784, latent_dim=2, encoder="gru", row_width=27), generator=seeded())


@pytest.mark.parametrize("encoder", ["lstm", "gru", "bigru"])
def test_networks_differ_by_their_trunk_only(encoder):
    """The decoder and the head's outputs are those of the MLP's model."""
    sizes = {"n_visible": 12, "latent_dim": 2, "decoder_widths": (6, 5), "row_width": 4}
    model = build(architecture(encoder=encoder, encoder_widths=(7,), **sizes), generator=seeded())
    plain = build(architecture(encoder="mlp", encoder_widths=(7,), **sizes), generator=seeded())
    shapes = ([value.shape for value in each.decoder.state_dict().values()] for each in (model, plain))
    assert next(shapes) == next(shapes)
    mu, logvar = model.encode(pixels())
    assert mu.shape == logvar.shape == (9, 2)


# --- objectives -----------------------------------------------------------------------------------


def test_the_log_ratio_is_that_of_torchs_densities():
    z, mu, logvar = torch.randn(3, 20, 4, generator=seeded(), dtype=torch.float64)
    prior = Normal(torch.zeros(4, dtype=torch.float64), torch.ones(4, dtype=torch.float64))
    expected = (prior.log_prob(z) - Normal(mu, torch.exp(0.5 * logvar)).log_prob(z)).sum(-1)
    torch.testing.assert_close(gaussian_log_ratio(z=z, mu=mu, logvar=logvar), expected)


def test_the_weight_of_the_kl_rises_linearly_and_stays_at_one():
    parts = {"reconstruction": torch.tensor([10.0, 20.0]), "kl": torch.tensor([4.0, 8.0]), "free_bits": torch.ones(2)}
    values = [kl_warm_up(4)(parts, step).item() for step in (0, 1, 2, 4, 9)]
    assert values == pytest.approx([15, 15 + 7 / 4, 15 + 7 / 2, 22, 22])


def test_free_bits_lift_each_dimensions_mean_kl_to_its_floor():
    """By hand: KLs of a batch of two in two dimensions, floor 1: the first is below it, the second
    above."""
    model, x = tiny(), pixels(2)
    mu = torch.tensor([[1.0, 2.0], [0.0, 2.0]], requires_grad=True)  # KLs .5 and 2; 0 and 2
    model.encode = lambda _: (mu, torch.zeros(2, 2))
    parts = model.elbo_parts(x, generator=seeded(), free_bits=1.0)
    assert parts["kl"].tolist() == [2.5, 2.0]
    assert parts["free_bits"].tolist() == [0.75, 0.75]
    (gradient,) = torch.autograd.grad((parts["kl"] + parts["free_bits"]).mean(), mu)
    assert gradient.tolist() == [[0.0, 1.0], [0.0, 1.0]]  # none where the KL is free
    assert "free_bits" not in model.elbo_parts(x, generator=seeded())


def test_the_bound_of_one_draw_is_a_draw_of_the_elbo():
    """With k = 1 it is log p(x | z) + log p(z) - log q(z | x), whose mean is the ELBO."""
    model, x = tiny(), pixels(1).expand(40_000, -1)
    with torch.no_grad():
        bound = model.bound_parts(x, draws=1, generator=seeded())["bound"]
        parts = model.elbo_parts(x, generator=seeded(1))
    elbo = parts["reconstruction"] + parts["kl"]
    error = (bound.var() / len(bound) + elbo.var() / len(elbo)).sqrt()
    assert error < 0.01
    assert abs(bound.mean() - elbo.mean()) < 4 * error


def test_the_bound_of_several_draws_is_the_log_mean_weight():
    """Against a loop over the same draws with torch's densities; the two parts beside it are means
    over draws."""
    model, x = tiny(), pixels(4)
    parts = model.bound_parts(x, draws=3, generator=seeded(5))
    mu, logvar = model.encode(x)
    z = mu + torch.exp(0.5 * logvar) * torch.randn(3, 4, 2, generator=seeded(5))
    weights, given = torch.zeros(3, 4), torch.zeros(3, 4)
    for draw in range(3):
        given[draw] = model.log_likelihood(x=x, z=z[draw])
        prior, posterior = Normal(torch.zeros(2), torch.ones(2)), Normal(mu, torch.exp(0.5 * logvar))
        weights[draw] = given[draw] + (prior.log_prob(z[draw]) - posterior.log_prob(z[draw])).sum(-1)
    torch.testing.assert_close(parts["bound"], -weights.exp().mean(0).log())
    torch.testing.assert_close(parts["reconstruction"], -given.mean(0))
    assert bound_only(parts, 0).item() == pytest.approx(parts["bound"].mean().item())


def test_the_bounds_gradient_is_that_of_the_plain_estimator_in_expectation():
    """The encoder's doubly reparameterised gradient, over many draws, against autograd through
    everything."""
    model, x = tiny().double(), pixels(1).double().expand(60_000, -1)
    bias = model.encoder.head.bias

    def plain() -> torch.Tensor:
        mu, logvar = model.encode(x)
        noise = torch.randn(2, *mu.shape, generator=seeded(8), dtype=mu.dtype)
        z = mu + torch.exp(0.5 * logvar) * noise
        log_weights = model.log_likelihood(x=x, z=z) + gaussian_log_ratio(z=z, mu=mu, logvar=logvar)
        return -(torch.logsumexp(log_weights, 0) - np.log(2)).mean()

    (ours,) = torch.autograd.grad(model.bound_parts(x, draws=2, generator=seeded(7))["bound"].mean(), bias)
    (expected,) = torch.autograd.grad(plain(), bias)
    assert expected.abs().min() > 0.01
    torch.testing.assert_close(ours, expected, rtol=0.1, atol=0.01)
