"""`relatent.ranking.evaluate` against slow independent answers, and its invariances."""

import itertools
import sys

import h5py
import numpy as np
import pytest
import pytrec_eval
import scipy.sparse as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relatent.errors import InputError
from relatent.ranking import RankingResult, evaluate

CUTOFFS = (1, 3, 10)
TREC = (
    {f"{stem}_{k}" for stem in ("P", "recall", "ndcg_cut", "map_cut") for k in CUTOFFS}
    | {"map", "Rprec", "recip_rank", "ndcg"}
    | {f"iprec_at_recall_{level / 10:.2f}" for level in range(11)}
)


@pytest.fixture(autouse=True, params=["compiled", "sorting"])
def engine(request, monkeypatch):
    """Every property holds with numba, and without it."""
    if request.param == "sorting":
        monkeypatch.setitem(sys.modules, "relatent.ranking.engines.compiled", None)
        monkeypatch.delattr("relatent.ranking.engines.compiled", raising=False)
    return request.param


def direct_scores(queries, database, score):
    """Scores by the definition, in float64."""
    if score == "hamming":
        return -(queries[:, None] != database[None]).sum(axis=2).astype(float)
    queries, database = np.float64(queries), np.float64(database)
    if score == "l2":
        return -((queries[:, None] - database[None]) ** 2).sum(axis=2)
    if score == "cosine":
        queries = queries / np.linalg.norm(queries, axis=1, keepdims=True)
        database = database / np.linalg.norm(database, axis=1, keepdims=True)
    return queries @ database.T


def trec_values(scores, relevant, gains=None):
    """pytrec_eval's metrics, one dict per query; a document's name is its row, zero-padded."""
    runs = {f"q{i}": {f"{j:06d}": float(s) for j, s in enumerate(row)} for i, row in enumerate(scores)}
    qrels = {
        f"q{i}": {f"{j:06d}": int(1 if gains is None else gains[j]) for j in np.flatnonzero(row)}
        for i, row in enumerate(relevant)
    }
    measures = {name.rsplit("_", 1)[0] + "." for name in TREC if name[-1].isdigit()}
    named = {f"{m}{','.join(map(str, CUTOFFS))}" for m in measures if "iprec" not in m}
    evaluator = pytrec_eval.RelevanceEvaluator(qrels, named | {"map", "Rprec", "recip_rank", "ndcg", "iprec_at_recall"})
    answer = evaluator.evaluate(runs)
    return [answer.get(f"q{i}") for i in range(len(scores))]


def assert_equals_trec(result, scores, relevant, gains=None):
    for i, expected in enumerate(trec_values(scores, relevant, gains)):
        if expected is None or not relevant[i].any():
            assert np.isnan(result.values[i]).all()
            continue
        for name in TREC:
            assert result[name][i] == pytest.approx(expected[name], abs=1e-6), (i, name)


def data(seed, score, *, n_queries=23, n_database=61, width=16, levels=None):
    """Two sides and labels of 4 classes, one of which the database lacks."""
    rng = np.random.default_rng(seed)
    if score == "hamming":
        draw = [rng.random((n, width)) < 0.5 for n in (n_queries, n_database)]
    elif levels is not None:
        draw = [rng.integers(-levels, levels + 1, (n, width)) for n in (n_queries, n_database)]
        draw = [rows.astype(float) + (np.abs(rows).sum(axis=1, keepdims=True) == 0) for rows in draw]
    else:
        draw = [rng.standard_normal((n, width)) for n in (n_queries, n_database)]
    return *draw, rng.integers(0, 4, n_queries), rng.integers(0, 3, n_database)


def ranked_metrics(relevant, n_relevant):
    """The metrics of one list, straight from their definitions."""
    ranks = np.arange(1, len(relevant) + 1)
    hits, discount = np.cumsum(relevant), 1 / np.log2(ranks + 1)
    values = {}
    for k in CUTOFFS:
        best = discount[: min(k, n_relevant)].sum()
        values[f"precision@{k}"] = relevant[:k].sum() / k
        values[f"recall@{k}"] = relevant[:k].sum() / n_relevant
        values[f"ndcg@{k}"] = (relevant * discount)[:k].sum() / best
        values[f"map@{k}"] = (relevant * hits / ranks)[:k].sum() / n_relevant
    values["map"] = (relevant * hits / ranks).sum() / n_relevant
    values["r_precision"] = relevant[:n_relevant].sum() / n_relevant
    values["mrr"] = 1 / ranks[relevant > 0][0]
    values["ndcg"] = (relevant * discount).sum() / discount[:n_relevant].sum()
    return values


SLOW = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}
SEEDS = st.integers(0, 2**32 - 1)


def as_given(sides, score):
    """The sides as they are passed on, and the scorer's name: "sparse" is the cosine of sparse
    rows."""
    return ([sp.csr_array(side) for side in sides], "cosine") if score == "sparse" else (sides, score)


@settings(max_examples=12, **SLOW)
@given(seed=SEEDS, score=st.sampled_from(["cosine", "dot", "l2", "sparse"]), ties=st.sampled_from(["expected", "trec"]))
def test_equals_trec_eval_without_ties(seed, score, ties):
    """Both tie policies are trec_eval's numbers, query by query, where nothing is tied."""
    queries, database, query_labels, database_labels = data(seed, score)
    sides, name = as_given((queries, database), score)
    result = evaluate(*sides, query_labels, database_labels, score=name, cutoffs=CUTOFFS, ties=ties)
    relevant = query_labels[:, None] == database_labels
    assert_equals_trec(result, direct_scores(queries, database, name), relevant)


@settings(max_examples=12, **SLOW)
@given(seed=SEEDS, score=st.sampled_from(["dot", "l2", "hamming", "sparse"]))
def test_trec_policy_equals_trec_eval_with_ties(seed, score):
    """Under ties="trec" the order within a tie is trec_eval's, query by query."""
    width = 3 if score != "hamming" else 8
    queries, database, query_labels, database_labels = data(seed, score, width=width, levels=2)
    sides, name = as_given((queries, database), score)
    # integers: tied scores are equal, however they are summed
    name = "dot" if score == "sparse" else name
    result = evaluate(*sides, query_labels, database_labels, score=name, cutoffs=CUTOFFS, ties="trec")
    relevant = query_labels[:, None] == database_labels
    assert_equals_trec(result, direct_scores(queries, database, name), relevant)


# A query, and for the places 0, 1, 2 of a ranking from its end an item each
PLACES = {
    "dot": ([1.0], [[0.0], [1.0], [2.0]]),
    "l2": ([3.0], [[0.0], [1.0], [2.0]]),
    "cosine": ([1.0, 0.0], [[1.0, 2.0], [1.0, 1.0], [2.0, 1.0]]),
    "hamming": ([True, True], [[False, False], [True, False], [True, True]]),
    "sparse": ([1.0, 0.0], [[1.0, 2.0], [1.0, 1.0], [2.0, 1.0]]),
}


@settings(max_examples=100, **SLOW)
@given(
    score=st.sampled_from(sorted(PLACES)),
    places=st.lists(st.integers(0, 2), min_size=2, max_size=6),
    labels=st.lists(st.integers(0, 1), min_size=6, max_size=6),
)
def test_expected_policy_is_the_mean_over_all_orders(score, places, labels):
    """Every metric is its mean over all permutations that agree with the scores."""
    values, relevant = np.array(places), np.array(labels[: len(places)])
    if relevant.sum() == 0:
        relevant[0] = 1
    orders = [
        np.array(order)
        for order in itertools.permutations(range(len(values)))
        if (np.diff(values[list(order)]) <= 0).all()
    ]
    lists = [ranked_metrics(relevant[order], relevant.sum()) for order in orders]
    query, items = PLACES[score]
    sides, name = as_given((np.array([query]), np.array(items)[values]), score)
    result = evaluate(*sides, [1], relevant, score=name, cutoffs=CUTOFFS)
    for metric in lists[0]:
        assert result[metric][0] == pytest.approx(np.mean([x[metric] for x in lists]), abs=1e-12), metric


@pytest.mark.parametrize("score", ["cosine", "dot", "l2", "hamming", "sparse"])
@pytest.mark.parametrize("ties", ["expected", "trec"])
@pytest.mark.parametrize("levels", [None, 2])
def test_block_size_threads_and_parts_do_not_change_any_metric(score, ties, levels):
    """Memory, workers and the number of jobs are no parameters of the result."""
    sides = data(2, score, n_queries=150, n_database=700, levels=levels)
    if score == "sparse":
        sides = sp.csr_array(sides[0] * (sides[0] > 0)), sp.csr_array(sides[1]), *sides[2:]
    options = {"score": "cosine" if score == "sparse" else score, "ties": ties, "cutoffs": CUTOFFS}
    whole = evaluate(*sides, **options, threads=1)
    small = evaluate(*sides, **options, threads=3, max_bytes=2**17)
    parts = [evaluate(*sides, **options, part=(i, 4)) for i in range(4)]
    np.testing.assert_allclose(small.values, whole.values, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(RankingResult.concatenate(parts).values, whole.values)


@pytest.mark.parametrize("score", ["cosine", "dot", "l2", "hamming", "sparse"])
def test_order_of_rows_does_not_change_the_expectation(score):
    """Shuffling the database changes nothing under ties="expected"."""
    queries, database, query_labels, database_labels = data(3, score, levels=1, width=4)
    order = np.random.default_rng(0).permutation(len(database))
    sides, name = as_given((queries, database), score)
    whole = evaluate(*sides, query_labels, database_labels, score=name)
    shuffled = evaluate(sides[0], sides[1][order], query_labels, database_labels[order], score=name)
    np.testing.assert_allclose(shuffled.values, whole.values, rtol=0, atol=1e-12)


def test_duplicate_rows_are_tied():
    """Copies of one row share their ranks in expectation, whatever their labels."""
    rng = np.random.default_rng(4)
    row, query = rng.standard_normal((2, 1, 33)).astype(np.float32)
    labels = rng.integers(0, 2, 50)
    for score in ("cosine", "dot", "l2"):
        result = evaluate(query, np.repeat(row, 50, axis=0), [1], labels, score=score, cutoffs=[7])
        assert result["precision@7"][0] == pytest.approx(labels.mean(), abs=1e-12)


def test_no_relevant_item_is_nan_left_out_and_counted():
    """A query whose label the database lacks does not enter the means."""
    result = evaluate(np.eye(2), np.eye(2), [0, 9], [0, 1], cutoffs=[1])
    assert np.isnan(result.values[1]).all()
    assert result.n_left_out == 1
    assert result.means()["map"] == 1.0


def test_one_query_and_no_query():
    """One query is a result of one row, none a result of none."""
    one = evaluate(np.ones((1, 2)), np.eye(2), [0], [0, 1])
    none = evaluate(np.ones((0, 2)), np.eye(2), [], [0, 1])
    assert len(one) == 1
    assert len(none) == 0
    assert np.isnan(none.means()["map"])


@pytest.mark.parametrize("side", ["queries", "database"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array])
def test_nan_or_inf_is_an_error_that_names_the_row(side, bad, kind):
    """The message says which row of which side, and what it holds."""
    rows = {"queries": np.ones((40, 3)), "database": np.ones((30, 3))}
    rows[side][17, 1] = bad
    with pytest.raises(InputError, match=f"{side} row 17 holds {bad}"):
        evaluate(kind(rows["queries"]), kind(rows["database"]), np.ones(40), np.ones(30))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"query_labels": [0]}, "query_labels must have one row per row"),
        ({"database_labels": [0, 1, 2]}, "database_labels must have one row per row"),
        ({"queries": np.ones((2, 4))}, "equal width"),
        ({"queries": np.ones(3)}, "must be 2-D"),
        ({"queries": np.ones((2, 3), complex)}, "real numbers"),
        ({"database": np.ones((0, 3)), "database_labels": []}, "at least one row"),
        ({"database": sp.csr_array(np.ones((2, 3)))}, "both be sparse or both dense"),
        ({"score": "euclid"}, "score must be one of"),
        ({"score": "hamming"}, "bool or packed uint8"),
        ({"ties": "random"}, "ties must be one of"),
        ({"cutoffs": (0,)}, "every cutoff must be a positive integer"),
        ({"cutoffs": (1.5,)}, "every cutoff must be a positive integer"),
        ({"max_bytes": -1}, "max_bytes must be a positive integer"),
        ({"max_bytes": 10}, "max_bytes must be at least"),
        ({"threads": 0}, "threads must be a positive integer"),
        ({"device": "tpu"}, "device must be one of"),
        ({"gains": [1.0]}, r"gains must have shape \(2,\)"),
        ({"gains": [1.0, -1.0]}, "row 1 holds -1"),
        ({"gains": "shared"}, "'shared' with indicator labels"),
        ({"exclude_self": [0, 5]}, "exclude_self must hold rows from -1 to 1"),
        ({"part": (3, 3)}, "part must be"),
        ({"query_labels": ["a", "b"]}, "labels must be of one kind"),
        ({"query_labels": np.eye(2)}, "labels must be of one kind"),
    ],
)
def test_bad_input_is_one_clear_line(change, message):
    """Each mistake says what was given and what is allowed, in one line."""
    arguments = {
        "queries": np.ones((2, 3)),
        "database": np.ones((2, 3)),
        "query_labels": [0, 1],
        "database_labels": [0, 1],
    }
    with pytest.raises(InputError, match=message) as caught:
        evaluate(**(arguments | change))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("score", ["cosine", "dot", "l2"])
@pytest.mark.parametrize("kind", ["float16", "float32", "int64", "uint8", "fortran", "strided", "list"])
def test_any_kind_of_array_ranks_alike(score, kind):
    """Memory layout and element type do not matter where they hold the same numbers."""
    rng = np.random.default_rng(5)
    rows = rng.integers(1, 9, (40, 6))
    labels = rng.integers(0, 3, 40)
    forms = {
        "fortran": np.asfortranarray(rows.astype(float)),
        "strided": np.repeat(rows.astype(float), 2, axis=1)[:, ::2],
        "list": rows.tolist(),
    }
    given_rows = forms[kind] if kind in forms else rows.astype(kind)
    expected = evaluate(rows.astype(float), rows.astype(float), labels, labels, score=score)
    result = evaluate(given_rows, given_rows, labels, labels, score=score)
    np.testing.assert_allclose(result.values, expected.values, rtol=0, atol=1e-9)


def test_offset_does_not_change_l2():
    """l2 on float64 data far from the origin is l2 at the origin."""
    queries, database, query_labels, database_labels = data(6, "l2", n_database=500)
    near = evaluate(queries, database, query_labels, database_labels, score="l2")
    far = evaluate(queries + 1e4, database + 1e4, query_labels, database_labels, score="l2")
    np.testing.assert_allclose(far.values, near.values, rtol=0, atol=1e-12)


def test_hdf5_data_sets_rank_like_arrays(tmp_path):
    """Both sides may be HDF5 data sets; they are read by slices of rows."""
    sides = data(7, "cosine", n_database=900)
    with h5py.File(tmp_path / "rows.h5", "w") as file:
        stored = [file.create_dataset(str(i), data=side) for i, side in enumerate(sides)]
        result = evaluate(*stored, cutoffs=CUTOFFS, max_bytes=2**17)
    np.testing.assert_allclose(result.values, evaluate(*sides, cutoffs=CUTOFFS).values, atol=1e-12)


def test_packed_codes_rank_like_bits():
    """uint8 rows are eight bits each."""
    queries, database, query_labels, database_labels = data(8, "hamming", width=24)
    bits = evaluate(queries, database, query_labels, database_labels, score="hamming")
    packed = [np.packbits(side, axis=1) for side in (queries, database)]
    result = evaluate(*packed, query_labels, database_labels, score="hamming")
    np.testing.assert_array_equal(result.values, bits.values)


def test_exclude_self_is_the_database_without_that_row():
    """Leaving row i out of query i's ranking equals removing it."""
    rows, _, labels, _ = data(9, "cosine")
    result = evaluate(rows, rows, labels, labels, exclude_self=True, cutoffs=CUTOFFS)
    for i in range(len(rows)):
        rest = np.arange(len(rows)) != i
        one = evaluate(rows[i : i + 1], rows[rest], labels[i : i + 1], labels[rest], cutoffs=CUTOFFS)
        np.testing.assert_allclose(result.values[i], one.values[0], atol=1e-12)


def test_multi_label_relevance_is_any_shared_label():
    """Indicator labels: relevant if any label is shared; trec_eval agrees."""
    queries, database, _, _ = data(10, "cosine")
    rng = np.random.default_rng(10)
    query_labels, database_labels = rng.random((23, 5)) < 0.2, rng.random((61, 5)) < 0.2
    result = evaluate(
        queries,
        database,
        sp.csr_array(query_labels),
        sp.csr_array(database_labels),
        cutoffs=CUTOFFS,
    )
    shared = query_labels.astype(int) @ database_labels.T.astype(int)
    assert_equals_trec(result, direct_scores(queries, database, "cosine"), shared > 0)


def test_item_gains_enter_ndcg_as_in_trec_eval():
    """Graded gains change NDCG alone."""
    queries, database, query_labels, database_labels = data(11, "cosine")
    gains = np.random.default_rng(11).integers(1, 4, len(database))
    result = evaluate(queries, database, query_labels, database_labels, gains=gains, cutoffs=CUTOFFS)
    relevant = query_labels[:, None] == database_labels
    assert_equals_trec(result, direct_scores(queries, database, "cosine"), relevant, gains)


def test_shared_gain_is_the_number_of_shared_labels():
    """gains="shared" ranks an item of two shared labels as worth two of one."""
    result = evaluate(
        [[1.0]],
        [[1.0], [2.0]],
        [[1, 1]],
        [[1, 1], [1, 0]],
        score="dot",
        gains="shared",
        cutoffs=[1],
    )
    assert result["ndcg@1"][0] == pytest.approx(1 / 2)


def test_sparse_rows_rank_like_dense_rows():
    """A sparse matrix is the dense one, for every score."""
    queries, database, query_labels, database_labels = data(12, "dot", levels=1, width=9)
    for score in ("cosine", "dot", "l2"):
        dense = evaluate(queries, database, query_labels, database_labels, score=score)
        sparse = evaluate(
            sp.csr_array(queries),
            sp.coo_array(database),
            query_labels,
            database_labels,
            score=score,
        )
        np.testing.assert_allclose(sparse.values, dense.values, rtol=0, atol=1e-9)


def test_cutoffs_alone_equal_those_of_all_metrics():
    """metrics="cutoffs" leaves columns out and changes none."""
    sides = data(13, "dot", levels=1, width=3)
    whole = evaluate(*sides, score="dot", cutoffs=(1, 5, 100))
    short = evaluate(*sides, score="dot", cutoffs=(1, 5, 100), metrics="cutoffs")
    assert short.names == whole.names[:12]
    np.testing.assert_allclose(short.values, whole.values[:, :12], rtol=0, atol=1e-12)
