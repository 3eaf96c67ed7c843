"""Classify items by a representation: k nearest neighbours, and a linear support vector machine."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from relatent.ranking.topk import top_k


def nearest_neighbours(
    train: Any, test: Any, train_labels: np.ndarray, *, k: int, score: str, threads: int | None = None
) -> np.ndarray:
    """Predict each test item's class by the majority of its k nearest training items.

    Parameters
    ----------
    train, test : dense or sparse rows (n, d)
    train_labels : int (n_train,), from 0
    k : neighbours that vote; of classes with equal votes the one nearest to the item wins.
    score : the similarity, as in `relatent.ranking.top_k`.

    Returns
    -------
    int array (n_test,)
    """
    neighbours, _ = top_k(test, train, k, score=score, threads=threads)  # (n_test, k), best first
    votes = train_labels[neighbours]  # (n_test, k)
    counts = np.zeros((len(votes), int(train_labels.max()) + 1))
    for rank in range(k):  # a vote weighs 1; the earlier of two equal ones a little more
        np.add.at(counts, (np.arange(len(votes)), votes[:, rank]), 1 + 1e-6 * (k - rank))
    return counts.argmax(axis=1)


def linear_svm(
    train: Any, test: Any, train_labels: np.ndarray, *, cost: float, items: int, generator: np.random.Generator
) -> np.ndarray:
    """Predict each test item's class by one linear SVM per class (LIBLINEAR); dense columns are
    scaled to unit variance.

    Parameters
    ----------
    cost : C, the weight of the training errors.
    items : int, most training items that are used, drawn by `generator`: the time grows faster than
        their number.

    Returns
    -------
    int array (n_test,)
    """
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC

    chosen = np.sort(generator.permutation(train.shape[0])[:items])
    scaler = StandardScaler(with_mean=not sparse.issparse(train), with_std=not sparse.issparse(train))
    machine = make_pipeline(scaler, LinearSVC(C=cost, dual="auto", random_state=0, max_iter=5000, tol=1e-3))
    machine.fit(train[chosen], train_labels[chosen])
    return machine.predict(test)
