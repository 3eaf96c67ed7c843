"""Draw training time and memory of support vector machines, dense against sparse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from relatent.figures.style import PAGE, figure

COLOURS = {"libsvm": "#0072B2", "liblinear": "#E69F00"}
LINES = {"dense": "--", "sparse": "-"}


def svm(path: Path, table: Sequence[Mapping[str, str]]) -> None:
    """Draw seconds and peak memory over the number of documents, both axes logarithmic.

    Parameters
    ----------
    table : rows with `machine`, `layout`, `items`, `seconds`, `peak_bytes`.
    """
    with figure(path, PAGE, 2.6) as canvas:
        panels = canvas.subplots(1, 2)
        for axes, (key, unit, name) in zip(
            panels,
            (("seconds", 1.0, "training time (s)"), ("peak_bytes", 2.0**20, "memory beyond the sparse rows (MiB)")),
            strict=True,
        ):
            for machine, colour in COLOURS.items():
                for layout, line in LINES.items():
                    rows = [row for row in table if (row["machine"], row["layout"]) == (machine, layout)]
                    values = [float(row[key]) / unit for row in rows]
                    items = [int(row["items"]) for row in rows]
                    axes.plot(items, values, line, color=colour, marker="o", ms=2.5, label=f"{machine}, {layout}")
            axes.set(xlabel="training documents", ylabel=name, xscale="log", yscale="log")
            axes.minorticks_off()
            axes.set_xticks(items, [str(count) for count in items])
        panels[0].legend(loc="upper left")
