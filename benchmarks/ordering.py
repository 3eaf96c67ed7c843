"""Ordering features: path length and seconds of every method, against the best known, in one run.

    python benchmarks/ordering.py [--sizes 100 450 1000 2000 5000] [--seeds 1] [--files weights.h5
    ...]
                                  [--long 30] [--repeats 3] [--out
                                  results/timing/ordering-benchmark]

The default takes about 10 minutes on one core. Features are Gabor-like: Gaussian windows on waves
at random places, angles, frequencies and phases, 28 x 28 pixels, with 5 % noise; `--seeds` draws
several sets of each size, `--files` adds one's own features, as `relatent mosaic` reads them.

A path's length is the sum of 1 - correlation of neighbours. Seconds are those of the whole call,
correlations included, median of the repeats after one call that is not counted (numba compiles in
it). The best known is the shortest path of all methods of the set in this run, long runs included:
fast-tsp with `--long` seconds (twice as many from 2000 features on), and our search with 10 times
its kicks (twice from 2000 on). `2-opt` is 2-opt and or-opt from the greedy path without any kick.
LKH, whose licence is non-commercial, is not run.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from relatent.files import tables as storage
from relatent.ordering import clusters, default_columns, order_features, path_length, typeset
from relatent.tools.pictures import read_features

EDGE_PX = 28
NOISE = 0.05  # standard deviation, of waves between -1 and 1
# features, from which there is one repeat, and long runs are shorter for their size; above, no leaf
# order
LARGE = 2000
KEYS = ["set", "n", "method", "length", "above_best", "seconds", "cpu_seconds"]
KEYS += ["typeset_seconds", "clusters", "lines", "columns"]  # of the method tsp
Method = Callable[[np.ndarray], np.ndarray]


def gabor(n: int, seed: int) -> np.ndarray:
    """Draw Gabor-like features, float64 (n, 28, 28)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : EDGE_PX * 1j, -1 : 1 : EDGE_PX * 1j]
    centre_y, centre_x = rng.uniform(-0.7, 0.7, (2, n, 1, 1))
    angle, phase = rng.uniform(0, np.pi, (n, 1, 1)), rng.uniform(0, 2 * np.pi, (n, 1, 1))
    frequency, width = rng.uniform(2, 6, (n, 1, 1)), rng.uniform(0.15, 0.35, (n, 1, 1))
    dy, dx = y - centre_y, x - centre_x  # (n, 28, 28)
    along = dx * np.cos(angle) + dy * np.sin(angle)
    waves = np.exp(-(dx**2 + dy**2) / (2 * width**2)) * np.cos(np.pi * frequency * along + phase)
    return waves + NOISE * rng.normal(size=waves.shape)


def methods(n: int, long: float) -> dict[str, Method]:
    """Return the methods to compare at this size, {name: order of features}."""
    large = n >= LARGE
    found: dict[str, Method] = {
        "none": lambda features: order_features(features, method="none"),
        "greedy": lambda features: order_features(features, method="greedy"),
        "2-opt": lambda features: order_features(features, method="tsp", kicks=0),
        "tsp": lambda features: order_features(features, method="tsp"),
        "leaf": lambda features: order_features(features, method="leaf"),
        "fast-tsp 1 s": lambda features: order_features(features, method="fast-tsp", seconds=1),
        "tsp, long": lambda features: order_features(features, method="tsp", kicks=200 if large else 1000),
        "fast-tsp, long": lambda features: order_features(
            features, method="fast-tsp", seconds=2 * long if large else long
        ),
    }
    if n > LARGE:
        del found["leaf"]
    return found


def measure(name: str, features: np.ndarray, *, long: float, repeats: int) -> list[dict[str, Any]]:
    """Yield a row per method for one set."""
    rows = []
    for method, order in methods(len(features), long).items():
        seconds, cpu = [], []
        for _ in range(1 if "long" in method or len(features) >= LARGE else repeats):
            began, cpu_began = time.perf_counter(), time.process_time()
            path = order(features)
            seconds.append(time.perf_counter() - began)
            cpu.append(time.process_time() - cpu_began)
        rows.append(
            {
                "set": name,
                "n": len(features),
                "method": method,
                "length": path_length(features, path),
                "seconds": statistics.median(seconds),
                "cpu_seconds": statistics.median(cpu),
            }
        )
        print(f"  {name}: {method} {rows[-1]['length']:.2f}, {rows[-1]['seconds']:.2f} s", flush=True)
        if method == "tsp":
            rows[-1] |= lay_out(path, features)
    best = min(row["length"] for row in rows)
    return [row | {"above_best": row["length"] / best - 1} for row in rows]


def lay_out(path: np.ndarray, features: np.ndarray) -> dict[str, float]:
    """Time typesetting and count clusters and lines."""
    columns = default_columns(len(features))
    began = time.perf_counter()
    grid = typeset(path, features, columns=columns)
    seconds = time.perf_counter() - began
    return {
        "typeset_seconds": seconds,
        "clusters": len(clusters(path, features, columns=columns)),
        "lines": len(grid),
        "columns": columns,
    }


def table(rows: list[dict[str, Any]]) -> str:
    """Format the rows as text."""
    lines = [f"{'set':<12}{'n':>6}  {'method':<16}{'length':>10}{'above best':>12}{'seconds':>10}{'cpu s':>9}"]
    for row in rows:
        lines.append(
            f"{row['set']:<12}{row['n']:>6}  {row['method']:<16}{row['length']:>10.2f}{row['above_best']:>11.2%} "
            f"{row['seconds']:>9.2f}{row['cpu_seconds']:>9.2f}"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure every set and write the table as text and CSV."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="*", default=[100, 450, 1000, 2000, 5000])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--files", type=Path, nargs="*", default=[])
    parser.add_argument("--long", type=float, default=30)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("results/timing/ordering-benchmark"))
    options = parser.parse_args()
    order_features(gabor(30, 0), method="tsp")  # compiled here, or loaded
    rows: list[dict[str, Any]] = []
    sets = [(path.stem, read_features(path)) for path in options.files]
    sets += [(f"gabor-{seed}", gabor(n, seed)) for n in options.sizes for seed in range(options.seeds)]
    for name, features in sets:
        rows += measure(name, features, long=options.long, repeats=options.repeats)
        storage.write_csv(options.out.with_suffix(".csv"), [{key: row.get(key, "") for key in KEYS} for row in rows])
    text = table(rows)
    options.out.with_suffix(".txt").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
