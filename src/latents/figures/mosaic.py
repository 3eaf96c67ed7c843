"""Mosaics of features: a tile each on a grid, blank tiles between clusters, pixel by pixel."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from latents.errors import InputError
from latents.figures.style import PAGE, blank, figure
from latents.storage import atomic

WHITE = 255
SHADES = 32  # of grey that are drawn: smaller files, and nobody sees the steps
QUANTILE = 0.995  # of the absolute values is drawn black or white


def shade(features: np.ndarray) -> np.ndarray:
    """Values as grey, uint8 of the same shape: all features on one scale, 0 in the middle where signs differ.

    Parameters
    ----------
    features : finite numbers (n, y, x).
    """
    values = np.asarray(features, np.float64)
    low, high = np.quantile(values, [1 - QUANTILE, QUANTILE])
    if values.min() < 0 < values.max():
        high = float(np.quantile(np.abs(values), QUANTILE))
        low = -high
    span = high - low if high > low else 1.0
    steps = np.rint(np.clip((values - low) / span, 0, 1) * (SHADES - 1))
    return np.rint(steps * (WHITE / (SHADES - 1))).astype(np.uint8)


def mosaic(tiles: np.ndarray, grid: np.ndarray, *, gap: int = 1) -> np.ndarray:
    """One picture of tiles on a grid; blank tiles and the lines between tiles are white.

    Parameters
    ----------
    tiles : uint8 (n, y, x).
    grid : int (lines, columns), the tile at each place, -1 for none.
    gap : px between tiles.

    Returns
    -------
    uint8 array of shape (lines * (y + gap) - gap, columns * (x + gap) - gap)
    """
    if grid.ndim != 2 or grid.min(initial=0) < -1 or grid.max(initial=-1) >= len(tiles):
        raise InputError(f"grid must be (lines, columns) of -1 to {len(tiles) - 1}, got {grid.shape}")
    padded = np.pad(tiles, ((0, 1), (0, gap), (0, gap)), constant_values=WHITE)
    padded[-1] = WHITE  # what -1 stands for
    lines, columns = grid.shape
    y, x = padded.shape[1:]
    picture = padded[grid].transpose(0, 2, 1, 3).reshape(lines * y, columns * x)
    return picture[: lines * y - gap, : columns * x - gap]


def save(path: Path, picture: np.ndarray) -> None:
    """Write a grey picture (y, x) as PNG, a pixel a value; the same values give the same bytes."""
    from PIL import Image

    with atomic(path) as temporary:
        Image.fromarray(picture).save(temporary, format="PNG", optimize=True)


def panels(path: Path, features: np.ndarray, grids: Mapping[str, np.ndarray], lengths: Mapping[str, float]) -> None:
    """Draw the same features in several layouts, two panels a line, with the path length under each.

    Parameters
    ----------
    features : finite numbers (n, y, x).
    grids : name -> int (lines, columns).
    lengths : name -> sum of 1 - correlation of neighbours.
    """
    tiles = shade(features)
    pictures = {name: mosaic(tiles, grid) for name, grid in grids.items()}
    down = -(-len(pictures) // 2)
    across = PAGE / 2
    height = max(picture.shape[0] / picture.shape[1] for picture in pictures.values()) * across + 0.2
    with figure(path, PAGE, down * height) as canvas:
        for axes, (name, picture) in zip(canvas.subplots(down, 2).flat, pictures.items(), strict=True):
            axes.imshow(picture, cmap="gray", vmin=0, vmax=WHITE, interpolation="nearest")
            axes.set_xlabel(f"{name}: path length {lengths[name]:.1f}")
            blank(axes)
