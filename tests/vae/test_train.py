"""Training, measuring, embedding and generating with a VAE of digits, on a toy of two kinds of image."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from latents.errors import InputError
from latents.networks import streams
from latents.vae import generate, measure, train
from latents.vae.model import VAE
from tests.support.flat import flat

SETTINGS = {"encoder": "mlp", "latent_dim": 2, "encoder_widths": [16], "decoder_widths": [16], "batch_size": 20}


def images(count: int) -> np.ndarray:
    """Half of them bright on the left, half on the right: uint8 (count, 16)."""
    rng = np.random.default_rng(0)
    sides = np.array([[230] * 8 + [20] * 8, [20] * 8 + [230] * 8], dtype=np.uint8)
    return sides[rng.integers(2, size=count)]


@pytest.fixture(scope="module")
def trained() -> tuple[VAE, list[dict[str, float]]]:
    model, _, fitted = flat(train.train)(
        images(400), (images(60) > 127).astype(np.uint8), binarisation="dynamic", epochs=30, learning_rate=1e-2,
        seed=1, **SETTINGS,
    )  # fmt: skip
    return model, fitted.history


def test_training_learns_both_kinds(trained: tuple[VAE, list[dict[str, float]]]) -> None:
    """The reconstruction loss falls below that of independent pixels, 16 log 2."""
    _, history = trained
    assert history[-1]["validation_reconstruction"] < 0.8 * 16 * np.log(2)


def test_the_bound_lies_between_the_elbo_and_zero_and_workers_change_nothing(trained) -> None:
    """ELBO = -(reconstruction + KL) too."""
    digits = (images(80) > 127).astype(np.uint8)
    one, three = (
        measure.measure(
            trained[0], digits, binarisation="dynamic", bound_digits=np.arange(60), samples=200, seed=3, workers=workers
        )
        for workers in (1, 3)
    )
    assert one == three
    assert one["bound_elbo"] < one["bound"] < 0
    assert one["bound_digits"] == 60
    assert one["elbo"] == pytest.approx(-one["reconstruction"] - one["kl"])


@pytest.mark.parametrize("binarisation", ["dynamic", "static", "threshold", "none"])
def test_every_binarisation_trains(binarisation: str) -> None:
    """One epoch, finite losses; only the dynamic one draws anew."""
    fixed = images(40) if binarisation == "none" else (images(40) > 127).astype(np.uint8)
    _, _, fitted = flat(train.train)(
        images(100), fixed, binarisation=binarisation, epochs=1, learning_rate=1e-3, seed=0, **SETTINGS
    )
    assert all(np.isfinite(value) for value in fitted.history[0].values())


@pytest.mark.parametrize("encoder", ["lstm", "gru", "bigru"])
def test_recurrent_networks_learn_both_kinds_too(encoder: str) -> None:
    """The same settings but for the encoder, four rows of four pixels."""
    fixed = (images(60) > 127).astype(np.uint8)
    settings = SETTINGS | {"encoder": encoder}
    _, shape, fitted = flat(train.train)(
        images(400), fixed, binarisation="dynamic", epochs=30, learning_rate=1e-2, seed=1, **settings
    )
    assert shape["encoder"] == encoder
    assert fitted.history[-1]["validation_reconstruction"] < 0.8 * 16 * np.log(2)


def short(**options) -> tuple[VAE, list[dict[str, float]]]:
    fixed = (images(40) > 127).astype(np.uint8)
    options = {"epochs": 2, "learning_rate": 1e-2, "seed": 0} | SETTINGS | options
    model, _, fitted = flat(train.train)(images(100), fixed, binarisation="dynamic", **options)
    return model, fitted.history


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
    """At a rate near zero the first epoch's validation is the other run's last; other shapes are refused."""
    model, history = short()
    _, again = short(initial=model.state_dict(), learning_rate=1e-12, seed=5, epochs=1)
    for name in ("validation_reconstruction", "validation_kl"):
        assert again[0][name] == pytest.approx(history[-1][name], rel=1e-5)
    with pytest.raises(InputError, match=r"same architecture; decoder\.0\.weight differs"):
        short(initial=model.state_dict(), latent_dim=3)


def test_a_collapsed_model_is_reported() -> None:
    """An encoder that ignores its input has no active unit; with one dimension in use there is one."""
    model, _ = short()
    digits = (images(40) > 127).astype(np.uint8)
    options = {"binarisation": "dynamic", "bound_digits": np.arange(5), "samples": 2, "seed": 0, "workers": 1}
    with torch.no_grad():
        model.encoder.head.weight[1].zero_()  # of mu's second dimension
    assert measure.measure(model, digits, **options)["active_units"] == 1
    with torch.no_grad():
        model.encoder.head.weight.zero_()
    assert measure.measure(model, digits, **options)["active_units"] == 0


def test_the_digits_of_the_bound_are_the_same_for_every_model() -> None:
    """Distinct rows in order, all of them when there are not so many."""
    rows = measure.some_rows(100, 10, 0)
    assert len(set(rows)) == 10
    assert (np.diff(rows) > 0).all()
    np.testing.assert_array_equal(rows, measure.some_rows(100, 10, 0))
    np.testing.assert_array_equal(measure.some_rows(5, 10, 0), np.arange(5))


def test_embeddings_are_posterior_means_in_the_order_of_the_digits(trained) -> None:
    """Blocked embedding equals one pass."""
    rows = images(50)
    with torch.inference_mode():
        expected = trained[0].encode(torch.from_numpy(rows).float() / 255)[0].numpy()
    np.testing.assert_array_equal(generate.embed(trained[0], rows), expected)


def test_the_manifold_spans_the_priors_quantiles(trained) -> None:
    """Its corners are the decoded extreme quantiles; means of p(x | z) lie in [0, 1]."""
    grid = generate.manifold(trained[0], 5)
    edge = torch.special.ndtri(torch.tensor(0.1, dtype=torch.float64)).float()
    with torch.inference_mode():
        top_left = torch.sigmoid(trained[0].decode(torch.stack([edge, -edge]))).numpy()
    assert grid.shape == (5, 5, 16)
    np.testing.assert_allclose(grid[0, 0], top_left, rtol=1e-5)
    assert grid.min() >= 0
    assert grid.max() <= 1


def test_streams_of_one_seed_differ_and_repeat() -> None:
    """Weights, order and draws never share a stream."""
    first, second = ([g.initial_seed() for g in streams.spawn(7, 3)] for _ in range(2))
    assert first == second
    assert len(set(first)) == 3
    assert max(first) < 2**32
