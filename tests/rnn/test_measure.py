"""Row-RNNs measured on digits, beside baselines."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from relatent.rnn import measure as row_evaluation
from tests.rnn.bars import SIDE_PX, bars

OPTIONS = {"epochs": 3, "batch_size": 50, "learning_rate": 0.05}


def test_completions_of_bars_are_seen_rightly_and_what_is_counted_adds_up(network, classifier) -> None:
    """The network continues the bar; shares by class average to the whole; an example a class is
    ambiguous."""
    test = bars(200, 3)
    measured, arrays = row_evaluation.completions(
        network, bars(100, 4), test, seen_rows=8, samples=3, shown=2, shown_samples=4, classifier=classifier,
        generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    shares = [measured[f"completed_{digit}"] for digit in range(10)]
    sizes = np.bincount(test[1], minlength=10)
    assert measured["completed"] > 0.7
    assert measured["completed"] == pytest.approx(np.average(shares, weights=sizes))
    assert measured["completed"] == pytest.approx(np.mean(arrays["seen"] == test[1]))
    assert measured["sharpness"] in row_evaluation.SHARPNESS
    assert arrays["ambiguous_samples"].shape == (10, 4, SIDE_PX, SIDE_PX)
    for digit, number in enumerate(arrays["ambiguous"]):
        assert test[1][number] == digit
        assert arrays["entropy"][number] == arrays["entropy"][test[1] == digit].max()


def test_the_baselines_of_completion_are_those_of_their_pictures(classifier) -> None:
    """With all rows but one seen, a bar is seen as such; with one blank row seen, nothing is left
    of it."""
    train, test = bars(200), bars(100, 5)
    most = row_evaluation.completion_baselines(train, test, seen_rows=15, classifier=classifier)
    least = row_evaluation.completion_baselines(train, test, seen_rows=1, classifier=classifier)
    assert most["half_alone"] == most["nearest"] == most["whole"] > 0.9
    assert most["nearest_label"] == 1
    assert least["half_alone"] < 0.4
    assert least["nearest"] < 0.4


def test_units_are_counted_once_each(network, classifier) -> None:
    """Ten counts that add up to the units, for both kinds of picture."""
    counts, arrays = row_evaluation.unit_pictures(
        network,
        bars(100)[0],
        rows=5,
        lead_rows=3,
        expected_rows=4,
        classifier=classifier,
        generator=torch.Generator().manual_seed(0),
    )
    for kind in ("average", "best"):
        assert sum(counts[f"{kind}_{digit}"] for digit in range(10)) == network.n_hidden
    assert arrays["pictures"].shape == arrays["best"].shape == (network.n_hidden, 9, SIDE_PX)


def test_row_baselines_are_all_finite_and_named() -> None:
    """On whole and on ragged rows."""
    parts = [bars(count, count)[0] for count in (100, 30, 40)]
    for inked in (False, True):
        found = row_evaluation.row_baselines(*parts, inked=inked, generator=torch.Generator().manual_seed(0), **OPTIONS)
        assert found.keys() == {"mean_row", "copy_last", "copy_last_smoothing", "logistic"}
        assert all(np.isfinite(value) for value in found.values())
        assert found["logistic"] < found["mean_row"]
