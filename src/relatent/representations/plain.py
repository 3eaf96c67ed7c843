"""Make plain representations: pixels, principal components, tf-idf, galleries and probes of
faces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse


def pixels(images: np.ndarray) -> np.ndarray:
    """Return grey images as rows of intensities: uint8 (n, height, width) -> float32 (n, height *
    width) in [0, 1]."""
    return images.reshape(len(images), -1).astype(np.float32) / 255


def gallery_and_probes(person: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Deal each person's photographs in turn: the first to the gallery, the second to the probes,
    and so on.

    A person with one photograph is in the gallery only, as a distractor.

    Parameters
    ----------
    person : (n,), the person on each photograph; the order of a person's photographs decides.

    Returns
    -------
    gallery, probes
        Ascending rows of `person`, without overlap; every person of the probes is in the gallery.

    Examples
    --------
    >>> gallery_and_probes(np.array(["Ann", "Bob", "Ann", "Ann", "Cy"]))
    (array([0, 1, 3, 4]), array([2]))
    """
    _, label, count = np.unique(person, return_inverse=True, return_counts=True)
    order = np.argsort(label, kind="stable")
    turn = np.empty(len(label), dtype=np.int64)
    turn[order] = np.arange(len(label)) - np.repeat(np.cumsum(count) - count, count)
    return np.flatnonzero(turn % 2 == 0), np.flatnonzero(turn % 2 == 1)


def principal_components(train: np.ndarray, test: np.ndarray, *, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return coordinates along the training rows' leading principal components.

    Parameters
    ----------
    train, test : float (n, d)
    count : components kept, at most d.

    Returns
    -------
    train, test
        float32 (n, count) each, centred on the training mean; a component's sign is fixed by its
        largest loading.
    """
    mean = train.mean(axis=0, dtype=np.float64)
    centred = train.astype(np.float64) - mean
    _, vectors = np.linalg.eigh(centred.T @ centred)  # (d, d), ascending
    directions = vectors[:, ::-1][:, :count]
    largest = np.abs(directions).argmax(axis=0)
    directions = directions * np.sign(directions[largest, range(directions.shape[1])])
    return (centred @ directions).astype(np.float32), ((test - mean) @ directions).astype(np.float32)


def tfidf(
    train: Sequence[str], test: Sequence[str], *, vocabulary: int, min_documents: int, max_share: float
) -> tuple[sparse.csr_array, sparse.csr_array]:
    """Return rows of 1 + log(count) times idf, of unit length; words and weights are of training
    documents only.

    Parameters
    ----------
    train, test : documents.
    vocabulary : at most this many words, the most frequent ones.
    min_documents, max_share : least number, and largest share, of the training documents that hold
        a word.

    Returns
    -------
    train, test
        float64 CSR (n, n_words) each; a document with no known word is a row of zeros.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(
        sublinear_tf=True, max_features=vocabulary, min_df=min_documents, max_df=max_share, stop_words="english"
    )
    return sparse.csr_array(vectorizer.fit_transform(train)), sparse.csr_array(vectorizer.transform(test))
