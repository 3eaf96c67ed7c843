"""Draw parts of the figures of variational autoencoders: embedded digits in a plane, digits as one
image."""

from __future__ import annotations

from typing import Any

import numpy as np

from relatent.figures.style import CLASSES


def scatter(axes: Any, points: np.ndarray, labels: np.ndarray) -> None:
    """Scatter embedded items, coloured by class, and write each class's number near its median.

    Parameters
    ----------
    points : float (n, latent_dim); if latent_dim > 2, the first two principal components are shown.
    labels : int (n,), classes 0 to 9.
    """
    plane, axis_name = planar(points)  # (n, 2)
    colours = np.array(CLASSES)[labels]
    axes.scatter(plane[:, 0], plane[:, 1], c=colours, s=1.2, linewidths=0, alpha=0.6, rasterized=True)
    classes = np.unique(labels)
    medians = np.array([np.median(plane[labels == label], axis=0) for label in classes])
    for label, (x, y) in zip(classes, spread(medians, 0.045 * np.ptp(plane, axis=0).max()), strict=True):
        box = {"boxstyle": "round,pad=0.15", "fc": "white", "ec": CLASSES[label], "alpha": 0.85}
        axes.text(x, y, str(label), ha="center", va="center", fontsize=7, bbox=box)
    axes.set(xlabel=f"{axis_name} 1", ylabel=f"{axis_name} 2", aspect="equal")


def spread(points: np.ndarray, distance: float) -> np.ndarray:
    """Move points (n, 2) until any two are `distance` apart, so that labels do not cover each
    other."""
    moved = points.astype(np.float64)
    for _ in range(200):
        gaps = moved[:, None] - moved[None]  # (n, n, 2)
        lengths = np.linalg.norm(gaps, axis=-1) + np.eye(len(moved)) * 2 * distance
        if lengths.min() >= distance:
            break
        push = np.clip(distance - lengths, 0, None) / 2
        moved += (gaps / np.maximum(lengths, 1e-12)[..., None] * push[..., None]).sum(axis=1)
    return moved


def planar(points: np.ndarray) -> tuple[np.ndarray, str]:
    """Return points in two dimensions (n, 2), and the name of their axes."""
    if points.shape[1] == 2:
        return points, "latent dimension"
    if points.shape[1] == 1:
        return np.column_stack([points, np.zeros(len(points))]), "latent dimension"
    centred = points - points.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    directions *= np.sign(directions[:, :1])  # the sign of a component is arbitrary: fix it
    return centred @ directions[:2].T, "principal component"


def tiled(digits: np.ndarray) -> np.ndarray:
    """Join a square grid of digits (side, side, n_pixels) edge to edge to one image."""
    side = len(digits)
    edge = round(digits.shape[-1] ** 0.5)
    tiles = digits.reshape(side, side, edge, edge).transpose(0, 2, 1, 3)  # (side, edge, side, edge)
    return tiles.reshape(side * edge, side * edge)
