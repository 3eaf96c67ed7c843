"""Turn grey pixels into the binary ones of a Bernoulli likelihood."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from relatent.errors import InputError

How = Literal["dynamic", "static", "threshold", "none"]
HOWS: tuple[How, ...] = ("dynamic", "static", "threshold", "none")


def binarise(images: Tensor, *, how: How, generator: torch.Generator) -> Tensor:
    """Return binary pixels of grey ones.

    Parameters
    ----------
    images : uint8 in 0..255 or float in [0, 1], any shape.
    how : "dynamic" and "static" draw each pixel as 1 with its intensity as the probability
        (Salakhutdinov & Murray 2008); they differ in how often, see `reader`. "threshold" is 1 from
        one half on; "none" keeps the grey values.
    generator : draws the pixels; on the images' device. Not used by "threshold" and "none".

    Returns
    -------
    float32 tensor of the same shape, in {0, 1}, or in [0, 1] for "none".

    Examples
    --------
    >>> pixels = torch.tensor([0, 127, 128, 255], dtype=torch.uint8)
    >>> binarise(pixels, how="threshold", generator=torch.Generator())
    tensor([0., 0., 1., 1.])
    """
    if how not in HOWS:
        raise InputError(f"binarise must be one of {', '.join(HOWS)}, got {how!r}")
    white = 255 if images.dtype == torch.uint8 else 1
    if how == "none":
        return images.float() / white
    if how == "threshold":
        return (images >= white / 2).float()
    draws = torch.rand(images.shape, generator=generator, device=images.device)  # in [0, 1)
    return (draws.mul_(white) < images).float()


def reader(images: Tensor, *, how: How, generator: torch.Generator) -> Callable[[Tensor, torch.Generator], Tensor]:
    """Return a function from row numbers to binarised rows.

    Parameters
    ----------
    images : (n, n_visible), uint8 or float in [0, 1].
    how : "dynamic" draws again each time a row is read, from the generator of that read; all others
        are computed here, once, "static" with draws of `generator`.

    Returns
    -------
    function (rows (batch,) int64, generator) -> float32 (batch, n_visible)

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> read = reader(torch.rand(3, 784, generator=generator), how="static", generator=generator)
    >>> rows = torch.tensor([2, 0])
    >>> bool((read(rows, generator) == read(rows, generator)).all())
    True
    """
    if how == "dynamic":
        return lambda rows, draws: binarise(images[rows], how=how, generator=draws)
    fixed = binarise(images, how=how, generator=generator)
    kept = fixed if how == "none" else fixed.to(torch.uint8)  # a quarter of the memory
    return lambda rows, _: kept[rows].float()
