"""Inference networks q(z | x): a trunk reads the data, a linear head gives mu and logvar.

Networks differ by their trunk, a function that builds it; the head is the same for all.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from relatent.bptt import swapped
from relatent.networks.products import usable


class InferenceNetwork(nn.Module):
    """Gaussian q(z | x) with diagonal covariance, from the features of a trunk.

    Parameters
    ----------
    trunk : module from a batch of data to features (batch, n_features).
    n_features : int, features of the trunk.
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


class MLP(nn.Sequential):
    """Layers on the last axis, by oneDNN with their gradients where it can
    (`relatent.networks.products`)."""

    def forward(self, x: Tensor) -> Tensor:
        """Return features (..., n_outputs) of x (..., n_inputs)."""
        if not usable(x):
            return super().forward(x)
        rows = x.reshape(-1, x.shape[-1]).to_mkldnn()
        return super().forward(rows).to_dense().reshape(*x.shape[:-1], -1)


def mlp(widths: Sequence[int]) -> MLP:
    """Return linear layers between the given widths, each followed by a ReLU.

    Parameters
    ----------
    widths : units of the input and of every layer, e.g. (784, 500, 500).

    Examples
    --------
    >>> mlp((784, 500, 500))(torch.zeros(3, 784)).shape
    torch.Size([3, 500])
    """
    layers = [(nn.Linear(inputs, outputs), nn.ReLU()) for inputs, outputs in itertools.pairwise(widths)]
    return MLP(*itertools.chain.from_iterable(layers))


# recurrent trunks by name; bigru reads both ways
CELLS = {"lstm": nn.LSTM, "gru": nn.GRU, "bigru": nn.GRU}


class RowReader(nn.Module):
    """A recurrent network that reads an image's rows from top to bottom; its last hidden values are
    the features.

    Parameters
    ----------
    kind : a key of `CELLS`; bigru also reads from bottom to top, and joins the last hidden values
        of both.
    row_width : pixels of a row.
    units : hidden units of each direction.

    Examples
    --------
    >>> RowReader("lstm", row_width=28, units=128)(torch.zeros(3, 784)).shape
    torch.Size([3, 128])
    >>> RowReader("bigru", row_width=28, units=64)(torch.zeros(3, 784)).shape
    torch.Size([3, 128])
    """

    def __init__(self, kind: str, *, row_width: int, units: int) -> None:
        super().__init__()
        ways = 2 if kind == "bigru" else 1
        self.row_width = row_width
        self.n_features = units * ways
        self.cells = nn.ModuleList(CELLS[kind](row_width, units) for _ in range(ways))

    def forward(self, x: Tensor) -> Tensor:
        """Return features (batch, n_features) of images (batch, n_rows * row_width)."""
        rows = x.unflatten(-1, (-1, self.row_width)).transpose(0, 1)  # (n_rows, batch, row_width)
        ways = zip(self.cells, (rows, rows.flip(0)), strict=False)
        # (batch, n_features)
        return torch.cat([_last_hidden(cell, way) for cell, way in ways], dim=1)


def _last_hidden(cell: nn.Module, rows: Tensor) -> Tensor:
    """Return hidden values (batch, units) after the last of the rows (n_rows, batch, row_width)."""
    # `swapped` is faster there, see docs/bptt.md
    if isinstance(cell, nn.GRU) and rows.device.type == "cpu":
        _, hidden = swapped(cell, rows, torch.zeros(rows.shape[:2], dtype=torch.bool))
    else:
        _, hidden = cell(rows)
    return hidden[0][-1] if isinstance(hidden, tuple) else hidden[-1]  # an LSTM returns cells too
