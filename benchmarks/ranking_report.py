"""The table and the figure of `benchmarks/ranking.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ranking_methods import CASES


def table(rows: list[dict[str, Any]]) -> str:
    """Format one line per measurement; ratios to the product and to ours are of the same case."""
    by = {(row["case"], row["method"]): row for row in rows}
    head = f"{'case':12} {'queries x database':>18} {'width':>6} {'method':13} {'measured':>8} "
    head += f"{'seconds':>9} {'cpu s':>8} "
    head += f"{'first s':>8} {'cold s':>7} {'extra MB':>8} {'/product':>8} {'(cpu)':>6} {'/ours':>7} {'(cpu)':>7}"
    lines = [head]
    for row in rows:
        case, ratios = CASES[row["case"]], []
        for base, width in (("gemm", 8), ("ours", 7)):
            other = by.get((row["case"], base))
            for key, wide in (("seconds", width), ("cpu_seconds", width - 2 if base == "gemm" else 7)):
                ratios.append(f"{row[key] / other[key]:{wide}.2f}" if other else " " * wide)
        mark = "~" if row["scaled"] else " "
        cold = f"{row['cold_seconds']:7.1f}" if row.get("cold_seconds") else " " * 7
        lines.append(
            f"{row['case']:12} {case.n_queries:>8} x {case.n_database:>7} {case.width:>6} "
            f"{row['method']:13} {row['measured_queries']:>8} {mark}{row['seconds']:8.2f} {row['cpu_seconds']:8.2f} "
            f"{row['first_seconds']:8.2f} {cold} {row['extra_mb']:8.0f} " + " ".join(ratios)
        )
    return "\n".join(lines)


def draw_figure(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw nanoseconds per pair, one panel per case; below, time and memory over database size."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    growing = [row for row in rows if row["case"].startswith("grow")]
    others = [row for row in rows if row not in growing]
    names = list(dict.fromkeys(row["case"] for row in others))
    heights = [0.17 * len(others) + 0.35 * len(names), 3.2 if growing else 0.0]
    figure = plt.figure(figsize=(6.9, sum(heights)), layout="constrained")
    shares = [(h, draw) for h, draw in zip(heights, (bars_of, growth_of), strict=True) if h]
    parts = figure.subfigures(len(shares), 1, height_ratios=[h for h, _ in shares], squeeze=False)[:, 0]
    for part, (_, draw) in zip(parts, shares, strict=True):
        draw(part, others if draw is bars_of else growing)
    figure.savefig(path, dpi=110, metadata={"Software": None})


def nanoseconds(row: dict[str, Any]) -> float:
    """Return the wall time per pair."""
    case = CASES[row["case"]]
    return 1e9 * row["seconds"] / case.n_queries / case.n_database


def bars_of(figure: Any, rows: list[dict[str, Any]]) -> None:
    """Draw one panel per case, one bar per method."""
    names = list(dict.fromkeys(row["case"] for row in rows))
    counts = [sum(row["case"] == name for row in rows) + 1 for name in names]
    axes = figure.subplots(len(names), 1, squeeze=False, sharex=True, height_ratios=counts)
    for axis, name in zip(axes[:, 0], names, strict=True):
        case, bars = CASES[name], [row for row in rows if row["case"] == name]
        colours = ["#0072B2" if row["method"].startswith("ours") else "#999999" for row in bars]
        labels = [row["method"] + (" (scaled)" if row["scaled"] else "") for row in bars]
        drawn = axis.barh(labels, [nanoseconds(row) for row in bars], color=colours)
        axis.bar_label(drawn, fmt="%.2f", padding=2, fontsize=6)
        axis.set_xscale("log")
        axis.margins(x=0.12)  # room for the numbers
        axis.invert_yaxis()
        axis.tick_params(labelsize=6)
        axis.set_ylabel(f"{name}\n{case.n_queries:,} x\n{case.n_database:,}\nwidth {case.width}", fontsize=6)
    axes[-1, 0].set_xlabel("wall time per pair of query and item (ns), median", fontsize=8)


# Okabe and Ito's colours
COLOURS = ("#999999", "#0072B2", "#56B4E9", "#D55E00", "#CC79A7", "#009E73", "#E69F00", "#F0E442", "#000000")


def growth_of(figure: Any, rows: list[dict[str, Any]]) -> None:
    """Draw time per pair and peak memory of every method over the size of the database."""
    axes = figure.subplots(1, 2)
    for method, colour in zip(dict.fromkeys(row["method"] for row in rows), COLOURS, strict=False):
        own = [row for row in rows if row["method"] == method]
        sizes = [CASES[row["case"]].n_database for row in own]
        marker = "o" if method.startswith("ours") else "."
        axes[0].plot(sizes, [nanoseconds(row) for row in own], marker + "-", color=colour, label=method)
        axes[1].plot(sizes, [row["extra_mb"] for row in own], marker + "-", color=colour)
    for axis, label in zip(
        axes, ("wall time per pair (ns), median", "peak memory beyond the inputs (MB)"), strict=True
    ):
        axis.set(xscale="log", yscale="log")
        axis.set_xlabel("items of the database (d = 128, l2)", fontsize=8)
        axis.set_ylabel(label, fontsize=8)
        axis.tick_params(which="both", labelsize=7)
    figure.legend(loc="outside upper center", ncols=5, fontsize=7)
