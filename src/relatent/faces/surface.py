"""Turn a few landmarks into a whole surface: pixel grids, dense depth, regions around landmarks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def grid_points(half_width: float, centre: np.ndarray, side: int) -> np.ndarray:
    """Return x, y of the middles of a picture's pixels, float64 (side, side, 2), in units.

    Examples
    --------
    >>> grid_points(1.0, np.zeros(2), 2)[0, :, 0]
    array([-0.5,  0.5])
    """
    line = half_width * ((2 * np.arange(side) + 1) / side - 1)
    return np.stack(np.meshgrid(line + centre[0], line + centre[1]), axis=-1)


def surface(points: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Interpolate depth, float32 (side, side), by a thin-plate spline clipped to the landmarks'."""
    from scipy.interpolate import RBFInterpolator

    spline = RBFInterpolator(points[:, :2], points[:, 2], kernel="thin_plate_spline", degree=1)
    depth = spline(grid.reshape(-1, 2)).reshape(grid.shape[:2])
    depth = np.clip(depth, points[:, 2].min(), points[:, 2].max())
    return ((depth + depth[:, ::-1]) / 2).astype(np.float32)


def around(groups: Sequence[np.ndarray], grid: np.ndarray) -> np.ndarray:
    """Return 1 inside the hull of any group, fading to 0 over a tenth of a unit; float32.

    The result has the grid's shape.
    """
    import cv2

    step = grid[0, 1, 0] - grid[0, 0, 0]
    mask = np.zeros(grid.shape[:2], np.uint8)
    for group in groups:
        hull = cv2.convexHull(((group - grid[0, 0]) / step).astype(np.float32))
        cv2.fillConvexPoly(mask, np.rint(hull).astype(np.int32), 1)
    away = cv2.distanceTransform(1 - mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) * step
    return np.clip(1 - away / 0.1, 0, 1).astype(np.float32) * bool(len(groups))
