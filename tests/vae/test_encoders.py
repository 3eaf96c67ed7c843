"""The inference network: shapes, gradients, and where its first weights come from."""

import copy

import pytest
import torch
from torch import nn

from relatent.networks.initialisation import initialise
from relatent.vae.encoders import CELLS, InferenceNetwork, RowReader, mlp


def network() -> InferenceNetwork:
    return InferenceNetwork(mlp((6, 5, 4)), n_features=4, latent_dim=3)


def test_mlp_alternates_linear_layers_of_the_given_widths_with_relu():
    layers = list(mlp((6, 5, 4)))
    assert [type(layer) for layer in layers] == [nn.Linear, nn.ReLU, nn.Linear, nn.ReLU]
    assert [(layer.in_features, layer.out_features) for layer in layers[::2]] == [(6, 5), (5, 4)]


@pytest.mark.parametrize("shape", [(6,), (1, 6), (9, 6), (2, 3, 4, 6), (0, 6)])
def test_layers_by_onednn_give_what_torchs_own_give(shape):
    """Values, and gradients of weights and input, whatever the leading axes; the second is in
    float64, thus torch's."""
    layers = mlp((6, 50, 4))
    initialise(layers, generator=torch.Generator().manual_seed(0))
    x = torch.randn(shape[::-1], generator=torch.Generator().manual_seed(1))
    x = x.permute(*reversed(range(x.dim())))  # not contiguous
    found = []
    for own, dtype in ((copy.deepcopy(layers), torch.float32), (layers.double(), torch.float64)):
        read = x.to(dtype, copy=True).requires_grad_()
        out = own(read)
        out.square().sum().backward()
        found.append([out, read.grad, *[parameter.grad for parameter in own.parameters()]])
    assert found[0][0].shape == (*shape[:-1], 4)
    for fast, slow in zip(*found, strict=True):
        assert fast.dtype == torch.float32
        torch.testing.assert_close(fast.double(), slow, rtol=1e-5, atol=1e-5)


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


# --- recurrent encoders ---------------------------------------------------------------------------


def reader(kind: str) -> RowReader:
    trunk = RowReader(kind, row_width=4, units=5)
    initialise(trunk, generator=torch.Generator().manual_seed(0))
    return trunk.double()


def images(n: int = 7) -> torch.Tensor:
    return torch.rand(n, 12, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize("kind", CELLS)
def test_an_images_features_do_not_depend_on_what_it_is_batched_with(kind):
    trunk, x = reader(kind), images()
    together = trunk(x)
    for row in range(len(x)):
        torch.testing.assert_close(trunk(x[row : row + 1])[0], together[row])
    others = torch.cat([100 * torch.ones(1, 12, dtype=torch.float64), x[3:4]])
    torch.testing.assert_close(trunk(others)[1], together[3])


def test_a_gru_reads_the_rows_from_top_to_bottom():
    """One step a row by the equations of Cho et al. 2014 in torch's order of gates."""
    trunk, x = reader("gru"), images()
    w_in, w_hidden, b_in, b_hidden = trunk.cells[0].all_weights[0]
    hidden = torch.zeros(len(x), 5, dtype=torch.float64)
    for row in x.reshape(len(x), 3, 4).unbind(1):
        from_row, from_hidden = (row @ w_in.T + b_in).chunk(3, 1), (hidden @ w_hidden.T + b_hidden).chunk(3, 1)
        reset, update = (torch.sigmoid(from_row[gate] + from_hidden[gate]) for gate in (0, 1))
        new = torch.tanh(from_row[2] + reset * from_hidden[2])
        hidden = (1 - update) * new + update * hidden
    torch.testing.assert_close(trunk(x), hidden)


def test_the_bidirectional_gru_joins_both_ways_of_reading():
    """Upside-down images swap the halves when both directions have the same weights."""
    trunk, x = reader("bigru"), images()
    with torch.no_grad():
        trunk.cells[1].load_state_dict(trunk.cells[0].state_dict())
    upside_down = x.reshape(-1, 3, 4).flip(1).reshape(-1, 12)
    torch.testing.assert_close(trunk(upside_down), trunk(x).roll(5, dims=1))
    assert trunk.n_features == 10


@pytest.mark.parametrize("kind", CELLS)
def test_a_recurrent_encoders_first_weights_come_from_the_generator_and_keep_what_was_read(kind):
    """Orthogonal recurrent weights; ones where the gate that keeps has its bias; inputs within
    their bound."""
    first, second = reader(kind), reader(kind)
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)
    for [(inputs, hidden, bias_in, bias_hidden)] in (cell.all_weights for cell in first.cells):
        assert 0.8 * (6 / 4) ** 0.5 < inputs.abs().max() <= (6 / 4) ** 0.5
        for gate in hidden.split(5):
            torch.testing.assert_close(gate @ gate.T, torch.eye(5, dtype=torch.float64), atol=1e-6, rtol=0)
        assert not bias_in.any()
        assert bias_hidden.split(5)[1].eq(1).all()
        assert bias_hidden.sum() == 5
