"""The area under the ROC curve: against scikit-learn and by hand."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from relatent.stats.roc import area_under_curve


@pytest.mark.parametrize("levels", [1, 3, 1000])
def test_area_agrees_with_scikit_learn_ties_included(levels):
    generator = np.random.default_rng(0)
    positive = generator.random(300) < 0.4
    scores = np.round(generator.normal(positive, 1.5) * levels) / levels
    assert area_under_curve(scores, positive) == pytest.approx(roc_auc_score(positive, scores), abs=1e-12)


def test_area_is_the_share_of_pairs_in_order():
    """Ties count half."""
    scores, positive = np.array([1.0, 2.0, 2.0, 3.0]), np.array([False, True, False, True])
    assert area_under_curve(scores, positive) == (1 + 0.5 + 2) / 4


@pytest.mark.parametrize("positive", [np.ones(3, bool), np.zeros(3, bool)])
def test_area_without_both_kinds_is_nan(positive):
    assert np.isnan(area_under_curve(np.ones(3), positive))
