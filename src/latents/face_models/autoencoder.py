"""The convolutional autoencoder of faces: a stack of layers, each with its own way up and its own way down.

64x64x1 -> 32x32 -> 16x16 -> 8x8 -> 4x4 -> 4x4x32 = 512 values: five layers, the first four of stride 2. A layer's
gain and bias have a value for each position, not only for each channel: frontal faces have each part at its place,
so the mean face is a bias, and a unit can be one of the left eye.

Units between layers come in pairs of opposite filters (concatenated ReLU, Shang et al. 2016): every activation
here has f(x) - f(-x) proportional to x, so a pair passes a value on exactly. Each layer starts at the principal
components of its input's patches, and training bends them from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 torch's own name for it

from latents.errors import InputError

EVALUATION_ROWS = 256  # images at once, where a result takes no gradient
LEAK = 0.2  # slope of leaky_relu below zero

# name: f, and the constant c of f(x) - f(-x) = c x
ACTIVATIONS: dict[str, tuple[Callable[[Tensor], Tensor], float]] = {
    "leaky_relu": (lambda x: F.leaky_relu(x, LEAK), 1 + LEAK),
    "relu": (F.relu, 1.0),
    "silu": (F.silu, 1.0),
}


class Layer(nn.Module):
    """A convolution up, a transposed convolution down.

    Parameters
    ----------
    below, above : channels (C) of the two sides; even where the side is of paired units.
    side_below : positions along each edge of the input; the output has side_below / stride.
    kernel, stride : of both ways.
    activation : name of the function on paired units.
    is_first, is_top : pixels and features are no pairs, and linear.
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
        """Up: (n, below, side_below, side_below) -> (n, above, side, side)."""
        h = F.conv2d(x, self.weight, stride=self.stride, padding=self.padding)
        h = torch.addcmul(self.bias, h, self.gain)
        return h if self.is_top else self.activation(h)

    def decode(self, h: Tensor) -> Tensor:
        """Down: (n, above, side, side) -> (n, below, side_below, side_below)."""
        x = F.conv_transpose2d(
            h, self.weight_down, stride=self.stride, padding=self.padding, output_padding=self.output_padding
        )
        x = torch.addcmul(self.bias_down, x, self.gain_down)
        return x if self.is_first else self.activation(x)

    @torch.no_grad()
    def initialise(self, x: Tensor, *, generator: torch.Generator) -> None:
        """Start at the principal components of patches of stride x stride, the same at every position.

        Parameters
        ----------
        x : (n, below, side_below, side_below), what the layers below give for some training images.
        generator : draws the filters that are left when there are more than components, from N(0, 0.01^2).
        """
        values = x if self.is_first else _unpaired(x, 1) / self.pair_gain  # (n, c, side_below, side_below)
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
        centre = mean if self.is_first else mean * self.pair_gain / 2  # of the odd part of x: up sees the rest as zero
        self.weight.copy_(up)
        self.weight_down.copy_(down)
        self.bias.copy_(-F.conv2d(centre[None], up, stride=self.stride, padding=self.padding)[0])
        self.bias_down.copy_(mean)
        self.gain.fill_(1)
        self.gain_down.fill_(1)


def _paired(values: Tensor, axis: int) -> Tensor:
    """Each value and, in the second half of the axis, its opposite."""
    return torch.cat([values, -values], axis)


def _unpaired(values: Tensor, axis: int) -> Tensor:
    """First half of the axis less the second."""
    first, second = values.chunk(2, axis)
    return first - second


def _signed(directions: Tensor) -> Tensor:
    """Rows with their largest entry positive: the sign of a component is arbitrary, so it is fixed."""
    largest = directions.gather(1, directions.abs().argmax(1, keepdim=True))
    return directions * largest.sign()


class Autoencoder(nn.Module):
    """Layers from images to features and back; see `architecture` for the parameters.

    Attributes
    ----------
    side_px : edge of the images.
    n_features : values at the top.
    """

    def __init__(
        self,
        *,
        side_px: int,
        channels: Sequence[int],
        kernels: Sequence[int],
        strides: Sequence[int],
        activation: str,
    ) -> None:
        super().__init__()
        _check(side_px, channels, kernels, strides, activation)
        sides = [side_px]
        for stride in strides:
            sides.append(sides[-1] // stride)
        self.layers = nn.ModuleList(
            Layer(
                *both, side_below=side, kernel=kernel, stride=stride, activation=activation,
                is_first=index == 0, is_top=index == len(channels) - 1,
            )
            for index, (both, side, kernel, stride) in enumerate(
                zip(pairwise([1, *channels]), sides[:-1], kernels, strides, strict=True)
            )
        )  # fmt: skip
        self.side_px, self.top = side_px, (channels[-1], sides[-1], sides[-1])
        self.n_features = channels[-1] * sides[-1] ** 2

    def encode(self, images: Tensor) -> Tensor:
        """Features of images: (n, side_px, side_px) in [-1, 1] -> (n, n_features)."""
        return self.up(images).flatten(1)

    def decode(self, features: Tensor) -> Tensor:
        """Images of features: (n, n_features) -> (n, side_px, side_px)."""
        if features.dim() != 2 or features.shape[1] != self.n_features:
            raise InputError(f"features must be (n, {self.n_features}), got {tuple(features.shape)}")
        return self.down(features.unflatten(1, self.top))

    def lowest(self, depth: int | None = None) -> list[Layer]:
        """The lowest `depth` layers, from the bottom (all when None)."""
        return cast("list[Layer]", list(self.layers)[:depth])

    def up(self, images: Tensor, depth: int | None = None) -> Tensor:
        """Output (n, channels, side, side) of the lowest `depth` layers (all when None), for images (n, y, x)."""
        if images.dim() != 3 or images.shape[1:] != (self.side_px, self.side_px):
            raise InputError(f"images must be (n, {self.side_px}, {self.side_px}), got {tuple(images.shape)}")
        values = images[:, None]  # (n, 1, side_px, side_px)
        for layer in self.lowest(depth):
            values = layer.encode(values)
        return values

    def down(self, values: Tensor, depth: int | None = None) -> Tensor:
        """Images (n, side_px, side_px) of what `up` gives for the same `depth`."""
        for layer in reversed(self.lowest(depth)):
            values = layer.decode(values)
        return values[:, 0]


def _check(
    side_px: int, channels: Sequence[int], kernels: Sequence[int], strides: Sequence[int], activation: str
) -> None:
    if activation not in ACTIVATIONS:
        raise InputError(f"activation must be one of {', '.join(ACTIVATIONS)}, got {activation!r}")
    if not len(channels) == len(kernels) == len(strides) > 0:
        given = f"{len(channels)} channels, {len(kernels)} kernels, {len(strides)} strides"
        raise InputError(f"an autoencoder needs as many channels as kernels and strides, got {given}")
    if min(*channels, *kernels, *strides, side_px) < 1:
        raise InputError(f"every size of an autoencoder must be at least 1, got {channels}, {kernels}, {strides}")
    if any(count % 2 for count in channels[:-1]):
        raise InputError(f"channels below the top come in pairs, got {list(channels)}")
    if side_px % torch.tensor(strides).prod().item():
        raise InputError(f"images of {side_px} pixels do not divide by the strides {list(strides)}")


def architecture(
    *,
    side_px: int = 64,
    channels: Sequence[int] = (8, 32, 96, 256, 32),
    kernels: Sequence[int] = (4, 4, 4, 4, 7),
    strides: Sequence[int] = (2, 2, 2, 2, 1),
    activation: str = "silu",
) -> dict[str, Any]:
    """What `build` needs, in JSON's types, to be kept beside the weights; from the bottom to the top.

    Parameters
    ----------
    side_px : edge of the images.
    channels, kernels, strides : of each layer; the notes fix the strides and the size of the top, 4x4x32.
        Below the top channels are even.
    activation : between layers, one of `ACTIVATIONS`; pixels and features are linear.

    Examples
    --------
    >>> model = build(architecture())
    >>> features = model.encode(torch.zeros(3, 64, 64))
    >>> features.shape, model.decode(features).shape
    (torch.Size([3, 512]), torch.Size([3, 64, 64]))
    """
    return {
        "model": "autoencoder",
        "side_px": side_px,
        "channels": list(channels),
        "kernels": list(kernels),
        "strides": list(strides),
        "activation": activation,
    }


def build(architecture: Mapping[str, Any], *, device: str | torch.device = "cpu") -> Autoencoder:
    """The autoencoder of an architecture, its weights zero until they are trained or loaded.

    Raises
    ------
    InputError
        When the architecture is of another model, lacks a value, or its sizes do not fit together.
    """
    if architecture.get("model") != "autoencoder":
        raise InputError(f"the weights are of a model {architecture.get('model')!r}, need 'autoencoder'")
    try:
        names = ("side_px", "channels", "kernels", "strides", "activation")
        options = {name: architecture[name] for name in names}
    except KeyError as error:
        raise InputError(f"the architecture of the autoencoder lacks {error}") from None
    model = Autoencoder(**options).to(device)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    return model


def load(state: Mapping[str, Tensor], architecture: Mapping[str, Any]) -> Autoencoder:
    """A trained autoencoder on the CPU, from what `storage.read_weights` gives.

    Raises
    ------
    InputError
        When the weights are of another model, or not those of the architecture.
    """
    model = build(architecture)
    for name, own in model.state_dict().items():
        if name not in state:
            raise InputError(f"the weights lack {name!r}: they are of another architecture")
        if state[name].shape != own.shape:
            given, wanted = tuple(state[name].shape), tuple(own.shape)
            raise InputError(f"the weights' {name!r} is {given}, the architecture needs {wanted}")
    model.load_state_dict(dict(state), strict=False)
    return model.eval()


@torch.no_grad()
def reconstruction_error(model: Autoencoder, images: Tensor, *, depth: int | None = None) -> Tensor:
    """Mean squared error a pixel of each image after the lowest `depth` layers and back: float32 (n,).

    Parameters
    ----------
    images : (n, side_px, side_px).
    depth : layers to go up; None for all.
    """
    return torch.cat(
        [
            (model.down(model.up(block, depth), depth) - block).square().mean((1, 2))
            for block in images.split(EVALUATION_ROWS)
        ]
    )
