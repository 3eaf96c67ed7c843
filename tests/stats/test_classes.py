"""How classes spread and mix: hand-computed values, invariance under linear maps, collapse."""

from __future__ import annotations

import numpy as np
import pytest

from relatent.stats.classes import class_spread, confusion, mixing, rank_of_pair, separation


def points(n: int = 300, d: int = 2) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 3
    return rng.normal(size=(n, d)) * (1 + labels[:, None]) + 5 * labels[:, None], labels


def test_spread_is_the_ratio_of_determinants() -> None:
    """By hand: a square of side 2 about (0, 0) and one of side 4 about (10, 0)."""
    corners = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]], dtype=np.float64)
    rows = np.concatenate([corners, 2 * corners + [10, 0]])
    of_class, pooled = class_spread(rows, np.repeat([0, 1], 4))
    whole = (2.5 + 25) * 2.5  # variance along each axis: within 2.5 on average, between 25
    assert of_class == pytest.approx([1 / whole, 16 / whole])
    assert pooled == pytest.approx(2.5**2 / whole)


def test_a_linear_map_changes_no_spread() -> None:
    """Turned, stretched and shifted embeddings compare."""
    rows, labels = points()
    of_class, pooled = class_spread(rows, labels)
    again, pooled_again = class_spread(rows @ np.array([[3.0, 1.0], [-2.0, 0.1]]) + 7, labels)
    assert again == pytest.approx(of_class)
    assert pooled_again == pytest.approx(pooled)
    assert of_class[0] < of_class[1] < of_class[2]


def test_a_collapsed_dimension_and_a_tiny_class_are_nan() -> None:
    """They are reported, not hidden; a class without items too."""
    rows, labels = points()
    of_class, pooled = class_spread(np.column_stack([rows[:, 0], np.zeros(len(rows))]), labels)
    assert np.isnan(of_class).all()
    assert np.isnan(pooled)
    few = np.concatenate([np.zeros(50, int), [3, 3]])
    of_class, pooled = class_spread(rows[:52], few)
    assert np.isnan(of_class[1:]).all()
    assert 0 < pooled < 1.01


def test_confusion_counts_true_by_predicted_and_mixing_is_symmetric() -> None:
    """By hand: one of four 0s is taken for 1, two of four 1s for 0."""
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, 2])
    predicted = np.array([0, 0, 0, 1, 0, 0, 1, 1, 2, 2])
    counts = confusion(predicted, labels, 3)
    assert counts.tolist() == [[3, 1, 0], [2, 2, 0], [0, 0, 2]]
    mixed = mixing(counts)
    assert mixed[0, 1] == mixed[1, 0] == 3 / 8
    assert mixed[0, 2] == 0
    assert [rank_of_pair(mixed, pair) for pair in [(0, 1), (2, 0), (1, 2)]] == [1, 2, 2]


def test_all_measures_of_separate_classes() -> None:
    """Far apart: right neighbours, a high silhouette, little spread; the pair that was swapped is
    the mixed one."""
    rng = np.random.default_rng(0)
    labels = np.arange(90) % 3
    rows = rng.normal(size=(90, 2)) + 100 * np.array([[0, 0], [1, 0], [0, 1]])[labels]
    predicted = labels.copy()
    predicted[labels == 1] = np.where(np.arange(30) < 6, 2, 1)
    measures, counts = separation(rows.astype(np.float32), labels, predicted, pairs=[(1, 2), (0, 1)])
    assert measures["knn"] == pytest.approx(84 / 90)
    assert measures["silhouette"] > 0.95
    assert measures["spread"] < 1e-3
    assert measures["mixed_1_2"] == pytest.approx(6 / 60)
    assert (measures["mixed_rank_1_2"], measures["mixed_rank_0_1"]) == (1, 2)
    assert counts.sum() == 90
