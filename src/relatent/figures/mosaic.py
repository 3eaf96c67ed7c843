"""Draw mosaics of features: one tile per feature on a grid, blank tiles between clusters, pixel by
pixel."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from relatent.errors import InputError
from relatent.figures.style import figure
from relatent.files.atomic import atomic

WHITE = 255
SHADES = 17  # grey values drawn, one of them for 0; so few make files smaller, and the steps are hardly visible
QUANTILE = 0.995  # quantile of the absolute values drawn as black or white
DPI = 200  # as in style.mplstyle; panels are drawn pixel by pixel
MARGIN_PX = 20  # between two panels
LABEL_PX = 50  # under each panel
NARROWEST_PX = 360  # width of a panel, so that its label fits


def shade(features: np.ndarray) -> np.ndarray:
    """Convert values to grey, uint8 of the same shape.

    All features share one scale; if values of both signs occur, 0 is the middle grey.

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
    """Join tiles on a grid to one picture; blank tiles and the lines between tiles are white.

    Parameters
    ----------
    tiles : uint8 (n, y, x).
    grid : int (lines, columns), the index of the tile at each place, -1 for a blank.
    gap : int, default 1; pixels between tiles.

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
    """Write a grey picture (y, x) as PNG, one pixel per value; the same values give the same
    bytes."""
    from PIL import Image

    with atomic(path) as temporary:
        Image.fromarray(picture).save(temporary, format="PNG", optimize=True)


def panels(path: Path, features: np.ndarray, grids: Mapping[str, np.ndarray], lengths: Mapping[str, float]) -> None:
    """Draw the same features in several layouts: two panels per line, one pixel per value, a label
    under each.

    Parameters
    ----------
    features : finite numbers (n, y, x).
    grids : {label: int (lines, columns)}.
    lengths : {label: sum of 1 - correlation of neighbours}.
    """
    from PIL import Image

    tiles = shade(features)
    pictures = [mosaic(tiles, grid) for grid in grids.values()]
    across = max(NARROWEST_PX, *(picture.shape[1] for picture in pictures)) + MARGIN_PX
    downs = [max(picture.shape[0] for picture in pictures[at : at + 2]) + LABEL_PX for at in range(0, len(pictures), 2)]
    height = sum(downs)
    with figure(path, 2 * across / DPI, height / DPI) as canvas:
        for index, (label, picture) in enumerate(zip(grids, pictures, strict=True)):
            line, column = divmod(index, 2)
            x, y = column * across + (across - picture.shape[1]) // 2, height - sum(downs[:line]) - picture.shape[0]
            canvas.figimage(picture, x, y, cmap="gray", vmin=0, vmax=WHITE, origin="upper")
            middle, under = (x + picture.shape[1] / 2) / (2 * across), (y - LABEL_PX / 2) / height
            canvas.text(middle, under, f"{label}: path length {lengths[label]:.1f}", ha="center", va="center")
    with Image.open(path) as drawn:
        save(path, np.asarray(drawn.convert("L")))  # one channel takes a third of the bytes of four
