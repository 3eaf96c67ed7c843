"""RBMs: free energies against sums and finite differences, conditionals against the energy,
training, files."""

import itertools

import numpy as np
import pytest
import torch
from scipy import integrate
from sklearn.neural_network import BernoulliRBM

from relatent.errors import InputError
from relatent.files.weights import read_weights, write_weights
from relatent.networks.schedules import linear_decay
from relatent.rbm.measure import pseudo_likelihood
from relatent.rbm.model import RBM, build, load, reconstruction_error
from relatent.rbm.sampling import gibbs
from relatent.rbm.training import ContrastiveDivergence, Options, train
from tests.support.flat import flat

PAIRS = [
    (visible, hidden) for visible in ("bernoulli", "beta", "gaussian", "exact_beta") for hidden in ("bernoulli", "beta")
]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def values(visible: str, rows: int = 7, n: int = 5, seed: int = 1) -> torch.Tensor:
    drawn = torch.rand(rows, n, generator=seeded(seed))
    return (drawn < 0.4).float() if visible == "bernoulli" else 0.02 + 0.96 * drawn


def tiny(visible: str = "bernoulli", hidden: str = "bernoulli", *, n: int = 5, n_hidden: int = 4, seed: int = 0) -> RBM:
    """A small RBM in float64 with weights, biases and centres all away from zero."""
    rbm = RBM(n, n_hidden, visible=visible, hidden=hidden)
    draws = seeded(seed)
    rbm.initialise(values(visible, rows=50, n=n), generator=draws, std=0.5)
    with torch.no_grad():
        rbm.hidden_bias.normal_(generator=draws)
        rbm.visible_bias.add_(0.3 * torch.randn(rbm.visible_bias.shape, generator=draws))
        if rbm.visible.centred:
            rbm.hidden_centre.uniform_(0.2, 0.8, generator=draws)
    return rbm.double()


def all_states(n: int) -> torch.Tensor:
    return torch.tensor(list(itertools.product((0.0, 1.0), repeat=n)), dtype=torch.float64)


# --- the energy -----------------------------------------------------------------------------------


@pytest.mark.parametrize("visible", ["bernoulli", "beta", "gaussian", "exact_beta"])
def test_free_energy_equals_the_sum_over_all_hidden_states(visible):
    rbm, v = tiny(visible), values(visible).double()
    states = all_states(4)
    for row in v:
        energies = rbm.energy(row.expand(len(states), -1), states)
        expected = -torch.logsumexp(-energies, 0)
        torch.testing.assert_close(rbm.free_energy(row[None])[0], expected)


def test_energy_of_the_uncentred_bernoulli_rbm_is_the_textbooks():
    rbm, v = tiny(), values("bernoulli").double()
    h = all_states(4)[:7]
    rbm.visible_centre.zero_()
    rbm.hidden_centre.zero_()
    expected = -(v @ rbm.visible_bias) - (h @ rbm.hidden_bias) - ((v @ rbm.weight) * h).sum(1)
    torch.testing.assert_close(rbm.energy(v, h), expected)


def test_energy_of_exact_beta_units_is_the_stated_one():
    rbm, v = tiny("exact_beta"), values("exact_beta").double()
    h = all_states(4)[:7]
    rbm.visible_centre.zero_()
    positive, negative = rbm.weight.relu(), (-rbm.weight).relu()  # W and U; W' and U'
    ones, zeros = (rbm.visible_bias.exp() + h @ positive.t() + (1 - h) @ negative.t()).chunk(2, dim=1)
    expected = -((ones - 1) * v.log() + (zeros - 1) * (1 - v).log()).sum(1) - h @ rbm.hidden_bias
    torch.testing.assert_close(rbm.energy(v, h), expected)


@pytest.mark.parametrize(("visible", "hidden"), PAIRS)
def test_gradients_of_the_free_energy_agree_with_finite_differences(visible, hidden):
    rbm, v = tiny(visible, hidden), values(visible).double()
    step = 1e-6
    for parameter in (rbm.weight, rbm.visible_bias, rbm.hidden_bias):
        rbm.zero_grad()
        rbm.free_energy(v).sum().backward()
        numeric = torch.zeros_like(parameter)
        for index in np.ndindex(*parameter.shape):
            ends = []
            for sign in (1, -1):
                with torch.no_grad():
                    parameter[index] += sign * step
                    ends.append(rbm.free_energy(v).sum().item())
                    parameter[index] -= sign * step
            numeric[index] = (ends[0] - ends[1]) / (2 * step)
        torch.testing.assert_close(parameter.grad, numeric, rtol=1e-5, atol=1e-6)


# --- conditionals ---------------------------------------------------------------------------------


@pytest.mark.parametrize("visible", ["bernoulli", "beta", "gaussian", "exact_beta"])
def test_hidden_means_follow_from_the_energy_by_enumeration(visible):
    rbm, v = tiny(visible), values(visible).double()
    states = all_states(4)
    for row in v:
        weights = torch.softmax(-rbm.energy(row.expand(len(states), -1), states), 0)
        torch.testing.assert_close(rbm.mean_hidden(row[None])[0], weights @ states)


def test_visible_means_of_bernoulli_units_follow_from_the_energy_by_enumeration():
    rbm, states = tiny(), all_states(5)
    for h in all_states(4):
        weights = torch.softmax(-rbm.energy(states, h.expand(len(states), -1)), 0)
        torch.testing.assert_close(rbm.mean_visible(h[None])[0], weights @ states)


def test_the_conditional_of_exact_beta_units_follows_from_the_energy_by_quadrature():
    rbm = tiny("exact_beta", n=1, n_hidden=3)
    for h in all_states(3):

        def density(value: float, h: torch.Tensor = h) -> float:
            v = torch.tensor([[value]], dtype=torch.float64)
            return torch.exp(-rbm.energy(v, h[None])).item()

        total, _ = integrate.quad(density, 0, 1)
        mean, _ = integrate.quad(lambda value: value * density(value), 0, 1)
        ones, zeros = (rbm.visible_natural(h[None])[0] + 1).tolist()
        assert rbm.mean_visible(h[None]).item() == pytest.approx(mean / total, abs=1e-5)
        # the whole distribution, not the mean alone
        expected = torch.distributions.Beta(ones, zeros)
        for value in (0.1, 0.5, 0.8):
            assert density(value) / total == pytest.approx(
                expected.log_prob(torch.tensor(value)).exp().item(), rel=1e-4
            )


@pytest.mark.parametrize(("visible", "hidden"), PAIRS)
def test_draws_are_in_range_have_the_means_and_do_not_depend_on_workers(visible, hidden):
    rbm = tiny(visible, hidden).float()
    v = values(visible)[:1].expand(20_000, -1)
    h = rbm.sample_hidden(v, generator=seeded())
    assert bool(((h >= 0) & (h <= 1)).all())
    torch.testing.assert_close(h.mean(0), rbm.mean_hidden(v[:1])[0], rtol=0, atol=0.02)
    again = rbm.sample_visible(h, generator=seeded(2))
    assert again.shape == v.shape
    assert bool(((again >= 0) & (again <= 1)).all())
    assert torch.equal(again, rbm.sample_visible(h, generator=seeded(2), workers=3))


@pytest.mark.parametrize(("visible", "hidden"), PAIRS)
def test_gibbs_chains_stay_finite_and_in_range(visible, hidden):
    rbm = tiny(visible, hidden).float()
    v = gibbs(rbm, values(visible), 50, generator=seeded())
    assert bool(((v >= 0) & (v <= 1)).all())
    assert torch.equal(v, gibbs(rbm, values(visible), 50, generator=seeded()))


def test_gibbs_chains_reach_the_models_distribution():
    rbm = tiny(n=3, n_hidden=2)
    states = all_states(3)
    expected = torch.softmax(-rbm.free_energy(states), 0)
    drawn = gibbs(rbm.float(), torch.zeros(40_000, 3), 30, generator=seeded())
    counts = torch.bincount((drawn @ torch.tensor([4.0, 2.0, 1.0])).long(), minlength=8) / len(drawn)
    torch.testing.assert_close(counts.double(), expected.detach(), rtol=0, atol=0.012)


# --- training -------------------------------------------------------------------------------------


def bars(rows: int = 400, side: int = 4) -> torch.Tensor:
    """Each row a random half of the bars of a small grid: the classic toy of RBMs."""
    on = (torch.rand(rows, side, generator=seeded(5)) < 0.4).float()
    return on.repeat_interleave(side, dim=1)


def fit_bars(visible: str = "bernoulli", hidden: str = "bernoulli", n_hidden: int = 8, **options):
    data = bars()
    data = data if visible == "bernoulli" else 0.1 + 0.8 * data
    rbm = RBM(16, n_hidden, visible=visible, hidden=hidden)
    draws = seeded(3)
    rbm.initialise(data, generator=draws)
    settings = {"epochs": 30, "batch_size": 20, "learning_rate": 0.1} | options
    sizes = {"n_train": 350, "n_validation": 50}
    return *flat(train)(rbm, lambda rows, _: data[rows], generator=draws, **sizes, **settings), data


@pytest.mark.parametrize(("visible", "hidden"), PAIRS)
@pytest.mark.parametrize("chains", [0, 20])
def test_training_learns_to_reconstruct(visible, hidden, chains):
    rate = {"optimizer": "adam", "learning_rate": 0.02}
    rbm, fitted, data = fit_bars(visible, hidden, chains=chains, **rate)
    errors = [row["validation_reconstruction"] for row in fitted.history]
    assert errors[-1] < 0.25 * data.var(0).mean().item()
    assert reconstruction_error(rbm, data[350:]).mean().item() == pytest.approx(errors[-1], rel=1e-5)


@pytest.mark.parametrize(
    "options",
    [
        {"momentum": 0.5, "weight_decay": 1e-4},
        {"steps": 3},
        {"mean_field_visible": True, "mean_field_hidden": True},
        {"centring": 0.0},
        {"averaging": 0.9},
        {"optimizer": "adam", "learning_rate": 0.01},
    ],
)
def test_every_option_of_training_learns_and_repeats(options):
    rbm, fitted, _ = fit_bars(epochs=12, **options)
    again, _, _ = fit_bars(epochs=12, **options)
    assert fitted.history[-1]["validation_reconstruction"] < fitted.history[0]["validation_reconstruction"]
    assert torch.equal(rbm.weight, again.weight)


def test_one_loss_has_the_gradient_of_contrastive_divergence():
    data = bars()[:20]
    rbm = RBM(16, 8)
    rbm.initialise(data, generator=seeded(), centring=False, std=0.3)
    still = Options(epochs=1, centring=0)
    divergence = ContrastiveDivergence(rbm, lambda rows, _: data[rows], still, generator=seeded(1))
    parts = divergence.loss_parts(torch.arange(20), seeded(2))
    torch.stack([part.mean() for part in parts.values()]).sum().backward()
    draws = seeded(2)
    h = rbm.sample_hidden(data, generator=draws)
    negative = rbm.sample_visible(h, generator=draws)
    expected = negative.t() @ rbm.mean_hidden(negative) - data.t() @ rbm.mean_hidden(data)
    torch.testing.assert_close(rbm.weight.grad, expected / 20)
    torch.testing.assert_close(rbm.visible_bias.grad, (negative - data).mean(0))


def test_moving_the_centre_does_not_change_the_model():
    data = bars()
    rbm = RBM(16, 8)
    rbm.initialise(data, generator=seeded(), std=0.5)
    rbm.double()
    before = rbm.free_energy(data.double())
    moving = Options(epochs=1, centring=0.5)
    divergence = ContrastiveDivergence(rbm, lambda rows, _: data[rows].double(), moving, generator=seeded())
    centre = rbm.hidden_centre.clone()
    divergence._centre(rbm.hidden_input(data.double()).detach())
    assert not torch.allclose(rbm.hidden_centre, centre)
    change = rbm.free_energy(data.double()) - before
    # a constant: log Z takes it up
    torch.testing.assert_close(change, change[:1].expand(len(data)))


def test_a_resumed_training_equals_an_unbroken_one(tmp_path):
    whole, _, _ = fit_bars(epochs=4, chains=20, averaging=0.9, final_rate=1.0)
    checkpoint = tmp_path / "checkpoint.safetensors"
    for epochs in (2, 4):
        resumed, _, _ = fit_bars(epochs=epochs, chains=20, averaging=0.9, final_rate=1.0, checkpoint=checkpoint)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_weight_decay_shrinks_the_weights():
    norms = [fit_bars(epochs=10, weight_decay=decay)[0].weight.norm().item() for decay in (0.0, 0.1)]
    assert norms[1] < 0.8 * norms[0]


def test_the_rate_falls_linearly_to_its_end():
    factor = linear_decay(total_steps=10, end=0.2)
    assert factor(0) == 1
    assert factor(5) == pytest.approx(0.6)
    assert factor(10) == pytest.approx(0.2)


@pytest.mark.parametrize(
    "options",
    [{"steps": 0}, {"chains": -1}, {"centring": 1.0}, {"averaging": 1.0}, {"optimizer": "lbfgs"}],
)
def test_an_option_out_of_range_is_one_line(options):
    with pytest.raises(InputError, match="got") as caught:
        fit_bars(**options)
    assert "\n" not in str(caught.value)


# --- pseudo-likelihood, files, bad input ----------------------------------------------------------


def test_pseudo_likelihood_equals_the_sum_of_the_conditionals_by_enumeration():
    rbm, v = tiny(), values("bernoulli").double()
    expected = torch.zeros(len(v), dtype=torch.float64)
    for i in range(5):
        pair = [v.clone(), v.clone()]
        pair[0][:, i], pair[1][:, i] = 0, 1
        logs = torch.stack([-rbm.free_energy(each) for each in pair], 1).log_softmax(1)
        expected += logs.gather(1, v[:, i : i + 1].long())[:, 0].detach()
    torch.testing.assert_close(pseudo_likelihood(rbm, v), expected)


def test_pseudo_likelihood_agrees_with_scikit_learns_on_average():
    data = bars()
    peer = BernoulliRBM(8, random_state=0, n_iter=5, learning_rate=0.05).fit(data.numpy())
    rbm = RBM(16, 8)
    with torch.no_grad():
        rbm.weight.copy_(torch.from_numpy(peer.components_.T))
        rbm.hidden_bias.copy_(torch.from_numpy(peer.intercept_hidden_))
        rbm.visible_bias.copy_(torch.from_numpy(peer.intercept_visible_))
    # it flips one random unit
    scores = np.mean([peer.score_samples(data.numpy()) for _ in range(60)])
    assert pseudo_likelihood(rbm, data).mean().item() == pytest.approx(scores, rel=0.03)
    free_energies = torch.from_numpy(peer._free_energy(data.numpy()))
    torch.testing.assert_close(rbm.free_energy(data), free_energies, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("visible", ["beta", "gaussian", "exact_beta"])
def test_pseudo_likelihood_of_continuous_units_is_one_line_that_names_what_is_defined(visible):
    with pytest.raises(InputError, match=r"bernoulli visible units.*reconstruction_error"):
        pseudo_likelihood(RBM(3, 2, visible=visible), torch.rand(4, 3))


@pytest.mark.parametrize(("visible", "hidden"), PAIRS)
def test_an_rbm_comes_back_from_its_file(tmp_path, visible, hidden):
    rbm = tiny(visible, hidden).float()
    path = tmp_path / "rbm.safetensors"
    write_weights(path, rbm.state_dict(), rbm.architecture())
    again = load(*read_weights(path))
    assert again.architecture() == rbm.architecture()
    v = values(visible)
    assert torch.equal(again.free_energy(v), rbm.free_energy(v))
    assert torch.equal(gibbs(again, v, 3, generator=seeded()), gibbs(rbm, v, 3, generator=seeded()))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"n_hidden": 9}, r"'weight' is \(5, 4\), the architecture needs \(5, 9\)"),
        ({"visible": "exact_beta"}, r"'weight' is \(5, 4\), the architecture needs \(10, 4\)"),
        ({"model": "vae"}, r"of a model 'vae', need 'rbm'"),
        ({"visible": "poisson"}, r"must be one of bernoulli.*got 'poisson'"),
    ],
)
def test_weights_of_another_architecture_are_one_line(change, said):
    rbm = tiny()
    with pytest.raises(InputError, match=said) as caught:
        load(rbm.state_dict(), rbm.architecture() | change)
    assert "\n" not in str(caught.value)


def test_weights_or_an_architecture_that_lack_something_are_one_line():
    rbm = tiny()
    state = {name: value for name, value in rbm.state_dict().items() if name != "hidden_bias"}
    with pytest.raises(InputError, match="the weights lack 'hidden_bias'"):
        load(state, rbm.architecture())
    with pytest.raises(InputError, match="lacks 'sigma'"):
        build({name: value for name, value in rbm.architecture().items() if name != "sigma"})


@pytest.mark.parametrize("call", ["mean_hidden", "free_energy"])
def test_features_of_another_width_are_one_line(call):
    with pytest.raises(InputError, match=r"visible rows must be \(n, 5\), got \(3, 6\)"):
        getattr(tiny(), call)(torch.rand(3, 6))


def test_hidden_rows_of_another_width_are_one_line():
    with pytest.raises(InputError, match=r"hidden rows must be \(n, 4\), got \(3, 5\)"):
        tiny().mean_visible(torch.rand(3, 5))


@pytest.mark.parametrize(
    "options", [{"visible": "binary"}, {"hidden": "gaussian"}, {"hidden": "exact_beta"}, {"sigma": 0.7}]
)
def test_units_that_there_are_not_are_one_line(options):
    with pytest.raises(InputError, match="must be"):
        RBM(3, 2, **options)


def test_an_empty_layer_is_one_line():
    with pytest.raises(InputError, match="units in both layers"):
        RBM(0, 2)
