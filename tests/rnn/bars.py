"""Digits of a toy: bars at ten places."""

from __future__ import annotations

import numpy as np

SIDE_PX = 16


def bars(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A vertical bar at one of ten places, slightly slanted: uint8 (count, 16, 16), its class
    (count,)."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(10, size=count).astype(np.uint8)
    images = np.zeros((count, SIDE_PX, SIDE_PX), np.uint8)
    for number, label in enumerate(labels):
        images[number, np.arange(2, 14), 3 + label] = rng.integers(150, 256)
    return images, labels
