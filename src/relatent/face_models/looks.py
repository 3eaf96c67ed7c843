"""Measure how faces look: distance to another face, roughness, detail, distinctness."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from relatent.errors import InputError


def distance_to(faces: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Return the root mean squared difference per pixel of each face to one, such as the mean face.

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
    """Return the mean squared Laplacian of each face, over its inner pixels; the smaller, the
    smoother.

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
    """Return the variance of each face less its Gaussian blur: rims of glasses, moustaches,
    wrinkles, noise.

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


def distinctness(faces: np.ndarray, originals: np.ndarray) -> float:
    """Return the distances between faces relative to those between originals.

    Parameters
    ----------
    faces : float (n, ...), such as faces halfway between pairs.
    originals : float (m, ...), such as the faces of these pairs.

    Returns
    -------
    float
        Ratio of root mean squared distances over all pairs; 0 when all faces are the same, 1 when
        they differ as much as the originals. The pixel-wise means of independent pairs are at
        1/sqrt(2).

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
