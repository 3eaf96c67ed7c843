"""The Frechet distance of two sets of features."""

from __future__ import annotations

import numpy as np

from relatent.errors import InputError


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Return the Frechet distance of the Gaussians with two sets' means and covariances.

    |mu_a - mu_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)), in the features' squared unit; with those
    of an Inception network it is the FID. It is biased upwards, about alike for sets of the same
    sizes: compare only those.

    Parameters
    ----------
    a, b : float (n_a, d), (n_b, d), at least two rows each; fewer rows than features are allowed.

    Returns
    -------
    float
        Not below zero.

    Raises
    ------
    InputError
        When the sets are of different widths, too small, or not finite.

    References
    ----------
    Dowson & Landau 1982; Heusel et al. 2017.

    Examples
    --------
    >>> points = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> round(frechet_distance(points, points + [3.0, 4.0]), 6)
    25.0
    """
    for rows in (a, b):
        if rows.ndim != 2 or len(rows) < 2 or rows.shape[1] != a.shape[1]:
            raise InputError(f"need two sets (n >= 2, d) of the same d, got {a.shape} and {b.shape}")
        if not np.isfinite(rows).all():
            raise InputError("the features of a Frechet distance must be finite")
    mean_a, mean_b = a.mean(0, dtype=np.float64), b.mean(0, dtype=np.float64)
    # C = root^T root
    root_a, root_b = (_centred(rows, mean) for rows, mean in ((a, mean_a), (b, mean_b)))
    spread = float(np.square(root_a).sum() + np.square(root_b).sum())
    # tr (C_a C_b)^(1/2) is the sum of the singular values of root_a root_b^T: no square root of a
    # matrix that may be singular, and nothing complex
    cross = _triangle(root_a) @ _triangle(root_b).T
    overlap = float(np.linalg.svd(cross, compute_uv=False).sum())
    return max(0.0, float(np.square(mean_a - mean_b).sum()) + spread - 2 * overlap)


def _centred(rows: np.ndarray, mean: np.ndarray) -> np.ndarray:
    return (rows - mean) / np.sqrt(len(rows) - 1)


def _triangle(root: np.ndarray) -> np.ndarray:
    """Return a small R with R^T R = root^T root."""
    return np.asarray(np.linalg.qr(root, mode="r"))
