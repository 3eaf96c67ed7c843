"""Ranking evaluation against its peers: seconds, memory, ratio to the matrix product, growth with
n, in one run.

    python benchmarks/ranking.py [--cases notes-1 dense-128 ...] [--repeats 3] [--threads 4]
    [--pairs 1e9]
                                 [--limit 20] [--out results/timing/ranking-benchmark]

The default takes about 30 minutes on 4 quiet cores; `--pairs inf --limit 600` measures every query.
It writes a table (.txt), a figure (.png) and what was measured (.json); started again, it continues
after the last whole case.

Each method runs in a process of its own, first once (compiled kernels loaded from disk; `cold s` is
the same with none on disk), then `repeats` times or until `limit` seconds are spent; the table
shows the median. Methods of a case run one after the other, so ratios are of one run. A method
measures so many queries that it scores at most `pairs` pairs, slow peers fewer: the column
`measured` says how many. The cost of a pair does not depend on the number of queries, so seconds
are scaled to all queries of the case and marked ~ (not those of the first call, which also loads
kernels). `cpu` is the process's CPU time: on a shared machine it is steadier than wall time. `extra
MB` is the peak of resident memory beyond the inputs, the first call included. Ours answers every
metric of the full ranking, ours@100 those at 100; faiss and torch find the top 100 or 1000 alone.
The cases grow-... are one question put to databases of growing size.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from ranking_methods import CASES, LEAST_QUERIES, METHODS, MOST_PAIRS, NEEDS, OF_KIND, SKIPPED, USUAL, Case, draw
from ranking_report import draw_figure, table

COLD = {("notes-1", "ours"), ("notes-1", "ours@100")}  # measured once more with nothing compiled


def resident_mb(field: str) -> float:
    """Return VmRSS (now) or VmHWM (peak) of this process, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1000
    raise KeyError(field)


def measured_queries(case: Case, method: str, pairs: float) -> int:
    """Return the number of queries that a method gets."""
    most = min(pairs, MOST_PAIRS.get(method, np.inf)) / case.n_database
    return int(min(case.n_queries, max(LEAST_QUERIES, most)))


def run_child(name: str, method: str, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Time one method in this process; yield the row after every repetition but the first."""
    from threadpoolctl import threadpool_limits

    case, threads = CASES[name], options.threads
    n = measured_queries(case, method, options.pairs)
    arguments = *draw(case, n), case, threads
    import_module(NEEDS.get(method, "numpy"))  # libraries are no working memory
    Path("/proc/self/clear_refs").write_text("5")  # resets VmHWM
    before, wall, cpu = resident_mb("VmRSS"), [], []
    blas = 1 if method in ("gemm", "ours", "ours@100", "csr") else threads
    began = time.perf_counter()
    for repeat in range(options.repeats + 1):
        start, start_cpu = time.perf_counter(), time.process_time()
        with threadpool_limits(blas, user_api="blas"):
            METHODS[method](*arguments)
        wall.append(case.n_queries / n * (time.perf_counter() - start))
        cpu.append(case.n_queries / n * (time.process_time() - start_cpu))
        yield {
            "case": name,
            "method": method,
            "measured_queries": n,
            "first_seconds": wall[0] * n / case.n_queries,
            "seconds": statistics.median(wall[1:] or wall),
            "cpu_seconds": statistics.median(cpu[1:] or cpu),
            "all_seconds": wall[1:],
            "extra_mb": resident_mb("VmHWM") - before,
            "scaled": n < case.n_queries,
        }
        if repeat and time.perf_counter() - began > options.limit:
            return


def last_row(name: str, method: str, options: argparse.Namespace, **changes: str) -> dict[str, Any] | None:
    """Return the last row that a child process measured within twice the limit and a minute to
    start."""
    pinned = {f"{library}_NUM_THREADS": str(options.threads) for library in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
    command = [sys.executable, __file__, "--child", name, method, "--limit", str(options.limit)]
    command += ["--repeats", str(options.repeats), "--threads", str(options.threads), "--pairs", str(options.pairs)]
    try:
        found = subprocess.run(
            command,
            env=os.environ | pinned | changes,
            stdout=subprocess.PIPE,
            check=False,
            timeout=2 * options.limit + 60,
        ).stdout
    except subprocess.TimeoutExpired as late:
        found = late.stdout or b""
    lines = found.decode().splitlines()
    return json.loads(lines[-1]) if lines else None


def run_case(name: str, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Run every method of a case, each in a process with fixed thread counts."""
    for method in OF_KIND[CASES[name].kind]:
        chosen = options.methods or [method]
        if method not in chosen or ((name, method) in SKIPPED and not options.methods):
            continue
        row = last_row(name, method, options)
        if row is None:
            print(f"{name} {method}: failed, or not one call within the limit", file=sys.stderr)
            continue
        if (name, method) in COLD:
            once = argparse.Namespace(**{**vars(options), "repeats": 0})
            with tempfile.TemporaryDirectory() as nothing:
                cold = last_row(name, method, once, NUMBA_CACHE_DIR=nothing)
            row["cold_seconds"] = cold and cold["first_seconds"]
        yield row


def measured_before(options: argparse.Namespace) -> dict[str, Any]:
    """Return the rows of an earlier run with the same settings, none if there was no such run."""
    settings = {name: getattr(options, name) for name in ("repeats", "threads", "pairs", "limit", "methods")}
    nothing: dict[str, Any] = {"settings": settings, "whole": [], "rows": []}
    path = options.out.with_suffix(".json")
    if not path.exists():
        return nothing
    found = json.loads(path.read_text())
    if not isinstance(found, dict) or found["settings"] != settings:
        return nothing
    found["rows"] = [row for row in found["rows"] if row["case"] in found["whole"]]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", nargs="+", choices=[*CASES, "all", "usual"], default=["usual"])
    parser.add_argument("--methods", nargs="+", choices=list(METHODS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--pairs", type=float, default=1e9, help="pairs of query and item scored by a call, at most")
    parser.add_argument("--limit", type=float, default=20, help="seconds, after which a method is not repeated")
    parser.add_argument("--out", type=Path, default=Path("results/timing/ranking-benchmark"))
    parser.add_argument("--child", nargs=2, metavar=("CASE", "METHOD"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        for row in run_child(*options.child, options):
            print(json.dumps(row), flush=True)
        return
    names = [n for n in CASES if n in options.cases or "all" in options.cases]
    names = list(USUAL) if "usual" in options.cases else names
    options.out.parent.mkdir(parents=True, exist_ok=True)
    found = measured_before(options)
    rows = found["rows"]
    for name in names:
        if name in found["whole"]:
            continue
        for row in run_case(name, options):
            rows.append(row)
            print(table(rows).splitlines()[-1], file=sys.stderr, flush=True)
        found["whole"].append(name)
        options.out.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")
    print(table(rows))
    options.out.with_suffix(".txt").write_text(table(rows) + "\n")
    draw_figure(rows, options.out.with_suffix(".png"))


if __name__ == "__main__":
    main()
