"""The cases and methods of `benchmarks/ranking.py`."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
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
    "grow-10k": Case(2_000, 10_000, 128),
    "grow-30k": Case(2_000, 30_000, 128),
    "grow-100k": Case(2_000, 100_000, 128),
    "grow-300k": Case(2_000, 300_000, 128),
}
NEEDS = {
    "ours": "relatent.ranking.engines.compiled",
    "ours@100": "relatent.ranking.engines.compiled",
    "faiss": "faiss",
    "faiss-binary": "faiss",
    "torch": "torch",
    "sklearn": "sklearn.metrics",
    "cdist": "scipy.spatial.distance",
}
USUAL = ("notes-1", "notes-2", "notes-3", "dense-128", "dense-32", "notes-3-128", "bits-128", "sparse")
USUAL += tuple(name for name in CASES if name.startswith("grow"))
SKIPPED = {
    ("bits-32", "faiss-binary"),  # many minutes: nearly all distances are tied
    ("grow-100k", "broadcast"),  # 64 queries alone take 6.6 GB
    ("grow-300k", "broadcast"),
}
Method = Callable[..., Any]


def draw(case: Case, n_queries: int) -> tuple[Any, Any, np.ndarray, np.ndarray]:
    """Draw queries, database and labels; classes differ in their means, so metrics are not
    trivial."""
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
    """Draw rows of `TERMS_OF_A_ROW` terms by Zipf's law, weighted by rarity."""
    law = 1 / np.arange(10, vocabulary + 10)
    terms = rng.choice(vocabulary, n * TERMS_OF_A_ROW, p=law / law.sum())
    weights = -np.log(law[terms] / law.sum())
    indptr = np.arange(0, n * TERMS_OF_A_ROW + 1, TERMS_OF_A_ROW)
    rows = sp.csr_array((weights, terms, indptr), shape=(n, vocabulary))
    rows.sum_duplicates()
    return rows


def ours(queries: Any, database: Any, y: Any, of_items: Any, case: Case, threads: int) -> None:
    """Compute every metric of the full ranking."""
    from relatent.ranking import evaluate

    score = "cosine" if case.kind == "sparse" else case.kind
    evaluate(queries, database, y, of_items, score=score, threads=threads, cutoffs=(10, 100))


def ours_at_100(queries: Any, database: Any, y: Any, of_items: Any, case: Case, threads: int) -> None:
    """Compute precision, recall and NDCG at 100 alone."""
    from relatent.ranking import evaluate

    score = "cosine" if case.kind == "sparse" else case.kind
    evaluate(queries, database, y, of_items, score=score, threads=threads, cutoffs=(100,), metrics="cutoffs")


def measure(ranked: np.ndarray, y: np.ndarray, of_items: np.ndarray) -> np.ndarray:
    """Precision, recall and NDCG at 100 of lists of database rows."""
    hits = of_items[ranked[:, :100]] == y[:, None]
    discount = 1 / np.log2(np.arange(2, hits.shape[1] + 2))
    return np.stack([hits.mean(axis=1), hits.sum(axis=1) / len(of_items), hits @ discount], axis=1)


def unit(rows: np.ndarray) -> np.ndarray:
    """Scale rows to length 1."""
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
LEAST_QUERIES = 64
# Pairs that a slow peer scores at most
MOST_PAIRS = {"loop": 1e8, "broadcast": 5e7, "cdist": 1e8, "sklearn": 1e8, "csr": 2e8, "faiss-binary": 1e8}
