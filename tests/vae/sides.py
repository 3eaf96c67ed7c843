"""Images of a toy: half of them bright on the left, half on the right."""

from __future__ import annotations

import numpy as np

from relatent.vae import train
from relatent.vae.model import VAE
from tests.support.flat import flat

SETTINGS = {"encoder": "mlp", "latent_dim": 2, "encoder_widths": [16], "decoder_widths": [16], "batch_size": 20}


def images(count: int) -> np.ndarray:
    """Half of them bright on the left, half on the right: uint8 (count, 16)."""
    rng = np.random.default_rng(0)
    sides = np.array([[230] * 8 + [20] * 8, [20] * 8 + [230] * 8], dtype=np.uint8)
    return sides[rng.integers(2, size=count)]


def short(**options) -> tuple[VAE, list[dict[str, float]]]:
    """A VAE of two epochs, and its history."""
    fixed = (images(40) > 127).astype(np.uint8)
    options = {"epochs": 2, "learning_rate": 1e-2, "seed": 0} | SETTINGS | options
    model, _, fitted = flat(train.train)(images(100), fixed, binarisation="dynamic", **options)
    return model, fitted.history
