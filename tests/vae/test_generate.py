"""Embeddings and generated digits."""

from __future__ import annotations

import numpy as np
import torch

from relatent.vae import generate
from tests.vae.sides import images


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
