"""Inference networks q(z | x): a trunk that reads the data, and a linear head that gives mu and logvar.

Networks differ by their trunk, a function that builds it; the head is the same for all.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class InferenceNetwork(nn.Module):
    """Gaussian q(z | x) with diagonal covariance over whatever features `trunk` gives.

    Parameters
    ----------
    trunk : module from a batch of data to features (batch, n_features).
    n_features : how many features the trunk gives.
    latent_dim : dimensions of z.
    """

    def __init__(self, trunk: nn.Module, *, n_features: int, latent_dim: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = nn.Linear(n_features, 2 * latent_dim)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mu and logvar, each (batch, latent_dim); logvar is the log of the variance."""
        mu, logvar = self.head(self.trunk(x)).chunk(2, dim=-1)  # (batch, latent_dim) each
        return mu, logvar


def mlp(widths: Sequence[int]) -> nn.Sequential:
    """Linear layers between the given widths, each followed by a ReLU.

    Parameters
    ----------
    widths : units of the input and of every layer, e.g. (784, 500, 500).

    Examples
    --------
    >>> mlp((784, 500, 500))(torch.zeros(3, 784)).shape
    torch.Size([3, 500])
    """
    layers = [(nn.Linear(inputs, outputs), nn.ReLU()) for inputs, outputs in itertools.pairwise(widths)]
    return nn.Sequential(*itertools.chain.from_iterable(layers))


def initialise(module: nn.Module, *, generator: torch.Generator) -> None:
    """Draw every linear layer's weights and biases from U(-1/sqrt(inputs), 1/sqrt(inputs)), torch's default.

    Torch draws from the global generator when a layer is built; here the caller's generator decides.

    Examples
    --------
    >>> layer = nn.Linear(4, 2)
    >>> initialise(layer, generator=torch.Generator().manual_seed(0))
    >>> bool(layer.weight.abs().max() <= 0.5)
    True
    """
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            bound = 1 / math.sqrt(layer.in_features)
            for parameter in layer.parameters():
                nn.init.uniform_(parameter, -bound, bound, generator=generator)
