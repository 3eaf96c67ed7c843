"""Draw precision against recall of every representation of a data set."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from relatent.figures.style import CLASSES, COLUMN, PAGE, figure

SIZED = re.compile(r"(?:.*_)?(\d+)d(?:_.*)?")  # a name that holds the number of dimensions
FEW = 5  # curves that one panel holds
MARKERS = "osD^v<>Pp"
Curves = Mapping[str, Sequence[Mapping[str, str]]]


def precision_recall(path: Path, curves: Curves) -> None:
    """Draw interpolated precision at recall 0, .1, .. 1, the mean over queries.

    More than `FEW` curves are drawn in one panel per number of dimensions, which their names hold.
    Curves whose names hold no number stand dashed in every panel.

    Parameters
    ----------
    curves : {name of the representation: rows with `recall` and `precision`}.
    """
    drawn = groups(curves)
    everywhere = drawn.pop("") if len(drawn) > 1 else []
    with figure(path, PAGE if len(drawn) > 1 else COLUMN, 2.6) as canvas:
        panels = canvas.subplots(1, len(drawn), sharey=True, squeeze=False)[0]
        for axes, (size, names) in zip(panels, drawn.items(), strict=True):
            for number, name in enumerate([*everywhere, *names]):
                rows = curves[name]
                recall, precision = ([float(row[key]) for row in rows] for key in ("recall", "precision"))
                look = {"color": CLASSES[number % len(CLASSES)], "marker": MARKERS[number % len(MARKERS)]}
                line = "--" if name in everywhere else "-"
                axes.plot(recall, precision, line, markersize=2.5, label=shown(name), **look)
            axes.set(xlabel=f"recall, {size} dimensions" if size else "recall", xlim=(0, 1), ylim=(0, 1))
            axes.legend(loc="upper right", fontsize=6)
        panels[0].set_ylabel("precision")


def groups(curves: Curves) -> dict[str, list[str]]:
    """Group the names of curves by the number of dimensions in them.

    The key is "" for names without a number, and for all names if there are at most `FEW` curves.

    Examples
    --------
    >>> groups({"a": []})
    {'': ['a']}
    >>> names = ["pixels", "vae_mlp_2d_seed0", "vae_gru_2d_seed0", "vae_mlp_10d", "vae_gru_10d", "vae_iwae_10d"]
    >>> {size: len(found) for size, found in groups(dict.fromkeys(names, ())).items()}
    {'': 1, '2': 2, '10': 3}
    """
    if len(curves) <= FEW:
        return {"": [*curves]}
    found: dict[str, list[str]] = {}
    for name in curves:
        match = SIZED.fullmatch(name)
        found.setdefault(match[1] if match else "", []).append(name)
    return found


def shown(name: str) -> str:
    """Return a representation's name without its seed 0, which every representation has."""
    return name.removesuffix("_seed0").replace("_", " ")
