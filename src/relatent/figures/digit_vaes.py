"""Draw inference networks side by side: digits, confusions, spreads, bounds, training curves,
time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from relatent.figures.planes import scatter, tiled
from relatent.figures.style import CLASSES, COLUMN, PAGE, blank, figure

NETWORKS = {"mlp": "MLP", "lstm": "LSTM", "gru": "GRU", "bigru": "bidirectional GRU"}
COLOURS = dict(zip(NETWORKS, (CLASSES[0], CLASSES[1], CLASSES[2], CLASSES[5]), strict=True))
MARKERS = dict(zip(NETWORKS, "os^D", strict=True))


@contextmanager
def panels(path: Path, names: Sequence[str], height: float) -> Iterator[list[Any]]:
    """Yield one panel per run, two per row, with the run's name above; save the figure when the
    block ends.

    Parameters
    ----------
    height : inches of one row.
    """
    rows = -(-len(names) // 2)
    with figure(path, PAGE, rows * height) as canvas:
        every = canvas.subplots(rows, 2, squeeze=False).ravel()
        for axes, name in zip(every, names, strict=False):
            axes.set_title(name, fontsize=8)  # tells the panels apart; captions are in the report
        for axes in every[len(names) :]:
            axes.set_visible(False)
        yield [*every[: len(names)]]


def embeddings(path: Path, embedded: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """Scatter several embeddings of the same items, one panel per run.

    Parameters
    ----------
    embedded : points (n, latent_dim) and labels (n,) of each run.
    """
    with panels(path, [*embedded], 3.3) as every:
        for axes, (points, labels) in zip(every, embedded.values(), strict=True):
            scatter(axes, points, labels)


def grids(path: Path, digits: Mapping[str, np.ndarray]) -> None:
    """Draw a square grid of digits, one panel per run.

    Parameters
    ----------
    digits : float (side, side, 784) of each run, in [0, 1].
    """
    with panels(path, [*digits], 3.5) as every:
        for axes, grid in zip(every, digits.values(), strict=True):
            axes.imshow(tiled(grid), vmin=0, vmax=1)
            blank(axes)


def confusions(path: Path, counts: Mapping[str, np.ndarray]) -> None:
    """Draw confusions in per cent of the true class; the diagonal is left white.

    Parameters
    ----------
    counts : int (n_classes, n_classes) of each run, rows the true classes.
    """
    shares = {name: 100 * table / np.maximum(1, table.sum(axis=1, keepdims=True)) for name, table in counts.items()}
    highest = max(float((share - np.diag(np.diag(share))).max()) for share in shares.values())
    with panels(path, [*counts], 3.1) as every:
        for axes, share in zip(every, shares.values(), strict=True):
            off = share - np.diag(np.diag(share))
            axes.imshow(off, vmin=0, vmax=highest)
            for true, predicted in np.ndindex(*share.shape):
                value = share[true, predicted]
                colour = "white" if off[true, predicted] > 0.6 * highest else "black"
                weight = "bold" if true == predicted else "normal"
                if value >= 0.5:
                    text = {"ha": "center", "va": "center", "fontsize": 6, "color": colour, "weight": weight}
                    axes.text(predicted, true, f"{value:.0f}", **text)
            ticks = range(len(share))
            axes.set(xlabel="taken for", ylabel="class (% of its digits)", xticks=ticks, yticks=ticks)


def spreads(path: Path, summary: Mapping[str, Mapping[str, Any]]) -> None:
    """Draw the generalised variance of each class relative to all digits, per run; bars: standard
    errors over seeds.

    Parameters
    ----------
    summary : per run `encoder`, `spread_<class>`, `spread` (all classes pooled) and their `_se`.
    """
    first = next(iter(summary.values()))
    classes = sorted(name for name in first if name.startswith("spread_") and not name.endswith("_se"))
    keys = [*classes, "spread"]
    with figure(path, PAGE, 2.6) as canvas:
        axes = canvas.add_subplot()
        for number, values in enumerate(summary.values()):
            network = values["encoder"]
            x = np.arange(len(keys)) + 0.16 * (number - (len(summary) - 1) / 2)
            means, errors = column(values, keys), column(values, [f"{key}_se" for key in keys])
            options: dict[str, Any] = {"color": COLOURS[network], "ms": 3.5, "label": NETWORKS[network]}
            axes.errorbar(x, means, yerr=np.nan_to_num(errors), lw=0.8, fmt=MARKERS[network], **options)
        axes.set(yscale="log", xlabel="digit", ylabel="spread: det(C of class) / det(C of all)")
        axes.set_xticks(range(len(keys)), [*(key.removeprefix("spread_") for key in classes), "all"])
        axes.legend(ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1))


def bounds(path: Path, summary: Mapping[str, Mapping[str, Any]]) -> None:
    """Draw test ELBO and importance-weighted bound of every run, one panel per number of latent
    dimensions.

    Parameters
    ----------
    summary : per run `encoder`, `latent_dim`, `elbo`, `bound` and their `_se`.
    """
    sizes = sorted({values["latent_dim"] for values in summary.values()})
    with figure(path, PAGE, 2.6) as canvas:
        for axes, size in zip(canvas.subplots(1, len(sizes), squeeze=False)[0], sizes, strict=True):
            chosen = {name: values for name, values in summary.items() if values["latent_dim"] == size}
            for row, values in enumerate(chosen.values()):
                for key, filled in (("elbo", True), ("bound", False)):
                    colour = COLOURS[values["encoder"]]
                    options: dict[str, Any] = {"ms": 4, "color": colour, "mfc": colour if filled else "white"}
                    error = np.nan_to_num(column(values, [f"{key}_se"]))
                    axes.errorbar([values[key]], [row], xerr=error, fmt=MARKERS[values["encoder"]], **options)
            axes.set_yticks(range(len(chosen)), [*chosen])
            axes.set(xlabel="nats a test digit", ylim=(len(chosen) - 0.5, -0.5))
            axes.set_title(f"{size} latent dimensions", fontsize=8)


def curves(path: Path, histories: Mapping[str, Sequence[Mapping[str, str]]], summary: Mapping[str, Any]) -> None:
    """Draw the negative ELBO of the validation digits over epochs, one panel per number of latent
    dimensions.

    Parameters
    ----------
    histories : per run a row an epoch with `epoch`, `validation_reconstruction`, `validation_kl`,
        in nats.
    summary : per run `encoder` and `latent_dim`.
    """
    sizes = sorted({summary[name]["latent_dim"] for name in histories})
    with figure(path, PAGE, 2.6) as canvas:
        for axes, size in zip(canvas.subplots(1, len(sizes), squeeze=False)[0], sizes, strict=True):
            of_size = {name: rows for name, rows in histories.items() if summary[name]["latent_dim"] == size}
            seen: set[str] = set()
            for name, rows in of_size.items():
                network = summary[name]["encoder"]
                loss = [float(row["validation_reconstruction"]) + float(row["validation_kl"]) for row in rows]
                line = "--" if network in seen else "-"  # a second run of the same network
                seen.add(network)
                axes.plot([int(row["epoch"]) for row in rows], loss, line, color=COLOURS[network], label=name)
            lowest = min(line.get_ydata().min() for line in axes.lines)
            axes.set(xlabel="epoch", ylabel="negative ELBO (nats per digit)", ylim=(lowest - 1, lowest + 25))
            axes.legend(ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1), columnspacing=1.0)


def seconds(path: Path, table: Sequence[Mapping[str, str]]) -> None:
    """Draw seconds per training epoch of each run: the median, a bar from lowest to highest, and
    the ratio.

    Parameters
    ----------
    table : a row a run with `run`, `encoder`, `seconds`, `lowest`, `highest`, `ratio`.
    """
    with figure(path, COLUMN, 0.6 + 0.35 * len(table)) as canvas:
        axes = canvas.add_subplot()
        for number, row in enumerate(table):
            median, low, high = (float(row[key]) for key in ("seconds", "lowest", "highest"))
            axes.barh(number, median, height=0.6, color=COLOURS[row["encoder"]])
            axes.errorbar([median], [number], xerr=[[median - low], [high - median]], color="black", lw=0.8)
            axes.text(high, number, f"  {float(row['ratio']):.1f} x", va="center", fontsize=7)
        axes.set_yticks(range(len(table)), [NETWORKS[row["encoder"]] for row in table])
        axes.set(xlabel="seconds per epoch, one thread", ylim=(len(table) - 0.5, -0.5))
        axes.margins(x=0.15)


def column(values: Mapping[str, Any], keys: Sequence[str]) -> np.ndarray:
    """Return some of a run's numbers, nan for one that is null or missing."""
    found = (values.get(key) for key in keys)
    return np.array([np.nan if value is None else value for value in found], dtype=np.float64)
