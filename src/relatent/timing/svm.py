"""Measure the SVM note: time and memory of LIBSVM and LIBLINEAR on dense and sparse tf-idf rows."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from relatent.files.atomic import check_readable

MACHINES = ("libsvm", "liblinear")
LAYOUTS = ("dense", "sparse")


def compare(
    representation: Path, *, sizes: Sequence[int], repeats: int, enough_seconds: float, seed: int
) -> Iterator[dict[str, Any]]:
    """Train each machine on each layout and size, each in a process of its own.

    Parameters
    ----------
    representation : HDF5 with sparse `train` rows and `train_labels`; the task is binary, the first
        half of the classes against the second.
    sizes : numbers of training items, drawn by `seed`; a larger set contains the smaller ones.
    repeats : int, fits per process; the median counts.
    enough_seconds : float, no further fit starts after this total.

    Yields
    ------
    dict
        `machine`, `layout`, `items`, `seconds` (median of the fits), `peak_bytes` (of the process,
        above what it held with the sparse rows read), `accuracy` on the training items.
    """
    check_readable(representation)  # one error line here, not one per process
    for items in sizes:
        for machine in MACHINES:
            for layout in LAYOUTS:
                job = {"representation": str(representation), "machine": machine, "layout": layout, "items": items}
                yield _measured_apart(job | {"repeats": repeats, "enough_seconds": enough_seconds, "seed": seed})


def _measured_apart(job: dict[str, Any]) -> dict[str, Any]:
    """Run one job in a new process, to measure its own peak memory."""
    command = [sys.executable, "-m", "relatent.timing.svm", json.dumps(job)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def measure(
    representation: str, machine: str, layout: str, items: int, repeats: int, enough_seconds: float, seed: int
) -> dict[str, Any]:
    """Run one job in this process; see `compare`."""
    import scipy.sparse as sp
    from sklearn.svm import SVC, LinearSVC

    from relatent.files.hdf5 import read_hdf5

    rows: Any
    rows, labels = read_hdf5(representation, "train", "train_labels")
    chosen = np.random.default_rng(seed).permutation(len(labels))[:items]
    rows, target = rows[np.sort(chosen)], labels[np.sort(chosen)] > np.median(np.unique(labels))
    before = held_bytes(reset=True)
    # the note's "huge 2D array with many zeros"
    given = rows.toarray() if layout == "dense" else rows
    seconds: list[float] = []
    while len(seconds) < repeats and sum(seconds) < enough_seconds:
        model = SVC(kernel="linear", cache_size=200) if machine == "libsvm" else LinearSVC(random_state=0)
        began = time.perf_counter()
        model.fit(given, target)
        seconds.append(time.perf_counter() - began)
    peak_bytes = held_bytes() - before
    # the kernel is linear
    weights = model.coef_.toarray() if sp.issparse(model.coef_) else model.coef_
    # as `predict`, which takes a minute for a dense LIBSVM
    said = (rows @ weights.T).ravel() + model.intercept_ > 0
    return {
        "machine": machine,
        "layout": layout,
        "items": items,
        "seconds": float(np.median(seconds)),
        "peak_bytes": peak_bytes,
        "accuracy": float(np.mean(said == target)),
    }


def held_bytes(*, reset: bool = False) -> int:
    """Return the largest resident set of this process since the last reset, in bytes; Linux."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # proc(5): resets the peak
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) * 1024


if __name__ == "__main__":
    print(json.dumps(measure(**json.loads(sys.argv[1]))))
