"""The deep RBM: its energy against enumeration, its passes, greedy and joint training, its file."""

import itertools

import pytest
import torch

from relatent.errors import InputError
from relatent.files.weights import read_weights, write_weights
from relatent.rbm.deep import DeepRBM, load
from relatent.rbm.deep_training import stack, train_jointly
from relatent.rbm.model import RBM
from relatent.rbm.sampling import gibbs
from relatent.rbm.training import train
from tests.support.flat import flat

KINDS = [("bernoulli", "bernoulli"), ("beta", "bernoulli"), ("beta", "beta"), ("exact_beta", "bernoulli")]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def values(visible: str = "bernoulli", rows: int = 400) -> torch.Tensor:
    """Three prototypes of 16 units, a tenth of the units flipped: a layer above the middle one has
    work to do."""
    draws = seeded(5)
    prototypes = (torch.rand(3, 16, generator=draws) < 0.5).float()
    which = torch.randint(3, (rows,), generator=draws)
    flipped = (torch.rand(rows, 16, generator=draws) < 0.1).float()
    on = (prototypes[which] - flipped).abs()
    return on if visible == "bernoulli" else 0.1 + 0.8 * on


def tiny(visible: str = "bernoulli", hidden: str = "bernoulli", *, middle: int = 3, top: int = 2) -> DeepRBM:
    draws = seeded()
    data = values(visible)
    bottom = RBM(16, middle, visible=visible, hidden=hidden)
    bottom.initialise(data, generator=draws, std=0.3)
    above = RBM(middle, top, visible=hidden)
    above.initialise(bottom.mean_hidden(data), generator=draws, std=0.5)
    return DeepRBM(bottom, above)


def states(n: int) -> torch.Tensor:
    return torch.tensor(list(itertools.product((0.0, 1.0), repeat=n)))


def test_draws_of_the_middle_layer_follow_from_the_energy_by_enumeration():
    deep, v, h2 = tiny(), values()[:1], torch.tensor([[1.0, 0.0]])
    middle = states(3)
    with torch.no_grad():
        weights = torch.softmax(-deep.energy(v.expand(8, -1), middle, h2.expand(8, -1)), 0)
    drawn = deep.sample_middle(v.expand(40_000, -1), h2.expand(40_000, -1), generator=seeded())
    torch.testing.assert_close(drawn.mean(0), weights @ middle, rtol=0, atol=0.012)


def test_draws_of_the_top_follow_from_the_energy_by_enumeration():
    deep, v, h1 = tiny(), values()[:1], torch.tensor([[1.0, 0.0, 1.0]])
    top = states(2)
    with torch.no_grad():
        weights = torch.softmax(-deep.energy(v.expand(4, -1), h1.expand(4, -1), top), 0)
    _, drawn = deep.sample_outer(h1.expand(40_000, -1), generator=seeded())
    torch.testing.assert_close(drawn.mean(0), weights @ top, rtol=0, atol=0.012)


@pytest.mark.parametrize(("visible", "hidden"), KINDS)
def test_mean_field_converges(visible, hidden):
    deep, v = tiny(visible, hidden), values(visible)[:20]
    for passed, far in ((deep.up(v, steps=40), deep.up(v, steps=41)), (deep.up(v), deep.up(v, steps=41))):
        for a, b in zip(passed, far, strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=2e-3)


@pytest.mark.parametrize(("visible", "hidden"), KINDS)
def test_passes_have_their_shapes_and_stay_in_range(visible, hidden):
    deep, v = tiny(visible, hidden), values(visible)[:7]
    h1, h2 = deep.up(v)
    down_h1, down_v = deep.down(h2)
    drawn = gibbs(deep, v, 20, generator=seeded())
    assert (h1.shape, h2.shape, down_h1.shape, down_v.shape) == ((7, 3), (7, 2), (7, 3), (7, 16))
    for layer in (h1, h2, down_h1, down_v, drawn):
        assert bool(((layer >= 0) & (layer <= 1)).all())


def test_the_mix_goes_from_the_pass_down_to_the_pass_up():
    deep, v = tiny(), values()[:7]
    h1, h2 = deep.up(v)
    torch.testing.assert_close(deep.mix(v, 1.0), deep.bottom.mean_visible(h1))
    torch.testing.assert_close(deep.mix(v, 0.0), deep.bottom.mean_visible(deep.down(h2)[0]))
    half = (h1 + deep.down(h2)[0]) / 2
    torch.testing.assert_close(deep.mix(v, 0.5), deep.bottom.mean_visible(half))
    with pytest.raises(InputError, match=r"share must be in \[0, 1\], got 1.5"):
        deep.mix(v, 1.5)


def trained(visible: str = "bernoulli", hidden: str = "bernoulli", epochs: int = 15):
    data, draws = values(visible), seeded(3)
    options = {"n_train": 350, "n_validation": 50, "batch_size": 20, "optimizer": "adam", "generator": draws}

    def read(rows, _):
        return data[rows]

    bottom = RBM(16, 8, visible=visible, hidden=hidden)
    bottom.initialise(data, generator=draws)
    bottom, _ = flat(train)(bottom, read, epochs=20, learning_rate=0.02, **options)
    deep, greedy = flat(stack)(bottom, read, n_hidden=6, epochs=15, learning_rate=0.02, **options)
    fitted = flat(train_jointly)(deep, read, epochs=epochs, learning_rate=0.005, chains=20, **options)
    return deep, greedy, fitted, data, bottom


@pytest.mark.parametrize(("visible", "hidden"), KINDS)
def test_greedy_then_joint_training_learns_to_reconstruct_through_the_top(visible, hidden):
    deep, greedy, fitted, data, _ = trained(visible, hidden)
    assert greedy.history[-1]["validation_reconstruction"] < greedy.history[0]["validation_reconstruction"]
    # half of the variance is flips that no layer above can know
    assert fitted.history[-1]["validation_reconstruction"] < 0.7 * data.var(0).mean().item()
    assert gibbs(deep, data, 100, generator=seeded()).isfinite().all()


def test_training_repeats_and_leaves_the_bottom_it_was_given():
    first, _, _, data, bottom = trained(epochs=2)
    second, *_ = trained(epochs=2)
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name
    assert not torch.equal(bottom.weight, first.bottom.weight)
    assert bottom.mean_hidden(data).isfinite().all()


def test_a_deep_rbm_comes_back_from_its_file(tmp_path):
    deep = tiny("beta", "beta")
    path = tmp_path / "deep.safetensors"
    write_weights(path, deep.state_dict(), deep.architecture())
    again = load(*read_weights(path))
    v = values("beta")[:5]
    assert torch.equal(again.mix(v, 0.5), deep.mix(v, 0.5))


def test_weights_of_another_architecture_are_one_line():
    deep = tiny()
    with pytest.raises(InputError, match=r"'bottom.weight' is \(16, 3\), the architecture needs \(16, 4\)"):
        load(deep.state_dict(), tiny(middle=4).architecture())
    with pytest.raises(InputError, match="of a model 'rbm', need 'deep_rbm'"):
        load(deep.state_dict(), deep.bottom.architecture())


def test_layers_that_do_not_fit_are_one_line():
    with pytest.raises(InputError, match=r"must read the bottom's hidden layer, \(3, 'beta'\)"):
        DeepRBM(RBM(5, 3, hidden="beta"), RBM(3, 2))
