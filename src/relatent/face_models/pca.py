"""Principal components, the baseline of the autoencoder."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from relatent.networks.probes import Probe

PCA_PX = 16  # side of the corners of faces in a probe: the cost of PCA grows with its sixth power


def mark(probe: Probe, faces: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    """Mark PCA on corners of a few faces: training, validation and held-out ones, (n, side_px,
    side_px) each."""
    training, held_out = ([rows[:, :PCA_PX, :PCA_PX]] for rows in (faces[0], faces[2]))
    probe.mark("pca", pca_error(training, held_out, components=PCA_PX))


def pca_error(blocks: Iterable[np.ndarray], held_out: Iterable[np.ndarray], *, components: int) -> tuple[float, float]:
    """Return the mean squared error per pixel of PCA, fitted on the first blocks, on both.

    Parameters
    ----------
    blocks, held_out : iterables of (n, side_px, side_px) that can be gone through more than once,
        as lists or `np.array_split` give; the memory needed is that of a block and of the (pixels,
        pixels) covariance.
    components : kept directions; at most the number of pixels.

    Returns
    -------
    held_out_mse, training_mse
    """
    from scipy.linalg import eigh

    count = sum(len(block) for block in blocks)
    mean = sum(block.reshape(len(block), -1).sum(0, dtype=np.float64) for block in blocks) / count
    pixels = len(mean)
    scatter = np.zeros((pixels, pixels))
    for block in blocks:
        centred = (block.reshape(len(block), -1) - mean).astype(np.float32)
        scatter += centred.T @ centred
    first = pixels - min(components, pixels)
    # (pixels, components)
    _, directions = eigh(scatter, subset_by_index=(first, pixels - 1), driver="evr")
    return _residual(held_out, mean, directions), _residual(blocks, mean, directions)


def _residual(blocks: Iterable[np.ndarray], mean: np.ndarray, directions: np.ndarray) -> float:
    total, count = 0.0, 0
    for block in blocks:
        centred = block.reshape(len(block), -1) - mean  # (n, pixels)
        total += float(np.square(centred - (centred @ directions) @ directions.T).sum())
        count += centred.size
    return total / count
