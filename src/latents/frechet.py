"""What the notes assert of faces, measured: how typical, how distinct, how like real faces, how well mixed."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from latents.errors import InputError


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Frechet distance of the Gaussians with the means and covariances of two sets of features.

    |mu_a - mu_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)), in the features' squared unit; with those of an Inception
    network it is the FID. It has an upward bias of about the same size for sets of the same sizes: compare those.

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
    root_a, root_b = (_centred(rows, mean) for rows, mean in ((a, mean_a), (b, mean_b)))  # C = root^T root
    spread = float(np.square(root_a).sum() + np.square(root_b).sum())
    # tr (C_a C_b)^(1/2) is the sum of the singular values of root_a root_b^T: no square root of a matrix that may
    # be singular, and nothing complex
    cross = _triangle(root_a) @ _triangle(root_b).T
    overlap = float(np.linalg.svd(cross, compute_uv=False).sum())
    return max(0.0, float(np.square(mean_a - mean_b).sum()) + spread - 2 * overlap)


def _centred(rows: np.ndarray, mean: np.ndarray) -> np.ndarray:
    return (rows - mean) / np.sqrt(len(rows) - 1)


def _triangle(root: np.ndarray) -> np.ndarray:
    """A small R with R^T R = root^T root."""
    return np.asarray(np.linalg.qr(root, mode="r"))


def distance_to(faces: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Root mean squared difference a pixel between each face and one, such as the mean face.

    Parameters
    ----------
    faces : float (n, y, x).
    centre : float (y, x).

    Returns
    -------
    float64 (n,)
        In the pixels' unit.
    """
    if faces.shape[1:] != centre.shape:
        raise InputError(f"faces {faces.shape} and their centre {centre.shape} are of different sizes")
    return np.sqrt(np.square(faces - centre.astype(np.float64)).mean(axis=(1, 2)))


def roughness(faces: np.ndarray) -> np.ndarray:
    """Mean squared Laplacian of each face, over its inner pixels; the smaller, the smoother.

    Parameters
    ----------
    faces : float (n, y, x), at least 3x3.

    Returns
    -------
    float64 (n,)
        In squares of the pixels' unit.

    Examples
    --------
    >>> slope = np.add.outer(np.arange(4.0), np.arange(4.0))
    >>> roughness(np.stack([slope, slope**2]))
    array([ 0., 16.])
    """
    if faces.ndim != 3 or min(faces.shape[1:]) < 3:
        raise InputError(f"the Laplacian needs faces (n, y, x) of at least 3x3 pixels, got {faces.shape}")
    pixels = faces.astype(np.float64)
    inner = pixels[:, 1:-1, 1:-1]
    around = pixels[:, :-2, 1:-1] + pixels[:, 2:, 1:-1] + pixels[:, 1:-1, :-2] + pixels[:, 1:-1, 2:]
    return np.square(around - 4 * inner).mean(axis=(1, 2))


def detail(faces: np.ndarray, blur_px: float) -> np.ndarray:
    """Variance of what a Gaussian blur takes away from each face: rims of glasses, moustaches, wrinkles, noise.

    Parameters
    ----------
    faces : float (n, y, x).
    blur_px : standard deviation of the blur, above 0.

    Returns
    -------
    float64 (n,)
        In squares of the pixels' unit.

    Examples
    --------
    >>> checks = np.indices((8, 8)).sum(0) % 2.0
    >>> detail(np.stack([checks, np.full((8, 8), 0.5)]), 4.0).round(2)
    array([0.25, 0.  ])
    """
    if faces.ndim != 3 or blur_px <= 0:
        raise InputError(f"detail needs faces (n, y, x) and a blur above 0 pixels, got {faces.shape} and {blur_px}")
    pixels = faces.astype(np.float64)
    return (pixels - gaussian_filter(pixels, (0, blur_px, blur_px))).var(axis=(1, 2))


def mean_interval(values: np.ndarray, groups: np.ndarray | None = None) -> tuple[float, float]:
    """Mean, and half the width of its 95 % interval.

    Parameters
    ----------
    values : float (n,).
    groups : (n,), the person of each face, say: values of one group may depend on each other, so that groups are
        what is counted (Liang & Zeger 1986). None: every value is on its own.

    Returns
    -------
    mean, half_width
        1.96 standard errors.

    Raises
    ------
    InputError
        When there are fewer than two groups.

    Examples
    --------
    >>> mean, half_width = mean_interval(np.array([0.0, 2.0, 0.0, 2.0]))
    >>> mean, round(half_width, 2)
    (1.0, 1.13)
    >>> round(mean_interval(np.array([0.0, 2.0, 0.0, 2.0]), np.array(["a", "b", "a", "b"]))[1], 2)
    1.96
    """
    labels = np.arange(len(values)) if groups is None else np.unique(groups, return_inverse=True)[1]
    if len(labels) != len(values) or len(values) == 0 or labels.max() == 0:
        raise InputError(f"an interval needs a group for each value and two groups at least, got {len(values)} values")
    residuals = np.bincount(labels, values - values.mean())
    count = len(residuals)
    variance = np.square(residuals).sum() / len(values) ** 2 * count / (count - 1)
    return float(values.mean()), float(1.96 * np.sqrt(variance))


def distinctness(faces: np.ndarray, originals: np.ndarray) -> float:
    """How far faces are from each other, relative to how far originals are.

    Parameters
    ----------
    faces : float (n, ...), such as faces halfway between pairs.
    originals : float (m, ...), such as the faces of which the pairs were.

    Returns
    -------
    float
        Ratio of root mean squared distances over all pairs; 0 when all faces are the same, 1 when they differ as
        much as the originals. The pixel-wise means of independent pairs are at 1/sqrt(2).

    Examples
    --------
    >>> originals = np.array([[0.0], [2.0]])
    >>> distinctness(np.array([[0.5], [1.5]]), originals)
    0.5
    """
    if len(faces) < 2 or len(originals) < 2:
        raise InputError(f"distinctness needs two faces at least, got {len(faces)} and {len(originals)}")
    spread, reference = (_spread(np.asarray(rows, np.float64).reshape(len(rows), -1)) for rows in (faces, originals))
    if reference == 0:
        raise InputError("the originals are all the same: no face can be as distinct as they are")
    return float(np.sqrt(spread / reference))


def _spread(rows: np.ndarray) -> float:
    # the mean squared distance of two of n points is twice their variance with n - 1
    return float(2 * rows.var(axis=0, ddof=1).sum())


def autocorrelation(chains: np.ndarray, lags: int) -> np.ndarray:
    """Autocorrelation of chains, averaged over chains, and over units by their variance.

    Parameters
    ----------
    chains : float (steps, chains, units), after burn-in; the mean of each unit is taken over steps and chains,
        so that chains that stay apart count as badly mixed.
    lags : how many, from 0.

    Returns
    -------
    float64 (lags,)
        1 at lag 0; about 0 where draws are independent.

    Raises
    ------
    InputError
        When there are not more steps than lags, or nothing moves.

    Examples
    --------
    >>> autocorrelation(np.array([1.0, -1.0, 1.0, -1.0])[:, None, None], 3)
    array([ 1., -1.,  1.])
    """
    if chains.ndim != 3 or not 1 <= lags < len(chains):
        raise InputError(f"need chains (steps, chains, units) of more steps than lags, got {chains.shape}, {lags}")
    centred = chains - chains.mean(axis=(0, 1), dtype=np.float64)
    products = np.array([np.mean(centred[: len(chains) - lag] * centred[lag:]) for lag in range(lags)])
    if not products[0] > 0:
        raise InputError("the chains do not move: no autocorrelation is defined")
    return products / products[0]


def effective_share(correlation: np.ndarray) -> float:
    """Independent draws for each step of a chain: 1 / (1 + 2 sum rho), summed while rho stays positive (Geyer 1992).

    Examples
    --------
    >>> effective_share(np.array([1.0, 0.0]))
    1.0
    """
    fallen = np.flatnonzero(correlation[1:] <= 0)
    end = 1 + int(fallen[0]) if len(fallen) else len(correlation)
    return float(1 / (1 + 2 * correlation[1:end].sum()))
