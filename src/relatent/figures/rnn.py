"""Draw figures of row-RNNs: predicted rows, completed digits, inputs that hidden units prefer,
accuracies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from relatent.figures.style import CLASSES, COLUMN, PAGE, blank, figure

GAP_PX = 2  # between tiles
SHADES = 32  # grey values drawn; so few keep the file small, and the steps are not visible
RIGHT, WRONG, LINE = CLASSES[0], CLASSES[5], "#999999"
NAMES = {
    "tied": "RNN, tied",
    "untied": "RNN",
    "gru": "GRU",
    "gru_tied": "GRU, tied",
    "tied_own": "RNN, tied, own rows",
    "gru_own": "GRU, own rows",
    "tied_inked": "RNN, tied, inked rows",
}


def rows(path: Path, originals: np.ndarray, predicted: np.ndarray, labels: np.ndarray, *, bands: int = 3) -> None:
    """Draw test digits, and below each its predictions: every row is predicted from the rows above
    it.

    Parameters
    ----------
    originals, predicted : (n, y, x), as bytes and in [0, 1].
    labels : int (n,); a column a class, `bands` digits of each.
    """
    columns = [np.flatnonzero(labels == digit)[:bands] for digit in np.unique(labels)]
    shown = np.stack([np.resize(column, bands) for column in columns], axis=1)  # (bands, classes)
    pairs = np.stack([originals[shown] / 255, predicted[shown]], axis=1)  # (bands, 2, classes, y, x)
    tiles = pairs.reshape(2 * bands, len(columns), *originals.shape[1:])
    with figure(path, COLUMN, COLUMN * len(tiles) / len(columns)) as canvas:
        _show(canvas.add_subplot(), tiled(tiles))


def completions(
    path: Path, originals: np.ndarray, completed: np.ndarray, labels: np.ndarray, seen: np.ndarray, *, seen_rows: int
) -> None:
    """Draw each test digit beside its completion, one row per class; a line marks where the seen
    half ends.

    Parameters
    ----------
    originals, completed : (n, y, x), as bytes and in [0, 1].
    labels, seen : int (n,), the digit's class, and what the classifier sees in the completion:
        framed if another.
    """
    classes = np.unique(labels)
    per_class = min(int((labels == digit).sum()) for digit in classes)
    shown = np.stack([np.flatnonzero(labels == digit)[:per_class] for digit in classes])  # (classes, per_class)
    pairs = np.stack([originals[shown] / 255, completed[shown]], axis=2)  # (classes, per_class, 2, y, x)
    tiles = pairs.reshape(len(classes), 2 * per_class, *originals.shape[1:])
    height, width = (size + GAP_PX for size in originals.shape[1:])
    with figure(path, PAGE, PAGE * tiles.shape[0] * height / (tiles.shape[1] * width)) as canvas:
        axes = canvas.add_subplot()
        _show(axes, tiled(tiles))
        for (row, column), number in np.ndenumerate(shown):
            left, top = (2 * column + 1) * width - 0.5, row * height - 0.5
            y = top + seen_rows
            axes.plot([left, left + width - GAP_PX], [y, y], color=RIGHT, linewidth=0.4)
            if seen[number] != labels[number]:
                _frame(axes, left, top, width - GAP_PX, height - GAP_PX, str(seen[number]))


def _frame(axes: Any, left: float, top: float, width: float, height: float, text: str) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((left, top), width, height, fill=False, edgecolor=WRONG, linewidth=0.7))
    axes.text(left + width - 1, top + 1, text, color=WRONG, fontsize=5, ha="right", va="top")


def ambiguous(path: Path, originals: np.ndarray, completed: np.ndarray, samples: np.ndarray, *, seen_rows: int) -> None:
    """Draw one digit per row: itself, its completion, and completions by sampling rows.

    Parameters
    ----------
    originals, completed : (n, y, x); samples : (n, count, y, x), in [0, 1] but the bytes of the
        originals.
    """
    tiles = np.concatenate([originals[:, None] / 255, completed[:, None], samples], axis=1)
    n, columns, height, width = tiles.shape
    count = samples.shape[1]
    names = ["digit", "mean", *["sampled" if number == count // 2 else "" for number in range(count)]]
    with figure(path, COLUMN, COLUMN * n * (height + GAP_PX) / (columns * (width + GAP_PX)) + 0.2) as canvas:
        axes = canvas.add_subplot()
        _show(axes, tiled(tiles))
        for column, name in enumerate(names):
            axes.text(column * (width + GAP_PX) + width / 2, -3, name, ha="center", va="bottom", fontsize=6)
        for row in range(n):
            y = row * (height + GAP_PX) + seen_rows - 0.5
            axes.plot([width + GAP_PX, columns * (width + GAP_PX) - GAP_PX], [y, y], color=RIGHT, linewidth=0.4)
        axes.set_xlim(-0.5, columns * (width + GAP_PX) - GAP_PX - 0.5)


def units(path: Path, average: np.ndarray, best: np.ndarray, counts: Mapping[str, float], *, unit_rows: int) -> None:
    """Draw the input that each hidden unit prefers, and the rows expected after it: average beside
    best sequence.

    Parameters
    ----------
    average, best : float (n, y, x), not negative; each tile is drawn from 0 to its own maximum.
    counts : "<kind>_<digit>" -> units whose picture the classifier sees as that digit, kinds
        "average" and "best".
    unit_rows : rows that the unit likes to see; those below are expected.
    """
    side = int(np.ceil(len(average) ** 0.5))
    height, width = (size + GAP_PX for size in average.shape[1:])
    tall = PAGE / 2 * height / width
    with figure(path, PAGE, tall + 1.3) as canvas:
        grids = canvas.subplots(2, 2, height_ratios=[tall, 1.1])
        for axes, pictures in zip(grids[0], (average, best), strict=True):
            filled = np.zeros((side * side, *pictures.shape[1:]))
            filled[: len(pictures)] = pictures / np.maximum(pictures.max((1, 2), keepdims=True), 1e-12)
            _show(axes, tiled(filled.reshape(side, side, *pictures.shape[1:])))
            for row in range(side):
                axes.axhline(row * height + unit_rows - 0.5, color=RIGHT, linewidth=0.25, alpha=0.6)
        for axes, name in zip(grids[1], ("average", "best"), strict=True):
            found = [counts[f"{name}_{digit}"] for digit in range(10)]
            bars = axes.bar(range(10), found, color=CLASSES)
            axes.bar_label(bars, fontsize=6)
            axes.set(xticks=range(10), xlabel=f"digit seen in the unit's picture ({name})", ylabel="hidden units")
            axes.set_ylim(0, 1.15 * max(found))


def measured(
    path: Path,
    runs: Mapping[str, Mapping[str, float]],
    completed: Mapping[str, Mapping[str, float]],
    baselines: Mapping[str, float],
) -> None:
    """Draw cross-entropy of the next row and accuracy of completions, for all runs beside the
    baselines.

    Parameters
    ----------
    runs : run -> `cross_entropy`, nats per pixel, of those that read all rows.
    completed : run -> `completed` and `completed_<digit>`, accuracies.
    baselines : `all_mean_row`, `all_copy_last`, `all_logistic`; `whole`, `half_alone`, `nearest`.
    """
    simple = {"mean row": "all_mean_row", "last row again": "all_copy_last", "logistic, two rows": "all_logistic"}
    values = {name: baselines[key] for name, key in simple.items()}
    values |= {NAMES.get(name, name): run["cross_entropy"] for name, run in runs.items()}
    halves = {"half alone": "half_alone", "nearest digit": "nearest"}
    shares = {name: baselines[key] for name, key in halves.items()}
    shares |= {NAMES.get(name, name): run["completed"] for name, run in completed.items()}
    with figure(path, PAGE, 2.5) as canvas:
        left, middle, right = canvas.subplots(1, 3, width_ratios=[1, 1, 1.2])
        _bars(left, values, len(simple), "cross-entropy (nats per pixel)", "{:.3f}")
        _bars(
            middle, {name: 100 * value for name, value in shares.items()}, 2, "completions seen rightly (%)", "{:.1f}"
        )
        for number, (name, run) in enumerate(completed.items()):
            digits = [digit for digit in range(10) if f"completed_{digit}" in run]
            heights = [100 * run[f"completed_{digit}"] for digit in digits]
            right.plot(
                digits,
                heights,
                "osD^v<>"[number % 7],
                color=CLASSES[number],
                markersize=3.5,
                label=NAMES.get(name, name),
            )
        right.set(xticks=range(10), xlabel="digit", ylabel="completions seen rightly (%)")
        canvas.legend(*right.get_legend_handles_labels(), loc="outside upper right", ncols=3, fontsize=6)


def _bars(axes: Any, values: Mapping[str, float], simple: int, label: str, form: str) -> None:
    names = list(values)
    colours = [LINE] * simple + list(CLASSES[: len(names) - simple])
    bars = axes.barh(range(len(names)), list(values.values()), color=colours)
    axes.bar_label(bars, [form.format(value) for value in values.values()], padding=2, fontsize=6)
    axes.set(yticks=range(len(names)), yticklabels=names, xlabel=label, xlim=(0, 1.18 * max(values.values())))
    axes.invert_yaxis()


def curves(path: Path, histories: Mapping[str, Sequence[Mapping[str, str]]]) -> None:
    """Draw the validation cross-entropy of the next row over epochs, one line per run.

    Parameters
    ----------
    histories : run -> a row an epoch with `epoch` and `validation_cross_entropy`, nats per pixel.
    """
    with figure(path, COLUMN, 2.9) as canvas:
        axes = canvas.add_subplot()
        for number, (name, history) in enumerate(histories.items()):
            epochs = [int(row["epoch"]) for row in history]
            values = [float(row["validation_cross_entropy"]) for row in history]
            axes.plot(
                epochs,
                values,
                "osD^v<>"[number % 7] + "-",
                color=CLASSES[number],
                markersize=2.5,
                label=NAMES.get(name, name),
            )
        axes.set(xlabel="epoch", ylabel="validation cross-entropy (nats per pixel)")
        canvas.legend(loc="outside upper center", ncols=3, fontsize=6, columnspacing=1.0)


def tiled(tiles: np.ndarray) -> np.ndarray:
    """Join tiles (rows, columns, y, x) to one picture, with nan between them."""
    n, columns, height, width = tiles.shape
    canvas = np.full((n, height + GAP_PX, columns, width + GAP_PX), np.nan)
    canvas[:, :height, :, :width] = tiles.transpose(0, 2, 1, 3)
    return canvas.reshape(n * (height + GAP_PX), columns * (width + GAP_PX))[:-GAP_PX, :-GAP_PX]


def _show(axes: Any, picture: np.ndarray) -> None:
    """Show a picture in `SHADES` steps from white to black; nan is a faint grey that marks the
    edges of tiles."""
    axes.imshow(np.round(picture * (SHADES - 1)) / (SHADES - 1), vmin=0, vmax=1)
    axes.set_facecolor("#dddddd")
    blank(axes)
