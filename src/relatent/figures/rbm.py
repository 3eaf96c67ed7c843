"""Draw filters of an RBM's hidden units, and the convergence of its partition function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from relatent.errors import InputError
from relatent.figures.style import COLUMN, blank, figure

COLOURS = {"ais": "#0072B2", "reverse-ais": "#E69F00"}
NAMES = {"ais": "forward: from independent units", "reverse-ais": "reverse: from the model's samples"}
LARGEST = 99.5  # percentile of |weight| drawn as black or white
SIDEWAYS = 0.06  # octaves by which each direction is shifted, so that bars do not overlap
SHADES = 48  # grey values drawn; so few keep the file small, and the steps are not visible


def filters(path: Path, weight: np.ndarray, *, columns: int = 10) -> None:
    """Draw the weights of the first `columns`^2 hidden units as square images, on one scale around
    zero (grey).

    Parameters
    ----------
    weight : float (n_visible, n_hidden); the visible units are the pixels of a square image.

    Raises
    ------
    InputError
        If n_visible is not a square number.
    """
    side = int(np.sqrt(len(weight)))
    if side * side != len(weight):
        raise InputError(f"weights must be (side * side, n_hidden) to be drawn as images, got {weight.shape}")
    shown = weight[:, : columns**2].T.reshape(-1, side, side)
    missing = -len(shown) % columns
    filled = np.concatenate([shown, np.zeros((missing, side, side), shown.dtype)])
    framed = np.pad(filled, ((0, 0), (0, 1), (0, 1)), constant_values=np.nan)  # a white line between
    rows = framed.reshape(-1, columns, side + 1, side + 1)
    tiled = rows.transpose(0, 2, 1, 3).reshape(len(rows) * (side + 1), -1)
    limit = float(np.percentile(np.abs(shown), LARGEST))
    steps = np.round((tiled.clip(-limit, limit) / limit + 1) / 2 * (SHADES - 1))
    with figure(path, COLUMN, COLUMN * tiled.shape[0] / tiled.shape[1]) as canvas:
        axes = canvas.add_subplot()
        axes.imshow(steps, cmap="gray", vmin=0, vmax=SHADES - 1, interpolation="nearest")
        blank(axes)


def convergence(path: Path, table: Sequence[Mapping[str, str]]) -> None:
    """Draw log Z over the number of temperatures, in both directions, with 95 % intervals.

    Parameters
    ----------
    table : rows with `direction`, `temperatures`, `log_z`, `low` and `high`.
    """
    with figure(path, COLUMN, 2.4) as canvas:
        axes = canvas.add_subplot()
        for sign, (direction, colour) in zip((-1, 1), COLOURS.items(), strict=True):
            rows = [row for row in table if row["direction"] == direction]
            log_z, low, high = (np.array([float(row[key]) for row in rows]) for key in ("log_z", "low", "high"))
            counts = np.array([int(row["temperatures"]) for row in rows])
            axes.errorbar(
                counts * 2.0 ** (sign * SIDEWAYS),
                log_z,
                yerr=(log_z - low, high - log_z),
                color=colour,
                marker="o",
                markersize=3,
                capsize=2,
                label=NAMES[direction],
            )
        axes.set(xlabel="temperatures", ylabel="log Z (nats)", xscale="log")
        axes.minorticks_off()
        axes.set_xticks(counts, [f"{count:,}" for count in counts])
        axes.ticklabel_format(axis="y", useOffset=False)
        axes.legend()
