"""What the compiled engine adds: float64 exactness on float32 products, cutoffs alone, devices."""

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from relatent.errors import InputError
from relatent.ranking import evaluate, top_k
from relatent.ranking.engines.choose import choose
from relatent.ranking.engines.codes import Codes
from relatent.ranking.engines.dense import Dense
from relatent.ranking.engines.scorers import DenseScorer, HammingScorer, SparseScorer
from relatent.ranking.engines.sorting import Sorting
from relatent.ranking.engines.sparse import Sparse
from relatent.ranking.engines.streamed import Streamed
from relatent.ranking.inputs import sides
from relatent.ranking.relevance import relevance
from relatent.ranking.task import Task

CUTOFFS = (1, 5, 50)


def draw_sides(rng, score, n_queries, n_database, *, levels, duplicates):
    """Two sides: continuous or of few integer levels, some rows of the database repeated."""
    width = int(rng.integers(1, 40))
    if score == "hamming":
        both = [rng.random((n, width)) < 0.4 for n in (n_queries, n_database)]
    elif levels:
        both = [rng.integers(-levels, levels + 1, (n, width)).astype(np.float32) for n in (n_queries, n_database)]
    else:
        both = [rng.standard_normal((n, width)).astype(np.float32) for n in (n_queries, n_database)]
    copies = rng.integers(0, n_database, duplicates)
    both[1][rng.integers(0, n_database, duplicates)] = both[1][copies]
    return both


def both_engines(queries, database, labels, score, *, ties="expected", metrics="all"):
    """Values of the compiled and of the sorting engine."""
    queries, database = sides(queries, database, score)
    sizes = queries.shape[0], database.shape[0]
    task = Task(queries, database, score, relevance(*labels, sizes), None, CUTOFFS, ties, metrics)
    if score == "hamming":
        fast, scorer = Codes(task), HammingScorer(queries, database)
    elif sp.issparse(queries):
        fast, scorer = Sparse(task, 2**28), SparseScorer(queries, database, score)
    else:
        fast, scorer = Dense(task, 2**28, "cpu"), DenseScorer(queries, database, score)
    relevant = task.relevant(0, sizes[0])
    return [e.measure(0, sizes[0], relevant) for e in (fast, Sorting(task, scorer))]


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    score=st.sampled_from(["cosine", "dot", "l2", "hamming"]),
    sparse=st.booleans(),
    ties=st.sampled_from(["expected", "trec"]),
    levels=st.sampled_from([0, 1, 3]),
    n_database=st.sampled_from([1, 2, 40, 300]),
)
def test_compiled_and_sorting_engines_agree(seed, score, sparse, ties, levels, n_database):
    """Two engines that share no ranking code give the same numbers, ties and duplicates
    included."""
    rng = np.random.default_rng(seed)
    queries, database = draw_sides(rng, score, 7, n_database, levels=levels, duplicates=n_database // 3)
    if sparse and score != "hamming":
        queries, database = sp.csr_array(queries * (queries > 0)), sp.csr_array(database)
    labels = rng.integers(0, 3, 7), rng.integers(0, 3, n_database)
    fast, slow = both_engines(queries, database, labels, score, ties=ties)
    np.testing.assert_allclose(fast, slow, rtol=0, atol=1e-9)


def nearly_alike(rng, n_queries, n_database, width):
    """Float32 sides; some database rows are others, or differ by what float32 products hardly
    show."""
    sides = [rng.standard_normal((n, width)).astype(np.float32) for n in (n_queries, n_database)]
    copies = rng.integers(0, n_database, n_database // 30)
    off = 10.0 ** rng.integers(-8, -4, (len(copies), 1)) * rng.standard_normal((len(copies), width))
    off[rng.random(len(copies)) < 0.3] = 0
    sides[1][rng.integers(0, n_database, len(copies))] = sides[1][copies] + off
    return sides


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    score=st.sampled_from(["cosine", "dot", "l2"]),
    ties=st.sampled_from(["expected", "trec"]),
    kind=st.sampled_from(["float32", "float64", "float64 products", "sparse"]),
    labels=st.sampled_from(["classes", "shared"]),
    exclude_self=st.booleans(),
)
def test_short_keys_rank_as_the_sorting_engine_does(seed, score, ties, kind, labels, exclude_self):
    """What 32 bits of a score cannot tell apart is ranked by float64 scores, and crowded queries
    whole."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(800, 3000))
    queries, database = nearly_alike(rng, 21, n, int(rng.integers(2, 30)))
    queries[3] = 0  # all scores tied under dot and cosine: crowded
    if kind.startswith("float64"):
        queries, database = queries.astype(float), database.astype(float)
    elif kind == "sparse":
        queries, database = (
            sp.csr_array(side * (side > 0.5 * rng.random(side.shape[1]))) for side in (queries, database)
        )
    queries, database = sides(queries, database, score)
    of_queries, of_items = rng.integers(0, 4, 21), rng.integers(0, 3, n)
    if labels == "shared":
        of_queries, of_items = rng.random((21, 4)) < 0.3, rng.random((n, 4)) < 0.3
    left_out = rng.integers(-1, n, 21) if exclude_self else None
    task = Task(queries, database, score, relevance(of_queries, of_items, (21, n)), left_out, CUTOFFS, ties, "all")
    is_sparse = kind == "sparse"
    with pytest.MonkeyPatch.context() as patch:
        if kind == "float64 products":
            patch.setattr("relatent.ranking.engines.dense.MOST_ALIKE", 0.0)
        fast = Sparse(task, 2**28) if is_sparse else Dense(task, 2**28, "cpu")
    slow = Sorting(task, (SparseScorer if is_sparse else DenseScorer)(queries, database, score))
    first, last = 2, 19
    relevant = task.relevant(first, last)
    np.testing.assert_allclose(
        fast.measure(first, last, relevant), slow.measure(first, last, relevant), rtol=0, atol=1e-9
    )


def test_few_queries_are_ranked_by_long_keys(monkeypatch):
    """Of continuous scores short keys rank every query, however near some items are; of tied ones
    none."""
    rng = np.random.default_rng(6)
    rows, labels = nearly_alike(rng, 40, 5000, 24), (rng.integers(0, 9, 40), rng.integers(0, 9, 5000))
    ranked_long = []
    rank_long = Dense._rank_long
    monkeypatch.setattr(Dense, "_rank_long", lambda self, *a: ranked_long.append(len(a[0])) or rank_long(self, *a))
    evaluate(*rows, *labels)
    assert sum(ranked_long) == 0
    evaluate(np.sign(rows[0]), np.sign(rows[1]), *labels)
    assert sum(ranked_long) == 40


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    score=st.sampled_from(["cosine", "dot", "l2"]),
    levels=st.sampled_from([0, 1]),
    ties=st.sampled_from(["expected", "trec"]),
)
def test_cutoffs_alone_equal_the_full_ranking(seed, score, levels, ties):
    """Selecting the best items loses none that a cutoff needs, whatever is tied there."""
    rng = np.random.default_rng(seed)
    queries, database = draw_sides(rng, score, 7, 900, levels=levels, duplicates=300)
    labels = rng.integers(0, 3, 7), rng.integers(0, 3, 900)
    whole, _ = both_engines(queries, database, labels, score, ties=ties)
    short, _ = both_engines(queries, database, labels, score, ties=ties, metrics="cutoffs")
    np.testing.assert_allclose(short, whole[:, : short.shape[1]], rtol=0, atol=1e-12)


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    score=st.sampled_from(["cosine", "dot", "l2"]),
    levels=st.sampled_from([0, 1, 6]),
    ties=st.sampled_from(["expected", "trec"]),
    labels=st.sampled_from(["classes", "gains", "shared"]),
    exclude_self=st.booleans(),
    n_database=st.sampled_from([1024, 1100, 3333]),
)
def test_streamed_cutoffs_equal_the_sorting_engine(seed, score, levels, ties, labels, exclude_self, n_database):
    """A running bound loses nothing that a cutoff needs: crowded lists, ties, ragged tiles, rows
    left out."""
    rng = np.random.default_rng(seed)
    queries, database = sides(*draw_sides(rng, score, 11, n_database, levels=levels, duplicates=300), score)
    of_queries, of_items = rng.integers(0, 4, 11), rng.integers(0, 3, n_database)
    gains = rng.random(n_database) if labels == "gains" else None
    if labels == "shared":
        of_queries, of_items = rng.random((11, 4)) < 0.3, rng.random((n_database, 4)) < 0.3
    relevant_to = relevance(of_queries, of_items, (11, n_database), gains)
    left_out = rng.integers(-1, n_database, 11) if exclude_self else None
    task = Task(queries, database, score, relevant_to, left_out, CUTOFFS, ties, "cutoffs")
    engine = Streamed(task, 2**28, "cpu")
    assert engine.streams
    sorting = Sorting(task, DenseScorer(queries, database, score))
    fast, slow = (e.measure(2, 11, task.relevant(2, 11)) for e in (engine, sorting))
    np.testing.assert_allclose(fast, slow, rtol=0, atol=1e-9)


def test_ascending_and_descending_scores_stream_alike():
    """The order of rows does not matter, not even where every item is a new best or none is."""
    rng = np.random.default_rng(5)
    queries = np.abs(rng.standard_normal((40, 1))).astype(np.float32)
    database = np.sort(rng.standard_normal((9000, 1)).astype(np.float32), axis=0)
    labels = rng.integers(0, 3, 40), rng.integers(0, 3, 9000)
    options = {"score": "dot", "metrics": "cutoffs", "cutoffs": (10, 100)}
    up = evaluate(queries, database, *labels, **options)
    down = evaluate(queries, database[::-1], labels[0], labels[1][::-1], **options, threads=3, max_bytes=2**24)
    np.testing.assert_allclose(up.values, down.values, rtol=0, atol=1e-12)


@pytest.mark.parametrize("score", ["cosine", "l2"])
@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_float32_rows_rank_as_float64_direct_scores(score, offset):
    """What a float32 product cannot tell apart is ranked by float64: no query differs."""
    rng = np.random.default_rng(0)
    rows = [(offset + rng.standard_normal((n, 32))).astype(np.float32) for n in (200, 4000)]
    labels = rng.integers(0, 5, 200), rng.integers(0, 5, 4000)
    queries, database = (side.astype(np.float64) for side in rows)
    if score == "l2":
        scores = -((queries[:, None] - database[None]) ** 2).sum(axis=2)
    else:
        scores = queries @ database.T / np.linalg.norm(database, axis=1)
    order = np.argsort(-scores, axis=1)
    hits = labels[1][order] == labels[0][:, None]
    found, ranks = np.cumsum(hits, axis=1), np.arange(1, 4001)
    result = evaluate(*rows, *labels, score=score, cutoffs=(10,))
    expected = (hits * found / ranks).sum(axis=1) / hits.sum(axis=1)
    np.testing.assert_allclose(result["map"], expected, rtol=0, atol=1e-5)
    np.testing.assert_allclose(result["P_10"], hits[:, :10].mean(axis=1), rtol=0, atol=1e-5)


@pytest.mark.parametrize("score", ["cosine", "dot", "l2"])
def test_scale_does_not_matter(score):
    """float64 rows of size 1e30 or 1e-30, beyond the product's float32, rank like those of size
    1."""
    rng = np.random.default_rng(1)
    queries, database = rng.standard_normal((9, 8)), rng.standard_normal((300, 8))
    labels = rng.integers(0, 3, 9), rng.integers(0, 3, 300)
    expected = evaluate(queries, database, *labels, score=score)
    for scale in (1e30, 1e-30):
        result = evaluate(queries * scale, database * scale, *labels, score=score)
        np.testing.assert_allclose(result.values, expected.values, rtol=0, atol=1e-12)


@pytest.mark.parametrize("score", ["cosine", "dot", "l2"])
def test_torch_product_gives_the_same_metrics(score):
    """The path of device="cuda", taken on the CPU, agrees with numpy's to 1e-6."""
    pytest.importorskip("torch")
    rng = np.random.default_rng(2)
    rows = [rng.standard_normal((n, 24)).astype(np.float32) for n in (100, 2000)]
    labels = rng.integers(0, 5, 100), rng.integers(0, 5, 2000)
    expected = evaluate(*rows, *labels, score=score)
    result = evaluate(*rows, *labels, score=score, device="torch-cpu")
    np.testing.assert_allclose(result.values, expected.values, rtol=0, atol=1e-6)


def test_cuda_without_a_device_is_one_clear_line():
    """Asking for CUDA where there is none says so."""
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    with pytest.raises(InputError, match="finds no CUDA device"):
        evaluate(np.eye(2), np.eye(2), [0, 1], [0, 1], device="cuda")


def test_a_device_for_codes_is_one_clear_line():
    """Hamming distances run on the CPU alone."""
    codes = np.eye(2, dtype=bool)
    with pytest.raises(InputError, match="needs numba, dense float rows"):
        evaluate(codes, codes, [0, 1], [0, 1], score="hamming", device="torch-cpu")


def test_a_large_database_is_streamed_by_sorting():
    """Where rows of scores do not fit the budget, the streaming engine takes over."""
    database = np.zeros((5000, 4))
    task = Task(database[:1], database, "dot", None, None, (1,), "expected", "all")
    small, _ = choose(task, 2, 2**18, "cpu")
    large, _ = choose(task, 2, 2**24, "cpu")
    assert isinstance(small, Sorting)
    assert isinstance(large, Dense)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    score=st.sampled_from(["cosine", "dot", "l2", "hamming"]),
    sparse=st.booleans(),
    k=st.integers(1, 30),
    exclude_self=st.booleans(),
)
def test_top_k_is_the_head_of_the_sorted_scores(seed, score, sparse, k, exclude_self):
    """Indices and scores are those of a stable sort of exact scores."""
    rng = np.random.default_rng(seed)
    rows, _ = draw_sides(rng, score, 31, 1, levels=1, duplicates=0)
    dense = rows.astype(np.float64)
    if score == "hamming":
        exact = -(rows[:, None] != rows[None]).sum(axis=2).astype(float)
    elif score == "l2":
        exact = -np.sqrt(((dense[:, None] - dense[None]) ** 2).sum(axis=2))
    else:
        exact = dense @ dense.T
        if score == "cosine":
            norms = np.linalg.norm(dense, axis=1)
            exact /= np.maximum(np.outer(norms, norms), 1e-300)
    if exclude_self:
        np.fill_diagonal(exact, -np.inf)
    given_rows = sp.csr_array(dense) if sparse and score != "hamming" else rows
    indices, scores = top_k(given_rows, given_rows, k, score=score, exclude_self=exclude_self)
    best = np.sort(exact, axis=1)[:, ::-1][:, :k]
    np.testing.assert_allclose(scores, best, rtol=0, atol=1e-6)
    np.testing.assert_allclose(np.take_along_axis(exact, indices, axis=1), best, atol=1e-9)
    assert all(len(set(row)) == k for row in indices)


def test_top_k_larger_than_the_database_is_an_error():
    """k is at most the number of items of a ranking."""
    with pytest.raises(InputError, match="k must be at most 2, the items of a ranking, got 3"):
        top_k(np.ones((1, 2)), np.ones((2, 2)), 3)


def test_import_needs_neither_torch_nor_numba():
    """`import relatent.ranking` is light; numba comes with the first evaluation."""
    code = "import sys, relatent.ranking; sys.exit(bool({'torch', 'numba', 'sklearn', 'pandas'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("score", ["cosine", "l2"])
@pytest.mark.parametrize("metrics", ["all", "cutoffs"])
def test_workers_that_share_a_block_change_nothing(score, metrics):
    """A database too long for a block per worker is cut over its rows, with the same result."""
    rng = np.random.default_rng(3)
    rows = [rng.standard_normal((n, 24)).astype(np.float32) for n in (60, 20_000)]
    labels = rng.integers(0, 40, 60), rng.integers(0, 40, 20_000)
    cutoffs = (10, 3000)  # the lists that scores could stream into would be as long as the rows
    options = {"score": score, "metrics": metrics, "cutoffs": cutoffs}
    task = Task(*rows, score, relevance(*labels, (60, 20_000)), None, cutoffs, "expected", metrics)
    engine, plan = choose(task, 3, 2**23, "cpu")
    assert isinstance(engine, Dense)
    assert plan.shared
    expected = evaluate(*rows, *labels, **options, threads=1)
    result = evaluate(*rows, *labels, **options, threads=3, max_bytes=2**23)
    np.testing.assert_allclose(result.values, expected.values, rtol=0, atol=1e-12)


@pytest.mark.parametrize("metrics", ["all", "cutoffs"])
def test_memory_stays_within_the_budget(metrics):
    """Beyond the inputs, and the library itself, evaluation allocates less than max_bytes."""
    rng = np.random.default_rng(4)
    rows = [rng.standard_normal((n, 16)).astype(np.float32) for n in (500, 30_000)]
    labels = rng.integers(0, 10, 500), rng.integers(0, 10, 30_000)
    evaluate(rows[0][:50], *rows[1:], labels[0][:50], labels[1], metrics=metrics)
    for budget in (2**25, 2**26):
        tracemalloc.start()
        evaluate(*rows, *labels, threads=4, max_bytes=budget, metrics=metrics)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 1.1 * budget


def test_without_numba_and_threadpoolctl_the_numbers_are_the_same():
    """numpy and scipy are enough."""
    code = (
        "import sys; sys.modules.update(numba=None, threadpoolctl=None, torch=None)\n"
        "import numpy as np; from relatent.ranking import evaluate\n"
        "rows = np.random.default_rng(0).standard_normal((40, 5)); y = np.arange(40) % 3\n"
        "print(evaluate(rows, rows, y, y, exclude_self=True).means()['map'])"
    )
    answer = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    rows, labels = np.random.default_rng(0).standard_normal((40, 5)), np.arange(40) % 3
    expected = evaluate(rows, rows, labels, labels, exclude_self=True).means()["map"]
    assert float(answer.stdout) == pytest.approx(expected, abs=1e-12)
