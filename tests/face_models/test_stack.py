"""The stack of autoencoder and RBMs: levels, interpolation, mixing, Gibbs samples, people by name,
bad input."""

from __future__ import annotations

from itertools import islice

import pytest
import torch

from relatent.errors import InputError
from relatent.face_models import autoencoder as ae
from relatent.face_models.stack import LEVELS, FaceModel
from relatent.face_models.unit_map import UnitMap
from relatent.rbm.deep import DeepRBM
from relatent.rbm.model import RBM

SIDE_PX, N_FEATURES = 8, 64


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(count: int = 6, seed: int = 0) -> torch.Tensor:
    return (0.3 * torch.randn(count, SIDE_PX, SIDE_PX, generator=generator(seed))).clamp(-0.9, 0.9)


def machine(n_visible: int, n_hidden: int, visible: str, seed: int) -> RBM:
    rbm = RBM(n_visible, n_hidden, visible=visible)
    rbm.initialise(torch.rand(50, n_visible, generator=generator(seed)), generator=generator(seed), std=0.3)
    return rbm


@pytest.fixture(scope="module")
def model() -> FaceModel:
    """An autoencoder that loses nothing, under an RBM and a deep RBM of random weights."""
    autoencoder = ae.build(ae.architecture(side_px=SIDE_PX, channels=(8, 16), kernels=(4, 3), strides=(2, 2))
                           | {"kernels": [4, 4]})  # fmt: skip
    seen = images(200, 1)
    for depth, layer in enumerate(autoencoder.layers):
        layer.initialise(autoencoder.up(seen, depth), generator=generator())
    features = autoencoder.encode(seen).detach()
    low = features.min(0).values - 1
    unit_map = UnitMap(low=low, span=features.max(0).values + 1 - low, eps=1e-3)
    deep = DeepRBM(machine(N_FEATURES, 20, "beta", 3), machine(20, 10, "bernoulli", 4))
    return FaceModel(autoencoder, unit_map, rbm=machine(N_FEATURES, 20, "beta", 2), deep=deep)


def test_the_lowest_level_loses_nothing_where_the_autoencoder_does_not(model: FaceModel) -> None:
    """Images -> features -> [0, 1] -> features -> images."""
    torch.testing.assert_close(model.autoencode(images(), "cnn"), images(), rtol=0, atol=1e-4)


def test_each_level_is_the_way_of_its_model(model: FaceModel) -> None:
    """Up and down agree with the passes of the RBM and of the deep RBM."""
    v = model.encode(images())
    assert v.shape == (6, N_FEATURES)
    torch.testing.assert_close(model.up(images(), "rbm"), model.rbm.mean_hidden(v))
    torch.testing.assert_close(
        model.autoencode(images(), "rbm"), model.decode(model.rbm.mean_visible(model.rbm.mean_hidden(v)))
    )
    _, h2 = model.deep.up(v)
    torch.testing.assert_close(model.autoencode(images(), "deep_rbm"), model.decode(model.deep.down(h2)[1]))


@pytest.mark.parametrize("level", LEVELS)
def test_an_interpolation_starts_and_ends_at_the_autoencoded_faces(model: FaceModel, level: str) -> None:
    """And is symmetric in the middle."""
    first, second = images(3, 5), images(3, 6)
    between = model.interpolate(first, second, (0, 0.5, 1), level)
    assert between.shape == (3, 3, SIDE_PX, SIDE_PX)
    torch.testing.assert_close(between[0], model.autoencode(first, level))
    torch.testing.assert_close(between[2], model.autoencode(second, level))
    torch.testing.assert_close(between[1], model.interpolate(second, first, (0.5,), level)[0])


def test_mixing_goes_from_one_level_to_the_next(model: FaceModel) -> None:
    """At a share of 1 the CNN's faces, at 0 the RBM's; with a deep RBM at 0 those of its top."""
    mixed = model.mix(images(), (0, 0.25, 1))
    torch.testing.assert_close(mixed[0], model.autoencode(images(), "rbm"))
    torch.testing.assert_close(mixed[2], model.autoencode(images(), "cnn"))
    assert mixed.shape == (3, 6, SIDE_PX, SIDE_PX)
    v = model.encode(images())
    deep = model.mix(images(), (0.25,), "rbm")
    torch.testing.assert_close(deep[0], model.decode(model.deep.mix(v, 0.25)))


def drawn(model: FaceModel, chains: int, steps: int, seed: int, level: str = "rbm") -> torch.Tensor:
    """The values of Gibbs chains after some steps."""
    return next(islice(model.states(chains, generator=generator(seed), level=level), steps - 1, None))


@pytest.mark.parametrize("level", ["rbm", "deep_rbm"])
def test_chains_repeat(model: FaceModel, level: str) -> None:
    """The same generator gives the same chains, another one others."""
    values = drawn(model, 4, 5, 7, level)
    assert values.shape == (4, N_FEATURES)
    assert torch.equal(values, drawn(model, 4, 5, 7, level))
    assert not torch.equal(values, drawn(model, 4, 5, 8, level))


@pytest.mark.parametrize("level", ["rbm", "deep_rbm"])
def test_means_have_less_noise_than_draws(model: FaceModel, level: str) -> None:
    """The spread that each visible unit has of its own is left out."""
    draws = drawn(model, 300, 20, 1, level)
    means = model.means_around(draws, generator=generator(2), level=level)
    assert float(means.var(0).mean()) < 0.8 * float(draws.var(0).mean())
    assert 0 <= float(means.min()) <= float(means.max()) <= 1


def test_decoded_faces_lie_in_the_range_of_pixels(model: FaceModel) -> None:
    """Also for values at the ends."""
    faces = model.decode(torch.ones(2, N_FEATURES))
    assert float(faces.abs().max()) <= 1


def test_the_stacks_workers_change_no_draw(model: FaceModel) -> None:
    """Threads of Beta draws."""
    three = FaceModel(model.autoencoder, model.unit_map, rbm=model.rbm, workers=3)
    draws = [drawn(stack, 500, 3, 2) for stack in (model, three)]
    assert torch.equal(*draws)


# --- bad input ------------------------------------------------------------------------------------


def test_parts_of_different_widths_are_one_line(model: FaceModel) -> None:
    """It names the part and both widths."""
    with pytest.raises(InputError, match="the RBM is of 32 features, the autoencoder of 64"):
        FaceModel(model.autoencoder, model.unit_map, rbm=RBM(32, 5))
    with pytest.raises(InputError, match=r"the map to \[0, 1\] is of 3 features"):
        FaceModel(model.autoencoder, UnitMap(low=torch.zeros(3), span=torch.ones(3), eps=0.01))
    with pytest.raises(InputError, match="the deep RBM is of 7 features"):
        FaceModel(model.autoencoder, model.unit_map, deep=DeepRBM(RBM(7, 5), RBM(5, 2)))


def test_missing_parts_and_wrong_values_are_one_line(model: FaceModel) -> None:
    """No RBM, no such level, shares out of range, pairs that do not match."""
    bare = FaceModel(model.autoencoder, model.unit_map)
    with pytest.raises(InputError, match="level 'rbm' needs an RBM"):
        bare.autoencode(images())
    with pytest.raises(InputError, match="level 'deep_rbm' needs a deep RBM"):
        bare.states(1, generator=generator(), level="deep_rbm")
    with pytest.raises(InputError, match="one of cnn, rbm, deep_rbm, got 'top'"):
        model.up(images(), "top")
    with pytest.raises(InputError, match=r"in \[0, 1\], got \[0.5, 1.5\]"):
        model.mix(images(), (0.5, 1.5))
    with pytest.raises(InputError, match="level cnn or rbm, got 'deep_rbm'"):
        model.mix(images(), (0.5,), "deep_rbm")
    with pytest.raises(InputError, match="pairs of faces need the same shape"):
        model.interpolate(images(2), images(3), (0.5,), "cnn")
