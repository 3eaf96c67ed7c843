"""Somebody else's lists, tables, and tests between results."""

import itertools

import numpy as np
import pytest
import pytrec_eval
import scipy.sparse as sp

from latents.errors import InputError
from latents.ranking import (
    RankingResult,
    compare,
    compare_many,
    evaluate,
    evaluate_run,
    format_table,
    read_qrels,
    read_run,
    top_k,
)

MEASURES = {"map", "Rprec", "recip_rank", "ndcg", "P.5", "recall.5", "ndcg_cut.5", "map_cut.5"}


def random_run(seed, *, levels):
    """A run and judgements with misses, unjudged queries and graded gains."""
    rng = np.random.default_rng(seed)
    run = {f"q{i}": {f"d{j}": float(rng.integers(0, levels)) for j in rng.permutation(40)[:12]} for i in range(9)}
    qrels = {f"q{i}": {f"d{j}": int(rng.integers(0, 4)) for j in rng.permutation(40)[:15]} for i in range(1, 10)}
    return run, qrels


@pytest.mark.parametrize("levels", [3, 10**6])
def test_a_trec_run_measures_as_in_trec_eval(levels):
    """Every query, tied scores and graded gains included."""
    run, qrels = random_run(0, levels=levels)
    result = evaluate_run(run, None, qrels, cutoffs=[5], ties="trec")
    answers = pytrec_eval.RelevanceEvaluator(qrels, MEASURES).evaluate(run)
    for i, query in enumerate(sorted(qrels)):
        for name in ("map", "Rprec", "recip_rank", "ndcg", "P_5", "recall_5", "ndcg_cut_5"):
            if query in answers:
                assert result[name][i] == pytest.approx(answers[query][name], abs=1e-9), name
            else:  # pytrec_eval leaves out a query without a list; here it found nothing
                assert result[name][i] == 0


def test_a_complete_run_measures_as_the_evaluation_it_came_from():
    """The lists of top_k over the whole database give the numbers of evaluate."""
    rng = np.random.default_rng(1)
    queries, database = rng.integers(0, 3, (20, 3)), rng.integers(0, 3, (50, 3))
    labels = rng.integers(0, 4, 20), rng.integers(0, 4, 50)
    expected = evaluate(queries, database, *labels, score="dot", cutoffs=(3, 10))
    ids, scores = top_k(queries, database, 50, score="dot")
    result = evaluate_run(ids, scores, labels, cutoffs=(3, 10))
    np.testing.assert_allclose(result.values, expected.values, rtol=0, atol=1e-12)
    gains = sp.csr_array((labels[0][:, None] == labels[1]).astype(float))
    result = evaluate_run(ids, scores, gains, cutoffs=(3, 10))
    np.testing.assert_allclose(result.values, expected.values, rtol=0, atol=1e-12)


def test_missing_ids_are_not_found():
    """-1 ends a list, as in faiss; recall counts what the list lacks."""
    result = evaluate_run([[1, -1, -1]], None, ([0], [0, 0]), cutoffs=[2])
    assert result["recall@2"][0] == 0.5
    assert result["map"][0] == 0.5


@pytest.mark.parametrize(
    ("ids", "scores", "qrels", "message"),
    [
        ([[0.5]], None, ([0], [0]), "ids must be integers"),
        ([[3]], None, ([0], [0, 1]), "ids row 0 holds 3, the database has 2 rows"),
        ([[0], [1]], None, sp.csr_array((1, 2)), "sparse array of 2 rows"),
        ([[1, 1]], None, ([0], [0, 1]), "ids row 0 holds 1 twice"),
        ([[0, 1]], [[1.0]], ([0], [0, 1]), "of the shape of ids"),
        ([[0, 1]], [[1.0, np.nan]], ([0], [0, 1]), "scores row 0 holds nan"),
        ({"q": {"d": 1.0}}, None, ([0], [0]), "qrels as a mapping"),
    ],
)
def test_a_bad_run_is_one_clear_line(ids, scores, qrels, message):
    """Each mistake says what was given and what is allowed."""
    with pytest.raises(InputError, match=message):
        evaluate_run(ids, scores, qrels)


def test_trec_files_are_read(tmp_path):
    """Run and judgement files in TREC's format; a bad line is named."""
    (tmp_path / "run").write_text("q1 Q0 d7 1 2.5 me\nq1 Q0 d9 2 1.5 me\n")
    (tmp_path / "qrels").write_text("q1 0 d7 1\n\nq1 0 d8 0\n")
    run, qrels = read_run(tmp_path / "run"), read_qrels(tmp_path / "qrels")
    assert run == {"q1": {"d7": 2.5, "d9": 1.5}}
    assert qrels == {"q1": {"d7": 1, "d8": 0}}
    assert evaluate_run(run, None, qrels)["map"][0] == 1.0
    (tmp_path / "qrels").write_text("q1 0 d7 one\n")
    with pytest.raises(InputError, match="line 1 must have 4 fields"):
        read_qrels(tmp_path / "qrels")


def result_of(column, n_relevant=None):
    """A result whose every metric is `column`."""
    n = len(column)
    counts = np.ones(n, np.int64) if n_relevant is None else np.asarray(n_relevant)
    settings = {"score": "dot", "ties": "expected", "metrics": "cutoffs"}
    return RankingResult(np.repeat(np.asarray(column)[:, None], 4, axis=1), counts, (5,), settings)


def test_randomisation_test_approaches_the_exact_one():
    """The p-value is the share of all sign flips at least as extreme."""
    difference = np.array([0.3, 0.1, 0.25, -0.05, 0.2, 0.15, -0.1, 0.3])
    signs = np.array(list(itertools.product([-1, 1], repeat=8)))
    exact = (np.abs(signs @ difference) >= abs(difference.sum()) - 1e-12).mean()
    found = compare(result_of(difference), result_of(np.zeros(8)), permutations=40_000)["map@5"]
    assert found.p_value == pytest.approx(exact, abs=0.01)
    assert found.difference == pytest.approx(difference.mean())
    assert found.n_queries == 8


def test_a_result_does_not_differ_from_itself():
    """p is 1 for equal systems, and a query without relevant items is left out."""
    column = np.array([0.5, np.nan, 0.25])
    comparison = compare(result_of(column, [1, 0, 1]), result_of(column, [1, 0, 1]))["map@5"]
    assert comparison.p_value == 1.0
    assert comparison.n_queries == 2


def test_holm_multiplies_the_smallest_p_by_the_number_of_pairs():
    """Corrected p-values keep their order and are at least the uncorrected ones."""
    rng = np.random.default_rng(3)
    systems = {name: result_of(rng.random(40) + shift) for name, shift in zip("abc", (0, 0.1, 1), strict=True)}
    corrected = compare_many(systems, "map@5", permutations=999)
    assert corrected["a", "c"].p_value == pytest.approx(3 / 1000)
    assert corrected["a", "b"].p_value >= corrected["a", "c"].p_value


def test_different_queries_cannot_be_compared():
    """Results must be of the same queries."""
    with pytest.raises(InputError, match="the same queries"):
        compare(result_of(np.ones(3)), result_of(np.ones(4)))


def test_table_shows_systems_side_by_side():
    """One metric a line, the best starred, the queries counted."""
    table = format_table({"pca": result_of(np.full(3, 0.25)), "vae": result_of(np.full(3, 0.5))})
    lines = table.splitlines()
    assert lines[0].split() == ["metric", "pca", "vae"]
    assert lines[1].split() == ["precision@5", "0.2500", "0.5000*"]
    assert lines[-2].split() == ["queries", "3", "3"]
    with pytest.raises(InputError, match="no metric 'mrr'"):
        format_table({"pca": result_of(np.ones(3))}, ["recip_rank"])


def test_parts_of_different_settings_do_not_gather():
    """Only parts of one evaluation make a result."""
    sides = np.eye(2), np.eye(2), [0, 1], [0, 1]
    parts = [evaluate(*sides, ties=ties) for ties in ("trec", "expected")]
    with pytest.raises(InputError, match="evaluate all parts alike"):
        RankingResult.concatenate(parts)
