"""The layers of the autoencoder of faces: a convolution up and a transposed convolution down, with
units in pairs."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 torch's own name for it

from relatent.errors import InputError

LEAK = 0.2  # slope of leaky_relu below zero

# name: f, and the constant c of f(x) - f(-x) = c x
ACTIVATIONS: dict[str, tuple[Callable[[Tensor], Tensor], float]] = {
    "leaky_relu": (lambda x: F.leaky_relu(x, LEAK), 1 + LEAK),
    "relu": (F.relu, 1.0),
    "silu": (F.silu, 1.0),
}


class Layer(nn.Module):
    """A convolution up and a transposed convolution down.

    Parameters
    ----------
    below, above : channels (C) of the two sides; even where the side is of paired units.
    side_below : positions along each edge of the input; the output has side_below / stride.
    kernel, stride : of both ways.
    activation : name of the function on paired units.
    is_first, is_top : bool; pixels and features are not paired, and linear.
    """

    def __init__(
        self,
        below: int,
        above: int,
        *,
        side_below: int,
        kernel: int,
        stride: int,
        activation: str,
        is_first: bool,
        is_top: bool,
    ) -> None:
        super().__init__()
        if kernel < stride or (stride == 1 and kernel % 2 == 0):
            raise InputError(f"a kernel must be odd at stride 1 and at least the stride, got {kernel} at {stride}")
        side = side_below // stride
        self.stride, self.is_first, self.is_top = stride, is_first, is_top
        self.padding = (kernel - stride + 1) // 2
        self.output_padding = 2 * self.padding - (kernel - stride)
        self.activation, self.pair_gain = ACTIVATIONS[activation]
        filters = (above, below, kernel, kernel)
        self.weight, self.weight_down = nn.Parameter(torch.empty(filters)), nn.Parameter(torch.empty(filters))
        values, values_down = (above, side, side), (below, side_below, side_below)
        self.gain, self.gain_down = nn.Parameter(torch.empty(values)), nn.Parameter(torch.empty(values_down))
        self.bias, self.bias_down = nn.Parameter(torch.empty(values)), nn.Parameter(torch.empty(values_down))

    def encode(self, x: Tensor) -> Tensor:
        """Go up: (n, below, side_below, side_below) -> (n, above, side, side)."""
        h = F.conv2d(x, self.weight, stride=self.stride, padding=self.padding)
        h = torch.addcmul(self.bias, h, self.gain)
        return h if self.is_top else self.activation(h)

    def decode(self, h: Tensor) -> Tensor:
        """Go down: (n, above, side, side) -> (n, below, side_below, side_below)."""
        x = F.conv_transpose2d(
            h, self.weight_down, stride=self.stride, padding=self.padding, output_padding=self.output_padding
        )
        x = torch.addcmul(self.bias_down, x, self.gain_down)
        return x if self.is_first else self.activation(x)

    @torch.no_grad()
    def initialise(self, x: Tensor, *, generator: torch.Generator) -> None:
        """Start at the principal components of patches of stride x stride, the same at every
        position.

        Parameters
        ----------
        x : (n, below, side_below, side_below), outputs of the layers below for some training
            images.
        generator : draws the filters that are left when there are more than components, from N(0,
            0.01^2).
        """
        # (n, c, side_below, side_below)
        values = x if self.is_first else _unpaired(x, 1) / self.pair_gain
        mean = values.mean(0)  # at each position
        patches = F.pixel_unshuffle(values - mean, self.stride)  # (n, c stride^2, side, side)
        rows = patches.movedim(1, -1).flatten(0, -2).double()
        _, directions = torch.linalg.eigh(rows.t() @ rows)  # ascending
        n_filters = len(self.weight) if self.is_top else len(self.weight) // 2
        filters = _signed(directions.flip(1).t()[:n_filters]).to(x.dtype)
        shape = (n_filters, len(mean), *self.weight.shape[2:])
        full = 0.01 * torch.randn(shape, generator=generator, device=generator.device)
        patch = slice(self.padding, self.padding + self.stride)
        full[: len(filters)] = 0
        full[: len(filters), :, patch, patch] = filters.unflatten(1, (len(mean), self.stride, self.stride))
        up, down = full, full
        if not self.is_first:  # from pairs
            up, down, mean = _paired(up, 1) / self.pair_gain, _paired(down, 1), _paired(mean, 0)
        if not self.is_top:  # to pairs
            up, down = _paired(up, 0), _paired(down, 0) / self.pair_gain
        # of the odd part of x: up sees the rest as zero
        centre = mean if self.is_first else mean * self.pair_gain / 2
        self.weight.copy_(up)
        self.weight_down.copy_(down)
        self.bias.copy_(-F.conv2d(centre[None], up, stride=self.stride, padding=self.padding)[0])
        self.bias_down.copy_(mean)
        self.gain.fill_(1)
        self.gain_down.fill_(1)


def _paired(values: Tensor, axis: int) -> Tensor:
    """Join each value with its opposite, in the second half of the axis."""
    return torch.cat([values, -values], axis)


def _unpaired(values: Tensor, axis: int) -> Tensor:
    """Subtract the second half of the axis from the first."""
    first, second = values.chunk(2, axis)
    return first - second


def _signed(directions: Tensor) -> Tensor:
    """Make each row's largest entry positive: this fixes the arbitrary sign of a component."""
    largest = directions.gather(1, directions.abs().argmax(1, keepdim=True))
    return directions * largest.sign()
