"""The inference network: shapes, gradients, and where its first weights come from."""

import torch
from torch import nn

from latents.models.encoders import InferenceNetwork, initialise, mlp


def network() -> InferenceNetwork:
    return InferenceNetwork(mlp((6, 5, 4)), n_features=4, latent_dim=3)


def test_mlp_alternates_linear_layers_of_the_given_widths_with_relu():
    layers = list(mlp((6, 5, 4)))
    assert [type(layer) for layer in layers] == [nn.Linear, nn.ReLU, nn.Linear, nn.ReLU]
    assert [(layer.in_features, layer.out_features) for layer in layers[::2]] == [(6, 5), (5, 4)]


def test_mu_and_logvar_are_the_two_halves_of_the_head():
    encoder = network()
    x = torch.rand(7, 6, generator=torch.Generator().manual_seed(0))
    mu, logvar = encoder(x)
    whole = encoder.head(encoder.trunk(x))
    assert mu.shape == logvar.shape == (7, 3)
    assert torch.equal(torch.cat([mu, logvar], dim=1), whole)


def test_a_rows_code_does_not_depend_on_its_batch():
    encoder = network().double()
    x = torch.rand(7, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    mu, logvar = encoder(x)
    mu_alone, logvar_alone = encoder(x[3:4])
    torch.testing.assert_close(mu[3:4], mu_alone)
    torch.testing.assert_close(logvar[3:4], logvar_alone)


def test_gradients_reach_every_parameter():
    encoder = network()
    initialise(encoder, generator=torch.Generator().manual_seed(0))
    mu, logvar = encoder(torch.rand(7, 6, generator=torch.Generator().manual_seed(1)))
    (mu.square().sum() + logvar.square().sum()).backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in encoder.parameters())


def test_first_weights_depend_on_the_generator_only():
    first, second, other = network(), network(), network()
    for encoder, seed in [(first, 0), (second, 0), (other, 1)]:
        initialise(encoder, generator=torch.Generator().manual_seed(seed))
    pairs = list(zip(first.parameters(), second.parameters(), other.parameters(), strict=True))
    assert all(torch.equal(a, b) and not torch.equal(a, c) for a, b, c in pairs)


def test_first_weights_have_the_spread_of_torchs_default():
    ours, torchs = nn.Linear(400, 300), nn.Linear(400, 300)
    initialise(ours, generator=torch.Generator().manual_seed(0))
    for mine, default in zip(ours.parameters(), torchs.parameters(), strict=True):
        assert mine.abs().max() <= 1 / 20
        torch.testing.assert_close(mine.std(), default.std(), rtol=0.15, atol=0)
