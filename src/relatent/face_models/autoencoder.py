"""The convolutional autoencoder of faces: a stack of layers, each with weights up and weights down.

64x64x1 -> 32x32 -> 16x16 -> 8x8 -> 4x4 -> 4x4x32 = 512 values: five layers, the first four of
stride 2. A layer's gain and bias have a value per position, not only per channel: each part of a
frontal face has its place, so the mean face is a bias, and a unit can belong to the left eye.

Units between layers come in pairs of opposite filters (concatenated ReLU, Shang et al. 2016): every
activation here has f(x) - f(-x) proportional to x, so a pair passes a value on exactly. Each layer
starts at the principal components of its input's patches, and training bends them from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, cast

import torch
from torch import Tensor, nn

from relatent.errors import InputError
from relatent.face_models.layers import ACTIVATIONS, Layer
from relatent.networks.initialisation import fill

EVALUATION_ROWS = 256  # images at once, where a result takes no gradient


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
        """Return features of images: (n, side_px, side_px) in [-1, 1] -> (n, n_features)."""
        return self.up(images).flatten(1)

    def decode(self, features: Tensor) -> Tensor:
        """Return images of features: (n, n_features) -> (n, side_px, side_px)."""
        if features.dim() != 2 or features.shape[1] != self.n_features:
            raise InputError(f"features must be (n, {self.n_features}), got {tuple(features.shape)}")
        return self.down(features.unflatten(1, self.top))

    def lowest(self, depth: int | None = None) -> list[Layer]:
        """Return the lowest `depth` layers, from the bottom (all when None)."""
        return cast("list[Layer]", list(self.layers)[:depth])

    def up(self, images: Tensor, depth: int | None = None) -> Tensor:
        """Return the output (n, channels, side, side) of the lowest `depth` layers (all when None),
        for images (n, y, x)."""
        if images.dim() != 3 or images.shape[1:] != (self.side_px, self.side_px):
            raise InputError(f"images must be (n, {self.side_px}, {self.side_px}), got {tuple(images.shape)}")
        values = images[:, None]  # (n, 1, side_px, side_px)
        for layer in self.lowest(depth):
            values = layer.encode(values)
        return values

    def down(self, values: Tensor, depth: int | None = None) -> Tensor:
        """Return images (n, side_px, side_px) of the output of `up` for the same `depth`."""
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
    """Return the input of `build`, in JSON's types, to be kept beside the weights; lists from
    bottom to top.

    Parameters
    ----------
    side_px : edge of the images.
    channels, kernels, strides : of each layer; the notes fix the strides and the size of the top,
        4x4x32. Below the top channels are even.
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
    """Build the autoencoder of an architecture, its weights zero until they are trained or loaded.

    Raises
    ------
    InputError
        When the architecture is for another kind of model, lacks a value, or has sizes that do not
        fit together.
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
    """Return a trained autoencoder on the CPU: `load(*read_weights(path))`.

    Raises
    ------
    InputError
        When the weights belong to another kind of model, or do not fit the architecture.
    """
    model = build(architecture)
    fill(model, state)
    return model.eval()


@torch.no_grad()
def reconstruction_error(model: Autoencoder, images: Tensor, *, depth: int | None = None) -> Tensor:
    """Return each image's mean squared error per pixel after `depth` layers and back: float32 (n,).

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
