"""Training a VAE of digits, on a toy of two kinds of image."""

from __future__ import annotations

import numpy as np
import pytest

from relatent.errors import InputError
from relatent.vae import train
from relatent.vae.model import VAE
from tests.support.flat import flat
from tests.vae.sides import SETTINGS, images, short


def test_training_learns_both_kinds(trained: tuple[VAE, list[dict[str, float]]]) -> None:
    """The reconstruction loss falls below that of independent pixels, 16 log 2."""
    _, history = trained
    assert history[-1]["validation_reconstruction"] < 0.8 * 16 * np.log(2)


@pytest.mark.parametrize("binarisation", ["dynamic", "static", "threshold", "none"])
def test_every_binarisation_trains(binarisation: str) -> None:
    """One epoch, finite losses; only the dynamic one draws again."""
    fixed = images(40) if binarisation == "none" else (images(40) > 127).astype(np.uint8)
    _, _, fitted = flat(train.train)(
        images(100), fixed, binarisation=binarisation, epochs=1, learning_rate=1e-3, seed=0, **SETTINGS
    )
    assert all(np.isfinite(value) for value in fitted.history[0].values())


@pytest.mark.parametrize("encoder", ["lstm", "gru", "bigru"])
def test_recurrent_networks_learn_both_kinds_too(encoder: str) -> None:
    """The same settings except for the encoder, four rows of four pixels."""
    fixed = (images(60) > 127).astype(np.uint8)
    settings = SETTINGS | {"encoder": encoder}
    _, shape, fitted = flat(train.train)(
        images(400), fixed, binarisation="dynamic", epochs=30, learning_rate=1e-2, seed=1, **settings
    )
    assert shape["encoder"] == encoder
    assert fitted.history[-1]["validation_reconstruction"] < 0.8 * 16 * np.log(2)


def test_objectives_are_values() -> None:
    """Each changes the training; the history's columns show which was used."""
    _, plain = short()
    _, warm = short(warm_up_epochs=2)
    _, free = short(free_bits=1.0)
    _, bound = short(draws=3)
    assert warm[0].keys() == plain[0].keys()
    assert warm[-1]["validation_kl"] > plain[-1]["validation_kl"]
    assert set(free[0]) - set(plain[0]) == {"train_free_bits"}
    assert free[-1]["validation_kl"] > plain[-1]["validation_kl"]
    assert set(bound[0]) - set(plain[0]) == {"train_bound"}
    assert bound[0]["train_bound"] < bound[0]["train_reconstruction"] + bound[0]["train_kl"]


def test_the_bound_goes_with_no_schedule_of_the_kl() -> None:
    """One line, before any epoch."""
    for wrong in ({"warm_up_epochs": 1}, {"free_bits": 0.5}, {"patience": 1}):
        with pytest.raises(InputError, match="no KL apart to weigh"):
            short(draws=2, **wrong)


def test_a_warm_start_begins_where_the_other_run_ended() -> None:
    """At a rate near zero the first epoch's validation is the other run's last; other shapes are
    refused."""
    model, history = short()
    _, again = short(initial=model.state_dict(), learning_rate=1e-12, seed=5, epochs=1)
    for name in ("validation_reconstruction", "validation_kl"):
        assert again[0][name] == pytest.approx(history[-1][name], rel=1e-5)
    with pytest.raises(InputError, match=r"same architecture; decoder\.0\.weight differs"):
        short(initial=model.state_dict(), latent_dim=3)
