"""Figures of rankings: precision against recall of every representation of a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from latents.figures.style import COLUMN, figure


def precision_recall(path: Path, curves: Mapping[str, Sequence[Mapping[str, str]]]) -> None:
    """Draw interpolated precision at recall 0, .1, .. 1, the mean over queries.

    Parameters
    ----------
    curves : for each representation's name, rows with `recall` and `precision`.
    """
    with figure(path, COLUMN, 2.6) as canvas:
        axes = canvas.add_subplot()
        for name, rows in curves.items():
            recall, precision = ([float(row[key]) for row in rows] for key in ("recall", "precision"))
            axes.plot(recall, precision, marker="o", markersize=2.5, label=name.replace("_", " "))
        axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1))
        axes.legend()
