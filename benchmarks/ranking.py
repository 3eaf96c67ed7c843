"""Ranking evaluation against its peers: seconds, memory, ratio to the matrix product, in one run.

    python benchmarks/ranking.py [--cases notes-1 dense-128 ...] [--repeats 3] [--threads 4] [--pairs 1e9]
                                 [--limit 20] [--out results/timing/ranking-benchmark]

The default takes about 12 minutes on 4 quiet cores; `--pairs inf --limit 600` measures every query.

Each method runs in a process of its own, first once (compiled kernels loaded from disk; `cold s` is the same
with none on disk), then `repeats` times or until `limit` seconds are spent; the table shows the median, and
saves each row as soon as it is measured. Methods of a case run one after the other, so ratios are of one run.
A method measures so many queries that it scores at most `pairs` pairs, slow peers fewer: the column `measured`
says how many. The cost of a pair does not depend on the number of queries, so seconds are scaled to all
queries of the case and marked ~ (not those of the first call, which also loads kernels). `cpu` is the
process's CPU time: on a shared machine it is steadier than wall time. `extra MB` is the peak of
resident memory beyond the inputs, the first call included. Ours answers every metric of the full ranking,
ours@100 those at 100; faiss and torch find the top 100 or 1000 alone.
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
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

CLASSES = 10
TERMS_OF_A_ROW = 77  # non-zeros of a tf-idf row of 20 Newsgroups


@dataclass(frozen=True)
class Case:
    """Queries against a database: of `width` floats, bits or vocabulary terms."""

    n_queries: int
    n_database: int
    width: int
    kind: str = "l2"


# The notes' sizes are train x test: the test samples are the queries.
CASES = {
    "notes-1": Case(3_671, 11_032, 32),
    "notes-2": Case(3_498, 21_286, 32),
    "notes-3": Case(20_000, 300_000, 32),
    "dense-32": Case(300_000, 20_000, 32, "cosine"),
    "dense-128": Case(300_000, 20_000, 128, "cosine"),
    "notes-3-128": Case(20_000, 300_000, 128, "cosine"),
    "bits-32": Case(300_000, 20_000, 32, "hamming"),
    "bits-128": Case(300_000, 20_000, 128, "hamming"),
    "sparse": Case(300_000, 20_000, 30_000, "sparse"),
    "grow-5k": Case(20_000, 5_000, 128, "cosine"),
    "grow-20k": Case(20_000, 20_000, 128, "cosine"),
    "grow-80k": Case(20_000, 80_000, 128, "cosine"),
}
NEEDS = {
    "ours": "latents.ranking.compiled",
    "ours@100": "latents.ranking.compiled",
    "faiss": "faiss",
    "faiss-binary": "faiss",
    "torch": "torch",
    "sklearn": "sklearn.metrics",
    "cdist": "scipy.spatial.distance",
}
USUAL = ("notes-1", "notes-2", "notes-3", "dense-128", "dense-32", "bits-128", "sparse")
SKIPPED = {("bits-32", "faiss-binary")}  # many minutes: nearly all distances are tied
COLD = {("notes-1", "ours"), ("notes-1", "ours@100")}  # measured once more with nothing compiled
Method = Callable[..., Any]


def draw(case: Case, n_queries: int) -> tuple[Any, Any, np.ndarray, np.ndarray]:
    """So many queries, the database and their labels; classes differ in their means, so metrics are not trivial."""
    rng = np.random.default_rng(0)
    labels = [rng.integers(0, CLASSES, n) for n in (n_queries, case.n_database)]
    if case.kind == "sparse":
        rows = [tf_idf(rng, len(of_rows), case.width) for of_rows in labels]
    else:
        means = 0.3 * rng.standard_normal((CLASSES, case.width), dtype=np.float32)
        rows = [rng.standard_normal((len(y), case.width), dtype=np.float32) + means[y] for y in labels]
        if case.kind == "hamming":
            rows = [np.packbits(side > 0, axis=1) for side in rows]
    return rows[0], rows[1], labels[0], labels[1]


def tf_idf(rng: np.random.Generator, n: int, vocabulary: int) -> sp.csr_array:
    """Random rows of `TERMS_OF_A_ROW` draws from Zipf's law, weighted by rarity."""
    law = 1 / np.arange(10, vocabulary + 10)
    terms = rng.choice(vocabulary, n * TERMS_OF_A_ROW, p=law / law.sum())
    weights = -np.log(law[terms] / law.sum())
    indptr = np.arange(0, n * TERMS_OF_A_ROW + 1, TERMS_OF_A_ROW)
    rows = sp.csr_array((weights, terms, indptr), shape=(n, vocabulary))
    rows.sum_duplicates()
    return rows


def ours(queries: Any, database: Any, y: Any, of_items: Any, case: Case, threads: int) -> None:
    """Every metric of the full ranking."""
    from latents.ranking import evaluate

    score = "cosine" if case.kind == "sparse" else case.kind
    evaluate(queries, database, y, of_items, score=score, threads=threads, cutoffs=(10, 100))


def ours_at_100(queries: Any, database: Any, y: Any, of_items: Any, case: Case, threads: int) -> None:
    """Precision, recall and NDCG at 100 alone."""
    from latents.ranking import evaluate

    score = "cosine" if case.kind == "sparse" else case.kind
    evaluate(queries, database, y, of_items, score=score, threads=threads, cutoffs=(100,), metrics="cutoffs")


def measure(ranked: np.ndarray, y: np.ndarray, of_items: np.ndarray) -> np.ndarray:
    """Precision, recall and NDCG at 100 of lists of database rows."""
    hits = of_items[ranked[:, :100]] == y[:, None]
    discount = 1 / np.log2(np.arange(2, hits.shape[1] + 2))
    return np.stack([hits.mean(axis=1), hits.sum(axis=1) / len(of_items), hits @ discount], axis=1)


def unit(rows: np.ndarray) -> np.ndarray:
    """Rows of length 1."""
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def gemm(queries: Any, database: Any, y: Any, of_items: Any, case: Case, threads: int) -> None:
    """The matrix product alone, in float32, blocks of 256 queries on single-threaded BLAS."""

    def block(start: int) -> None:
        queries[start : start + 256] @ database.T

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(block, range(0, len(queries), 256)))


def loop(queries: Any, database: Any, y: Any, of_items: Any, case: Case, threads: int) -> None:
    """The notes' loop: one query against the database, a full sort, three metrics."""
    for i in range(len(queries)):
        distances = ((database - queries[i]) ** 2).sum(axis=1)
        order = np.argsort(distances)
        measure(order[None], y[i : i + 1], of_items)


def broadcast(queries: Any, database: Any, y: Any, of_items: Any, case: Case, threads: int) -> None:
    """The notes' improvement, all pairs of 64 queries at once: whole, it needs n x m x d floats."""
    for start in range(0, len(queries), 64):
        block = queries[start : start + 64, None]
        order = np.argsort(((block - database) ** 2).sum(axis=2), axis=1)
        measure(order, y[start : start + 64], of_items)


def cdist_argsort(queries: Any, database: Any, y: Any, of_items: Any, case: Case, threads: int) -> None:
    """scipy's cdist and a full argsort, in blocks of 256 queries."""
    from scipy.spatial.distance import cdist

    for start in range(0, len(queries), 256):
        order = np.argsort(cdist(queries[start : start + 256], database, "sqeuclidean"), axis=1)
        measure(order, y[start : start + 256], of_items)


def sklearn_chunked(queries: Any, database: Any, y: Any, of_items: Any, case: Case, threads: int) -> None:
    """scikit-learn's pairwise_distances_chunked and argpartition, top 100."""
    from sklearn.metrics import pairwise_distances_chunked

    def best(chunk: np.ndarray, start: int) -> np.ndarray:
        top = np.argpartition(chunk, 100, axis=1)[:, :100]
        order = np.argsort(np.take_along_axis(chunk, top, axis=1), axis=1)
        ranked = np.take_along_axis(top, order, axis=1)
        return measure(ranked, y[start : start + len(chunk)], of_items)

    for _ in pairwise_distances_chunked(queries, database, reduce_func=best, working_memory=256):
        pass


def faiss_flat(queries: Any, database: Any, y: Any, of_items: Any, case: Case, threads: int) -> None:
    """faiss IndexFlat, top 100, and the metrics on top."""
    import faiss

    faiss.omp_set_num_threads(threads)
    if case.kind == "cosine":
        index, queries, database = faiss.IndexFlatIP(case.width), unit(queries), unit(database)
    else:
        index = faiss.IndexFlatL2(case.width)
    index.add(database)
    measure(index.search(queries, 100)[1], y, of_items)


def faiss_binary(queries: Any, database: Any, y: Any, of_items: Any, case: Case, threads: int) -> None:
    """faiss IndexBinaryFlat, top 1000, and the metrics on top."""
    import faiss

    faiss.omp_set_num_threads(threads)
    index = faiss.IndexBinaryFlat(case.width)
    index.add(database)
    measure(index.search(queries, 1000)[1], y, of_items)


def torch_top(queries: Any, database: Any, y: Any, of_items: Any, case: Case, threads: int) -> None:
    """torch's product of 1024 queries and topk 100."""
    import torch

    torch.set_num_threads(threads)
    items = torch.from_numpy(unit(database) if case.kind == "cosine" else database)
    squares = 0 if case.kind == "cosine" else (items**2).sum(dim=1)
    for start in range(0, len(queries), 1024):
        block = torch.from_numpy(queries[start : start + 1024])
        top = torch.topk(2 * (block @ items.T) - squares, 100, dim=1).indices
        measure(top.numpy(), y[start : start + 1024], of_items)


def csr_sort(queries: Any, database: Any, y: Any, of_items: Any, case: Case, threads: int) -> None:
    """scipy's CSR product of 256 queries and a full argsort."""
    transposed = sp.csr_array(database.T)

    def block(start: int) -> None:
        products = (queries[start : start + 256] @ transposed).toarray()
        measure(np.argsort(-products, axis=1), y[start : start + 256], of_items)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(block, range(0, queries.shape[0], 256)))


METHODS: dict[str, Method] = {
    "gemm": gemm,
    "ours": ours,
    "ours@100": ours_at_100,
    "loop": loop,
    "broadcast": broadcast,
    "cdist": cdist_argsort,
    "sklearn": sklearn_chunked,
    "faiss": faiss_flat,
    "faiss-binary": faiss_binary,
    "torch": torch_top,
    "csr": csr_sort,
}
OF_KIND = {
    "cosine": ("gemm", "ours", "ours@100", "faiss", "torch"),
    "l2": ("gemm", "ours", "ours@100", "loop", "broadcast", "cdist", "sklearn", "faiss", "torch"),
    "hamming": ("ours", "ours@100", "faiss-binary"),
    "sparse": ("ours", "ours@100", "csr"),
}
# Pairs that a slow peer scores at most
MOST_PAIRS = {"loop": 1e8, "broadcast": 5e7, "cdist": 1e8, "sklearn": 1e8, "csr": 2e8, "faiss-binary": 1e8}


def resident_mb(field: str) -> float:
    """VmRSS (now) or VmHWM (peak) of this process, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1000
    raise KeyError(field)


def measured_queries(case: Case, method: str, pairs: float) -> int:
    """How many queries a method gets."""
    most = min(pairs, MOST_PAIRS.get(method, np.inf)) / case.n_database
    return int(min(case.n_queries, max(256, most)))


def run_child(name: str, method: str, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Time one method in this process; the row so far, after every repetition but the first call."""
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
    """The last row that a child process measured within twice the limit, and a minute to start."""
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
    """Every method of a case, each in a process with pinned thread counts."""
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


def table(rows: list[dict[str, Any]]) -> str:
    """One line a measurement; ratios to the product and to ours, of the same case."""
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
    """Nanoseconds a pair of every method, one panel a case."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    names = list(dict.fromkeys(row["case"] for row in rows))
    figure, axes = plt.subplots(
        len(names),
        1,
        figsize=(6.9, 0.45 * len(rows) + 0.5 * len(names)),
        squeeze=False,
        sharex=True,
        layout="constrained",
        height_ratios=[sum(r["case"] == n for r in rows) for n in names],
    )
    for axis, name in zip(axes[:, 0], names, strict=True):
        case, bars = CASES[name], [row for row in rows if row["case"] == name]
        nanoseconds = [1e9 * row["seconds"] / case.n_queries / case.n_database for row in bars]
        colours = ["#0072B2" if row["method"].startswith("ours") else "#999999" for row in bars]
        labels = [row["method"] + (" (scaled)" if row["scaled"] else "") for row in bars]
        drawn = axis.barh(labels, nanoseconds, color=colours)
        axis.bar_label(drawn, fmt="%.2f", padding=2, fontsize=7)
        axis.set_xscale("log")
        axis.margins(x=0.12)  # room for the numbers
        axis.invert_yaxis()
        axis.tick_params(labelsize=7)
        axis.set_ylabel(f"{name}\n{case.n_queries:,} x\n{case.n_database:,}\nwidth {case.width}", fontsize=7)
    axes[-1, 0].set_xlabel("wall time per pair of query and item (ns), median", fontsize=8)
    figure.savefig(path, dpi=150, metadata={"Software": None})


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
    rows: list[dict[str, Any]] = []
    options.out.parent.mkdir(parents=True, exist_ok=True)
    for name in names:
        for row in run_case(name, options):
            rows.append(row)
            options.out.with_suffix(".json").write_text(json.dumps(rows, indent=1) + "\n")
            print(table(rows).splitlines()[-1], file=sys.stderr, flush=True)
    print(table(rows))
    options.out.with_suffix(".txt").write_text(table(rows) + "\n")
    draw_figure(rows, options.out.with_suffix(".png"))


if __name__ == "__main__":
    main()
