"""Embed digits and generate new ones by a VAE."""

from __future__ import annotations

import numpy as np
import torch

from relatent.networks.streams import spawn
from relatent.vae.model import VAE

EMBED_ROWS = 10_000  # rows embedded at once


def embed(model: VAE, images: np.ndarray) -> np.ndarray:
    """Return posterior means of grey digits: uint8 (n, 784) -> float32 (n, latent_dim); pixels are
    intensities."""
    blocks = torch.from_numpy(images).split(EMBED_ROWS)
    with torch.inference_mode():
        return torch.cat([model.encode(block.float() / 255)[0] for block in blocks]).numpy()


def manifold(model: VAE, side: int) -> np.ndarray:
    """Decode digits on a grid over the first two latent dimensions, the others at zero.

    Parameters
    ----------
    side : cells along each axis, at the prior's quantiles 0.5/side, 1.5/side, ..., as in Kingma &
        Welling 2014, Fig. 4: each cell holds the same prior mass.

    Returns
    -------
    float32 (side, side, 784)
        Means of p(x | z) in [0, 1]; the first axis runs down the second latent dimension from its
        top.
    """
    steps = torch.special.ndtri((torch.arange(side, dtype=torch.float64) + 0.5) / side).float()
    z = torch.zeros(side, side, model.latent_dim)
    z[..., 0] = steps
    if model.latent_dim > 1:
        z[..., 1] = steps.flip(0)[:, None]
    with torch.inference_mode():
        return torch.sigmoid(model.decode(z)).numpy()


def generate(model: VAE, count: int, seed: int) -> np.ndarray:
    """Return means of p(x | z) for draws of z from the prior: float32 (count, 784) in [0, 1]."""
    (generator,) = spawn(seed, 1)
    return model.sample(count, generator=generator).numpy()
