"""Compare swapping with padding: useful elements per second, peak memory and padding waste.

    python benchmarks/bptt.py [--cells GRU LSTM RNN] [--hidden 128 512] [--batch 20 100]
                              [--lengths uniform lognormal newsgroups] [--methods ...] [--repeats 3]
                              [--enough 12000] [--device cpu]
                              [--out results/timing/bptt-benchmark.csv] [--report]

The table is written as CSV after every cell, and a later call continues where it stopped;
`--report` prints the present table. A unit of work is a batch of whole sequences (the peers) or a
block of `BPTT` steps (swapping): forward, sum of squares of the useful outputs, backward to all
weights. From each method's units in an epoch of `EPOCH` batches, some are taken at even distances
(for length buckets, evenly over the lengths): about `--enough` elements, and at least 2 units. They
run one after the other. Methods take turns, `--repeats` times, and the median of useful elements
per CPU second (on a GPU: per second) is reported. All runs use one thread.

    packed    pack_padded_sequence on random batches
    padded    torch's layer on random padded batches, padding masked out of the loss
    bucketed  the same on batches of sequences of about the same length (sorted epoch)
    loop      the notes' three nested loops: one step at a time, slots swapped in Python
    auto, ... `relatent.bptt.swapped` on a drained schedule, with each of its methods

Peak memory is what the largest unit adds to the process (on a GPU: to torch's allocations). Waste
is the share of elements computed for nothing.
"""

from __future__ import annotations

import argparse
import csv
import ctypes
import multiprocessing
import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from relatent.bptt.bias import document_lengths
from relatent.files import hdf5, tables
from relatent.timing.sequences import OURS, PEERS, Unit, Work, turns, waste

EPOCH = 50  # batches per epoch
NEWSGROUPS = Path("results/text/bydate/words.h5")  # made by the pipeline
LONGEST = 1000
KEYS = ["device", "cell", "hidden", "batch", "lengths", "method", "per_second", "memory_mb", "waste", "repeats"]


def draw_lengths(name: str, n: int) -> np.ndarray:
    """Draw lengths of n sequences, each from 1 to LONGEST."""
    rng = np.random.default_rng(0)
    if name == "uniform":
        return rng.integers(5, 51, n)
    if name == "lognormal":  # mean 60
        return rng.lognormal(np.log(60) - 0.5, 1, n).astype(int).clip(1, LONGEST)
    [offsets] = hdf5.read_hdf5(NEWSGROUPS, "train_offsets")
    return rng.choice(document_lengths(offsets, longest=LONGEST), n)


def peak_kb() -> int:
    """Return the largest resident set of this process, in units of 1024 bytes."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def memory_of(unit: Unit, device: str) -> float:
    """Return the peak memory of a unit in MB (10^6 bytes)."""
    if device != "cpu":
        torch.cuda.synchronize()
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        unit.run()
        return (torch.cuda.max_memory_allocated() - before) / 1e6
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def child() -> None:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")  # resets the peak (Linux)
        before = peak_kb()
        unit.run()
        sender.send((peak_kb() - before) * 1024)

    process = context.Process(target=child)
    process.start()
    taken_bytes = receiver.recv()
    process.join()
    return max(0, taken_bytes) / 1e6


def measure(work: Work, methods: Iterable[str], repeats: int) -> list[dict[str, Any]]:
    """Measure each method in a row; methods take turns."""
    units = {method: work.units(method) for method in methods}
    memory = {name: memory_of(max(found, key=lambda unit: unit.computed), work.device) for name, found in units.items()}
    rates = turns(units, work.device, repeats)
    return [
        {
            "method": method,
            "per_second": statistics.median(rates[method]),
            "memory_mb": memory[method],
            "waste": waste(found),
            "repeats": repeats,
        }
        for method, found in units.items()
    ]


def table(rows: list[dict[str, Any]]) -> str:
    """Format thousands of useful elements per second and their ratios, then memory and waste.

    Each cell has one line.
    """
    cells: dict[tuple[str, ...], dict[str, dict[str, Any]]] = {}
    for row in rows:
        cells.setdefault(tuple(str(row[key]) for key in KEYS[1:5]), {})[row["method"]] = row
    names = [name for name in (*PEERS, *OURS) if any(name in found for found in cells.values())]
    ratios = {"/ packed": ("packed",), "/ loop": ("loop",), "/ best of three": ("packed", "padded", "bucketed")}
    wasteful = [name for name in ("padded", "bucketed", "auto") if name in names]
    head = "| cell | hidden | batch | lengths | {} |\n| --- | ---: | ---: | --- |{}"
    lines = [head.format(" | ".join([*names, *ratios]), " ---: |" * (len(names) + len(ratios)))]
    for cell, found in cells.items():
        rate = {method: float(row["per_second"]) / 1e3 for method, row in found.items()}
        figures = [f"{rate[name]:.1f}" if name in rate else "" for name in names]
        for peers in ratios.values():
            known = {"auto", *peers} <= rate.keys()
            figures.append(f"{rate['auto'] / max(rate[name] for name in peers):.2f}" if known else "")
        lines.append("| " + " | ".join([*cell, *figures]) + " |")
    titles = [f"MB: {names[0]}", *names[1:], *(f"waste: {name}" for name in wasteful)]
    lines += ["", head.format(" | ".join(titles), " ---: |" * len(titles))]
    for cell, found in cells.items():
        figures = [f"{float(found[name]['memory_mb']):.0f}" if name in found else "" for name in names]
        figures += [f"{float(found[name]['waste']):.1%}" if name in found else "" for name in wasteful]
        lines.append("| " + " | ".join([*cell, *figures]) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure the cells that the CSV lacks, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", nargs="+", default=["GRU", "LSTM", "RNN"], choices=["GRU", "LSTM", "RNN"])
    parser.add_argument("--hidden", nargs="+", type=int, default=[128, 512])
    parser.add_argument("--batch", nargs="+", type=int, default=[20, 100])
    names = ["uniform", "lognormal", "newsgroups"]
    parser.add_argument("--lengths", nargs="+", default=names, choices=names)
    parser.add_argument("--methods", nargs="+", default=[*PEERS, *OURS], choices=[*PEERS, *OURS])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--enough", type=int, default=12000, help="elements of a method's round, about")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, default=Path("results/timing/bptt-benchmark.csv"))
    parser.add_argument("--report", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows: list[dict[str, Any]] = []
    if options.out.exists():
        with options.out.open(newline="") as file:
            rows = list(csv.DictReader(file))
    done = {tuple(str(row[key]) for key in KEYS[:5]) for row in rows}
    for hidden in [] if options.report else options.hidden:
        for cell in options.cells:
            for batch in options.batch:
                for name in options.lengths:
                    at = dict(zip(KEYS, (options.device, cell, hidden, batch, name), strict=False))
                    if tuple(str(value) for value in at.values()) in done:
                        continue
                    torch.manual_seed(0)
                    work = Work(cell, hidden, batch, draw_lengths(name, EPOCH * batch), options.device, options.enough)
                    new = [at | row for row in measure(work, options.methods, options.repeats)]
                    rows += new
                    tables.write_csv(options.out, rows)
                    print(
                        cell,
                        hidden,
                        batch,
                        name,
                        {r["method"]: round(r["per_second"] / 1e3, 1) for r in new},
                        flush=True,
                    )
    print(table(rows))


if __name__ == "__main__":
    main()
