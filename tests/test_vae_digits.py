"""Training, measuring, embedding and generating with a VAE of digits, on a toy of two kinds of image."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from latents.models import vae_digits
from latents.models.vae import VAE

SETTINGS = {"encoder": "mlp", "latent_dim": 2, "encoder_widths": [16], "decoder_widths": [16], "batch_size": 20}


def images(count: int) -> np.ndarray:
    """Half of them bright on the left, half on the right: uint8 (count, 16)."""
    rng = np.random.default_rng(0)
    sides = np.array([[230] * 8 + [20] * 8, [20] * 8 + [230] * 8], dtype=np.uint8)
    return sides[rng.integers(2, size=count)]


@pytest.fixture(scope="module")
def trained() -> tuple[VAE, list[dict[str, float]]]:
    model, _, fitted = vae_digits.train(
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
        vae_digits.measure(trained[0], digits, binarisation="dynamic", samples=200, seed=3, workers=workers)
        for workers in (1, 3)
    )
    assert one == three
    assert one["elbo"] < one["bound"] < 0
    assert one["elbo"] == pytest.approx(-one["reconstruction"] - one["kl"])


@pytest.mark.parametrize("binarisation", ["dynamic", "static", "threshold", "none"])
def test_every_binarisation_trains(binarisation: str) -> None:
    """One epoch, finite losses; only the dynamic one draws anew."""
    fixed = images(40) if binarisation == "none" else (images(40) > 127).astype(np.uint8)
    _, _, fitted = vae_digits.train(
        images(100), fixed, binarisation=binarisation, epochs=1, learning_rate=1e-3, seed=0, **SETTINGS
    )
    assert all(np.isfinite(value) for value in fitted.history[0].values())


def test_embeddings_are_posterior_means_in_the_order_of_the_digits(trained) -> None:
    """Blocked embedding equals one pass."""
    rows = images(50)
    with torch.inference_mode():
        expected = trained[0].encode(torch.from_numpy(rows).float() / 255)[0].numpy()
    np.testing.assert_array_equal(vae_digits.embed(trained[0], rows), expected)


def test_the_manifold_spans_the_priors_quantiles(trained) -> None:
    """Its corners are the decoded extreme quantiles; means of p(x | z) lie in [0, 1]."""
    grid = vae_digits.manifold(trained[0], 5)
    edge = torch.special.ndtri(torch.tensor(0.1, dtype=torch.float64)).float()
    with torch.inference_mode():
        top_left = torch.sigmoid(trained[0].decode(torch.stack([edge, -edge]))).numpy()
    assert grid.shape == (5, 5, 16)
    np.testing.assert_allclose(grid[0, 0], top_left, rtol=1e-5)
    assert grid.min() >= 0
    assert grid.max() <= 1


def test_streams_of_one_seed_differ_and_repeat() -> None:
    """Weights, order and draws never share a stream."""
    first, second = ([g.initial_seed() for g in vae_digits.spawn(7, 3)] for _ in range(2))
    assert first == second
    assert len(set(first)) == 3
    assert max(first) < 2**32
