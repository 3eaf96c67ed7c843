"""`relatent.ranking.runs`: lists and TREC files that another program ranked, measured."""

import numpy as np
import pytest
import pytrec_eval
import scipy.sparse as sp
from hypothesis import given

from relatent.errors import InputError
from relatent.ranking import evaluate, evaluate_run, read_qrels, read_run, top_k
from tests.support.mutations import damaged_text, folder_with, many, result_or_one_line

MEASURES = {"map", "Rprec", "recip_rank", "ndcg", "P.5", "recall.5", "ndcg_cut.5", "map_cut.5"}


def random_run(seed, *, levels):
    """Make a run and judgements with misses, unjudged queries and graded gains."""
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


RUN = "q1 Q0 d1 1 0.9 tag\nq1 Q0 d2 2 0.5 tag\nq2 Q0 d1 1 3 tag\nq2 Q0 d3 2 2.5 tag\n"
QRELS = "q1 0 d1 1\nq1 0 d2 0\nq2 0 d3 2\n"


@given(run=damaged_text(RUN), qrels=damaged_text(QRELS))
@many(150)
def test_damaged_trec_files(run, qrels):
    """Damaged files give a result or one line."""
    with folder_with(run=run, qrels=qrels) as folder:
        scores, judged = (
            result_or_one_line(lambda: read_run(folder / "run")),
            result_or_one_line(lambda: read_qrels(folder / "qrels")),
        )
        if scores is not None and judged is not None:
            result_or_one_line(lambda: evaluate_run(scores, None, judged, cutoffs=(1, 5)))
