"""Make binary codes: thresholds at training medians, and codes without a network (LSH, signs of
LSA, ITQ)."""

from __future__ import annotations

import numpy as np
from scipy import sparse

ITQ_STEPS = 50  # Gong & Lazebnik 2011


def binarise(train: np.ndarray, *others: np.ndarray) -> list[np.ndarray]:
    """Set a bit where a value lies above its median over training documents: the rule of all
    methods.

    Parameters
    ----------
    train, others : float (n, bits) each.

    Returns
    -------
    list of bool (n, bits)
        Of `train`, then of each of `others`, under the medians of `train` alone.

    Examples
    --------
    >>> binarise(np.array([[1.0], [2.0], [4.0]]), np.array([[3.0]]))[1]
    array([[ True]])
    """
    medians = np.median(train, axis=0)
    return [train > medians, *(rows > medians for rows in others)]


def unit(rows: np.ndarray) -> np.ndarray:
    """Scale rows to length 1; zeros stay zeros."""
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def latent_semantic_axes(train: sparse.csr_array, *, count: int, seed: int) -> np.ndarray:
    """Return the rows' leading right singular vectors, float64 (n_words, count), by randomised SVD;
    signs fixed.

    When the matrix has fewer dimensions than `count`, the missing axes are zeros.
    """
    from sklearn.utils.extmath import randomized_svd

    able = min(count, *train.shape)
    _, _, directions = randomized_svd(sparse.csr_matrix(train), able, n_iter=4, random_state=seed)
    return np.pad(directions.T.astype(np.float64), ((0, 0), (0, count - able)))


def lsh(train: sparse.csr_array, *, bits: int, generator: np.random.Generator) -> np.ndarray:
    """Draw random hyperplanes (Charikar 2002), float64 (n_words, bits)."""
    return generator.standard_normal((train.shape[1], bits))


def itq_rotation(rows: np.ndarray, *, generator: np.random.Generator, steps: int = ITQ_STEPS) -> np.ndarray:
    """Return the rotation (d, d) that brings centred rows (n, d) near the corners of a cube.

    References
    ----------
    Gong & Lazebnik, CVPR 2011: alternate signs and the orthogonal Procrustes solution.
    """
    d = rows.shape[1]
    rotation = np.linalg.qr(generator.standard_normal((d, d)))[0]
    for _ in range(steps):
        corners = np.where(rows @ rotation > 0, 1.0, -1.0)
        left, _, right = np.linalg.svd(rows.T @ corners)
        rotation = left @ right
    return rotation


def project(method: str, train: sparse.csr_array, *others: sparse.csr_array, bits: int, seed: int) -> list[np.ndarray]:
    """Return the values to threshold, float64 (n, bits) each, by a method that needs no network.

    Parameters
    ----------
    method : "lsh", "lsa" (axes of latent semantic analysis) or "itq" (those rotated towards a
        cube's corners).
    train, others : tf-idf rows; everything is learned from `train`.
    """
    generator = np.random.default_rng(seed)
    if method == "lsh":
        directions = lsh(train, bits=bits, generator=generator)
        return [rows @ directions for rows in (train, *others)]
    axes = latent_semantic_axes(train, count=bits, seed=seed)
    latent = [unit(rows @ axes) for rows in (train, *others)]
    if method == "lsa":
        return latent
    centre = latent[0].mean(axis=0)
    rotation = itq_rotation(latent[0] - centre, generator=generator)
    return [(rows - centre) @ rotation for rows in latent]
