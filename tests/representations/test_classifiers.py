"""Classifiers on representations: against scikit-learn, dense and sparse alike."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.neighbors import KNeighborsClassifier

from relatent.representations.classifiers import linear_svm, nearest_neighbours


@pytest.fixture(scope="module")
def blobs() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Three overlapping Gaussian classes in five dimensions: train, test, and their labels."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 5)) * 1.5
    labels = rng.integers(3, size=700)
    rows = centres[labels] + rng.normal(size=(700, 5))
    return rows[:500], rows[500:], labels[:500], labels[500:]


def test_odd_votes_of_two_classes_agree_with_scikit_learn(blobs: tuple[np.ndarray, ...]) -> None:
    """With two classes and an odd k there are no equal votes."""
    train, test, labels, _ = blobs
    two = labels % 2
    ours = nearest_neighbours(train, test, two, k=7, score="l2")
    assert (ours == KNeighborsClassifier(7, algorithm="brute").fit(train, two).predict(test)).all()


def test_equal_votes_go_to_the_nearest_class() -> None:
    """Two neighbours of two classes: the nearer one decides."""
    train, labels = np.array([[0.0], [1.0], [9.0]]), np.array([1, 0, 0])
    assert nearest_neighbours(train, np.array([[0.4], [0.6]]), labels, k=2, score="l2").tolist() == [1, 0]


def test_dense_and_sparse_rows_give_the_same_neighbours(blobs: tuple[np.ndarray, ...]) -> None:
    """Cosine on either layout."""
    train, test, labels, _ = blobs
    dense = nearest_neighbours(train, test, labels, k=5, score="cosine")
    thin = nearest_neighbours(sparse.csr_array(train), sparse.csr_array(test), labels, k=5, score="cosine")
    assert (dense == thin).all()


def test_the_linear_svm_repeats_and_beats_chance(blobs: tuple[np.ndarray, ...]) -> None:
    """The same generator seed gives the same predictions; a subset of the items is enough for
    most."""
    train, test, labels, truth = blobs
    runs = [linear_svm(train, test, labels, cost=1.0, items=200, generator=np.random.default_rng(1)) for _ in range(2)]
    assert (runs[0] == runs[1]).all()
    assert (runs[0] == truth).mean() > 0.6
