"""Draw figures of faces: grids, interpolations, mixing, errors of the autoencoder, Gibbs chains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from relatent.errors import InputError
from relatent.figures.style import CLASSES, COLUMN, PAGE, blank, figure

LIMIT = 0.75  # grey value shown as white, and its opposite as black; pixels have a standard deviation of 0.3
SHADES = 48  # grey values drawn; so few keep a figure below 300 KB, and the steps are not visible
CONTACT = 4.2  # in; about one pixel of the figure per pixel of 12 faces side by side, and below 300 KB
GAP_PX = 2  # white, between tiles
NAMES = {
    "cnn": "CNN",
    "rbm": "RBM",
    "deep_rbm": "deep RBM",
    "beta": "Beta by moments",
    "gaussian": "clipped Gaussian",
    "r3bm": "R3BM",
    "exact_beta": "exact Beta",
}
COLOUR = CLASSES[0]


def grid(path: Path, faces: np.ndarray, *, columns: int = 8) -> None:
    """Draw faces edge to edge, row by row; a last row that is not full is filled with white.

    Parameters
    ----------
    faces : float (n, y, x), in [-1, 1].
    """
    missing = -len(faces) % columns
    filled = np.concatenate([faces, np.full((missing, *faces.shape[1:]), LIMIT, faces.dtype)])
    rows = filled.reshape(-1, columns, *faces.shape[1:])
    with figure(path, COLUMN, COLUMN * len(rows) * faces.shape[1] / (columns * faces.shape[2])) as canvas:
        _show(canvas.add_subplot(), _tiled(rows, gap=0))


def contact(path: Path, faces: np.ndarray, *, columns: int = 12) -> None:
    """Draw variants of each face below one another, in bands of `columns` faces side by side.

    Parameters
    ----------
    faces : float (n, variants, y, x), in [-1, 1].
    """
    n, variants, y, x = faces.shape
    missing = -n % columns
    filled = np.concatenate([faces, np.full((missing, variants, y, x), LIMIT, faces.dtype)])
    bands = filled.reshape(-1, columns, variants, y, x).transpose(0, 2, 1, 3, 4)  # (bands, variants, columns, y, x)
    rows = bands.reshape(-1, columns, y, x)
    with figure(path, CONTACT, CONTACT * len(rows) * y / (columns * x)) as canvas:
        _show(canvas.add_subplot(), _tiled(rows))


def interpolation(
    path: Path,
    first: np.ndarray,
    second: np.ndarray,
    between: Mapping[str, np.ndarray],
    *,
    names: Sequence[str],
    shares: Sequence[float],
) -> None:
    """Draw faces between those of two people, one panel per level: one person on top, the other at
    the bottom.

    Parameters
    ----------
    first, second : float (n, y, x), in [-1, 1]; the pairs.
    between : {level: float (shares, n, y, x)}, one row per share, from `first` to `second`.
    names : names of both people, written beside the rows of photographs.
    shares : shares of the second person, written beside the other rows.
    """
    if any(rows.shape != (len(shares), *first.shape) for rows in between.values()) or first.shape != second.shape:
        raise InputError(f"faces between {first.shape} and {second.shape} must have a row for each of {shares}")
    n, y, x = first.shape
    marks = [name.replace("_", "\n") for name in (names[0], *(f"{share:g}" for share in shares), names[1])]
    across = (PAGE - 0.4) / len(between) - 0.1
    with figure(path, PAGE, across * len(marks) * y / (n * x) + 0.25) as canvas:
        panels = np.atleast_1d(canvas.subplots(1, len(between)))
        for axes, (level, rows) in zip(panels, between.items(), strict=True):
            _show(axes, _tiled(np.concatenate([first[None], rows, second[None]])))
            axes.set_xlabel(NAMES.get(level, level))
        panels[0].set_yticks([y / 2 + (y + GAP_PX) * row for row in range(len(marks))], marks, fontsize=6)
        panels[0].tick_params(length=0)


def strip(path: Path, faces: np.ndarray, mixed: np.ndarray, shares: Sequence[float]) -> None:
    """Draw faces in the first column, and what each share leaves of them in the other columns.

    Parameters
    ----------
    faces : float (n, y, x), in [-1, 1].
    mixed : float (shares, n, y, x).
    shares : shares of the values of the way up, written under the columns.
    """
    if len(mixed) != len(shares) or mixed.shape[1:] != faces.shape:
        raise InputError(f"mixed faces must be {(len(shares), *faces.shape)}, got {mixed.shape}")
    rows = np.concatenate([faces[None], mixed]).swapaxes(0, 1)  # (n, 1 + shares, y, x)
    aspect = rows.shape[0] * rows.shape[2] / (rows.shape[1] * rows.shape[3])
    with figure(path, COLUMN, (COLUMN - 0.1) * aspect + 0.35) as canvas:
        axes = canvas.add_subplot()
        _show(axes, _tiled(rows))
        step = rows.shape[3] + GAP_PX
        names = ["face", *(f"{share:g}" for share in shares)]
        axes.set_xticks([rows.shape[3] / 2 + step * column for column in range(len(names))], names)
        axes.tick_params(length=0)
        axes.set_xlabel("share of the way up")


def _tiled(rows: np.ndarray, *, gap: int = GAP_PX) -> np.ndarray:
    """Join tiles (rows, columns, y, x) to one image (y, x), with white between them."""
    padded = np.pad(rows, ((0, 0), (0, 0), (0, gap), (0, gap)), constant_values=LIMIT)
    down, across, y, x = padded.shape
    picture = padded.transpose(0, 2, 1, 3).reshape(down * y, across * x)
    return picture[: down * y - gap, : across * x - gap]


def _show(axes: Any, picture: np.ndarray) -> None:
    import matplotlib as mpl

    # smoothed, because a pixel of a face is not a whole number of pixels wide in the figure
    shades = mpl.colormaps["gray"].resampled(SHADES)
    axes.imshow(picture, cmap=shades, vmin=-LIMIT, vmax=LIMIT, interpolation="bilinear", interpolation_stage="data")
    blank(axes)


def errors(path: Path, table: Sequence[Mapping[str, str]], pca: float) -> None:
    """Draw the error on faces of held-out people after each training step as bars, and the error of
    PCA.

    Parameters
    ----------
    table : rows with `step`, `values` and `held_out_mse`, as `relatent.face_models.training.train`
        gives them.
    pca : held-out mean squared error of PCA with as many components as the top has values.
    """
    steps = [row["step"] for row in table]
    values = [float(row["held_out_mse"]) for row in table]
    with figure(path, COLUMN, 2.2) as canvas:
        axes = canvas.add_subplot()
        bars = axes.bar(range(len(steps)), values, color=COLOUR, width=0.65)
        axes.axhline(pca, color=CLASSES[5], ls="--", label=f"PCA, {table[-1]['values']} components: {pca:.5f}")
        labels = [f"{value:.1e}" if value < 1e-4 else f"{value:.5f}" for value in values]
        box = {"boxstyle": "square,pad=0.1", "fc": "white", "ec": "none"}  # legible where the line runs through
        axes.bar_label(bars, labels, padding=2, fontsize=6, bbox=box)
        names = [f"{step}\n{row['values']}" for step, row in zip(steps, table, strict=True)]
        axes.set_xticks(range(len(steps)), names, fontsize=6)
        axes.set(xlabel="trained so far, and values a face", ylabel="held-out squared error a pixel")
        axes.set_ylim(0, 1.25 * max(*values, pca))  # room for the legend
        axes.legend(loc="upper left")


def curves(path: Path, history: Sequence[Mapping[str, str]], *, step: str = "fine-tuned") -> None:
    """Draw training and validation error of one training step over its epochs.

    Parameters
    ----------
    history : rows with `step`, `epoch`, `train_l2`, `validation_l2`, as `train` gives them.
    """
    rows = [row for row in history if row["step"] == step]
    if not rows:
        raise InputError(
            f"the history has no step {step!r}, only {', '.join(sorted({row['step'] for row in history}))}"
        )
    with figure(path, COLUMN, 2.2) as canvas:
        axes = canvas.add_subplot()
        for role, line in (("train", "--"), ("validation", "-")):
            values = [float(row[f"{role}_l2"]) for row in rows]
            axes.plot([float(row["epoch"]) for row in rows], values, line, label=role)
        axes.set(xlabel="epoch", ylabel="squared error, summed a face")
        axes.legend()


def mixing(path: Path, correlations: Mapping[str, Sequence[float]]) -> None:
    """Draw the autocorrelation of Gibbs chains over the lag, one line per model.

    Parameters
    ----------
    correlations : name of the model -> autocorrelation at lags 0, 1, ...
    """
    with figure(path, COLUMN, 2.2) as canvas:
        axes = canvas.add_subplot()
        for (name, values), line in zip(correlations.items(), cycle(("-", "--", "-.", ":")), strict=False):
            axes.plot(range(len(values)), values, line, label=NAMES.get(name, name))
        axes.axhline(0, color="#999999", lw=0.6)
        axes.set(xlabel="lag (Gibbs steps)", ylabel="autocorrelation of features")
        axes.set_xlim(left=0)
        axes.legend()
