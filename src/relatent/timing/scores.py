"""Time the scores of all pairs: the notes' loop, their broadcast whole and by blocks, scipy's
cdist.

Also measures whether the whole broadcast fits into memory.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from relatent.timing.repeats import summary

Scores = Callable[[np.ndarray, np.ndarray], Any]


def loop(queries: np.ndarray, database: np.ndarray) -> None:
    """Compute squared Euclidean distances one query at a time, as the notes began."""
    for query in queries:
        ((database - query) ** 2).sum(axis=1)


def broadcast(queries: np.ndarray, database: np.ndarray) -> np.ndarray:
    """Compute all at once, in the notes' layout: differences (n_queries, width, n_database)."""
    differences = queries[:, :, None] - database.T
    np.square(differences, out=differences)
    return differences.sum(axis=1)


def batched(queries: np.ndarray, database: np.ndarray, *, block_bytes: int) -> None:
    """Broadcast as many queries at a time as need at most `block_bytes` for their differences."""
    rows = max(1, block_bytes // database.nbytes)
    for start in range(0, len(queries), rows):
        broadcast(queries[start : start + rows], database)


def cdist(queries: np.ndarray, database: np.ndarray, *, block_bytes: int) -> None:
    """Call scipy's cdist for as many queries at a time as need at most `block_bytes` for their
    scores."""
    from scipy.spatial.distance import cdist as distances

    rows = max(1, block_bytes // (8 * len(database)))
    for start in range(0, len(queries), rows):
        distances(queries[start : start + rows], database, "sqeuclidean")


def differences_bytes(n_queries: int, n_database: int, width: int) -> int:
    """Return the bytes of the float32 differences when all pairs are broadcast at once."""
    return 4 * n_queries * n_database * width


def compare(
    sizes: Mapping[str, Sequence[int]],
    *,
    widths: Sequence[int],
    repeats: int,
    queries: int,
    block_bytes: int,
    seed: int,
    free_bytes: int | None = None,
) -> Iterator[dict[str, Any]]:
    """Time every method at every size and width, methods taking turns.

    Parameters
    ----------
    sizes : name -> (test samples, which are the queries, training samples).
    widths : dimensions.
    repeats : of each method, after one run that is not counted; the median counts.
    queries : at most so many are timed by block, and the seconds scaled, where broadcasting whole
        does not fit.
    block_bytes : of a block of `batched` and `cdist`.
    seed : of the samples, which are standard normal.
    free_bytes : that broadcasting whole may take; None: nine tenths of the machine's free memory.

    Yields
    ------
    dict
        `size`, `queries`, `database`, `width`, `method`; `seconds` and the others of
        `relatent.timing.repeats.summary`; `timed_queries`. No row of `broadcast` where it does not
        fit.
    """
    allowed = 0.9 * memory_bytes("MemAvailable") if free_bytes is None else free_bytes
    for size, (n_queries, n_database) in sizes.items():
        for width in widths:
            fits = differences_bytes(n_queries, n_database, width) + 4 * n_queries * n_database < allowed
            timed = n_queries if fits else min(n_queries, queries)
            rng = np.random.default_rng(seed)
            database = rng.standard_normal((n_database, width), dtype=np.float32)
            sample = rng.standard_normal((timed, width), dtype=np.float32)
            methods: dict[str, Scores] = {"loop": loop} | ({"broadcast": broadcast} if fits else {})
            methods["batched"] = lambda a, b: batched(a, b, block_bytes=block_bytes)
            methods["cdist"] = lambda a, b: cdist(a, b, block_bytes=block_bytes)
            at = {"size": size, "queries": n_queries, "database": n_database, "width": width}
            for method, taken in turns(methods, sample, database, repeats).items():
                scaled = [seconds * n_queries / timed for seconds in taken]
                yield at | {"method": method} | summary(scaled) | {"timed_queries": timed}


def turns(
    methods: Mapping[str, Scores], queries: np.ndarray, database: np.ndarray, repeats: int
) -> dict[str, list[float]]:
    """CPU seconds of each method's runs, all of one thread; a first one on few queries is not
    counted."""
    taken: dict[str, list[float]] = {name: [] for name in methods}
    for method in methods.values():
        method(queries[:2], database)
    for _ in range(repeats):
        for name, method in methods.items():
            began = time.process_time()
            method(queries, database)
            taken[name].append(time.process_time() - began)
    return taken


# --- memory ---------------------------------------------------------------------------------------


def memory(
    sizes: Mapping[str, Sequence[int]], *, widths: Sequence[int], limit_bytes: int | None = None
) -> Iterator[dict[str, Any]]:
    """What broadcasting whole needs at every size, and what becomes of an attempt.

    Parameters
    ----------
    sizes, widths : as in `compare`.
    limit_bytes : of address space that the attempt may take; None: all of the machine's memory.
        What needs less is not attempted, but timed in `compare`.

    Yields
    ------
    dict
        `size`, `queries`, `database`, `width`, `needed_bytes`, `machine_bytes`, `outcome`: "fits",
        or the name of the error that the attempt ended with, "none" if it did not.
    """
    machine = memory_bytes("MemTotal")
    for size, (n_queries, n_database) in sizes.items():
        for width in widths:
            needed = differences_bytes(n_queries, n_database, width)
            limit = machine if limit_bytes is None else limit_bytes
            outcome = "fits" if needed < limit else attempt(n_queries, n_database, width, limit)
            yield {
                "size": size,
                "queries": n_queries,
                "database": n_database,
                "width": width,
                "needed_bytes": needed,
                "machine_bytes": machine,
                "outcome": outcome,
            }


def attempt(n_queries: int, n_database: int, width: int, limit_bytes: int) -> str:
    """Broadcast in a process with limited address space; return the name of its error, or
    "none"."""
    job = json.dumps([n_queries, n_database, width, limit_bytes])
    done = subprocess.run(
        [sys.executable, "-m", "relatent.timing.scores", job], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def _attempt(n_queries: int, n_database: int, width: int, limit_bytes: int) -> str:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (limit_bytes, limit_bytes))
    try:
        broadcast(np.zeros((n_queries, width), np.float32), np.zeros((n_database, width), np.float32))
    except MemoryError:  # numpy raises a subclass, of a private name
        return "MemoryError"
    return "none"


def memory_bytes(key: str) -> int:
    """Return a line of /proc/meminfo (MemTotal, MemAvailable) in bytes; Linux."""
    text = Path("/proc/meminfo").read_text(encoding="ascii")
    return int(next(line for line in text.splitlines() if line.startswith(key)).split()[1]) * 1024


if __name__ == "__main__":
    print(_attempt(*json.loads(sys.argv[1])))
