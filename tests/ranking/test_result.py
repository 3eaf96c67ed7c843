"""`relatent.ranking.result`: names of metrics, tables, parts."""

import numpy as np
import pytest

from relatent.errors import InputError
from relatent.ranking import RankingResult, evaluate, format_table
from tests.ranking.results import result_of


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


def test_result_survives_a_file(tmp_path):
    """as_arrays and from_arrays are inverse through npz."""
    rng = np.random.default_rng(14)
    rows, labels = rng.normal(size=(30, 4)), rng.integers(0, 3, 30)
    result = evaluate(rows[:9], rows, labels[:9], labels, cutoffs=(1, 3))
    np.savez(tmp_path / "result.npz", **result.as_arrays())
    with np.load(tmp_path / "result.npz", allow_pickle=False) as arrays:
        again = RankingResult.from_arrays(arrays)
    np.testing.assert_array_equal(again.values, result.values)
    assert (again.cutoffs, again.settings) == (result.cutoffs, result.settings)
