"""Neighbours that embeddings have in common: known answers, invariances, mistakes in one line."""

from __future__ import annotations

import numpy as np
import pytest

from relatent.errors import InputError
from relatent.stats.neighbours import nearest, neighbours_in_common, overlaps

POINTS = np.random.default_rng(0).normal(size=(300, 2))
OTHERS = np.random.default_rng(1).normal(size=(300, 5))


def test_a_turned_mirrored_and_scaled_plane_shares_all_neighbours() -> None:
    """As a VAE's plane may be turned from seed to seed."""
    turn = np.array([[0.6, 0.8], [-0.8, 0.6]])
    assert neighbours_in_common(POINTS, 7 * (POINTS @ turn) * [1, -1] + 3, k=10) == 1


def test_unrelated_embeddings_share_what_chance_gives() -> None:
    """k of n - 1 others."""
    assert neighbours_in_common(POINTS, OTHERS, k=10) == pytest.approx(10 / 299, abs=0.01)


def test_neighbours_are_those_of_the_distance_matrix_and_never_the_item_itself() -> None:
    """Against all distances; and where all points are the same."""
    distances = np.linalg.norm(POINTS[:, None] - POINTS[None], axis=-1) + np.diag(np.full(300, np.inf))
    expected = np.argsort(distances, axis=1)[:, :4]
    np.testing.assert_array_equal(nearest(POINTS, 4), expected)
    same = nearest(np.zeros((50, 2)), 3)
    assert same.shape == (50, 3)
    assert not (same == np.arange(50)[:, None]).any()


def test_pairs_of_seeds_are_averaged_and_one_seed_says_nothing_of_chance() -> None:
    """Two seeds of a, one of b: one pair within a, two between, none within b."""
    noisy = POINTS + 0.01
    found = overlaps({"a": [POINTS, noisy], "b": [OTHERS]}, k=5)
    assert found["overlap_a_a"] == 1
    assert found["overlap_a_a_se"] is None
    assert found["overlap_a_b"] == pytest.approx(neighbours_in_common(POINTS, OTHERS, k=5))
    assert found["overlap_a_b_se"] == 0
    assert found["overlap_b_b"] is None


def test_different_items_are_one_line() -> None:
    """Both counts are named."""
    with pytest.raises(InputError, match="got 300 and 299"):
        neighbours_in_common(POINTS, OTHERS[1:], k=3)
