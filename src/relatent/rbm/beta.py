"""Draw from Beta distributions on any number of threads; compute concentrations by moments.

numpy's generators draw about twice as fast as torch's on one thread and, since they release the
interpreter's lock, faster on several (benchmarks/rbm.py). Each block of `BLOCK_ROWS` rows has an
SFC64 stream of its own, so the draws are the same for any number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from relatent.errors import InputError
from relatent.networks.streams import draw_seed, seeds_of_block

MOMENT_EPS = 1e-5  # of the notes' formula for concentrations
BLOCK_ROWS = 32  # rows of draws that share a random stream

Draw = Callable[[np.random.Generator, np.ndarray, np.ndarray], np.ndarray]


def beta_by_moments(mean: Tensor, *, sigma: float = 0.1, eps: float = MOMENT_EPS) -> tuple[Tensor, Tensor]:
    """Return the concentrations of Beta distributions with given means and, where possible,
    standard deviation.

    Parameters
    ----------
    mean : in [0, 1], any shape.
    sigma : standard deviation; near 0 and 1 it shrinks with the Bernoulli's, sqrt(mean (1 - mean)).
    eps : keeps the concentrations above 0.

    Returns
    -------
    concentration1, concentration0
        Same shape as `mean`.

    References
    ----------
    The notes of 2017-07: s = m (1 - m), t = (s + 1.5 eps) / (min(s, sigma^2) + eps) - 1, then m t +
    eps and (1 - m) t + eps.

    Examples
    --------
    >>> beta_by_moments(torch.tensor([0.5]))
    (tensor([11.9883]), tensor([11.9883]))
    """
    spread = mean * (1 - mean)
    total = (spread + 1.5 * eps) / (spread.clamp(max=sigma**2) + eps) - 1
    return mean * total + eps, (1 - mean) * total + eps


def sample_beta(
    concentration1: Tensor, concentration0: Tensor, *, generator: torch.Generator, workers: int = 1
) -> Tensor:
    """Draw from Beta distributions.

    Parameters
    ----------
    concentration1, concentration0 : float (..., n), above 0; of one shape.
    generator : one draw is taken from it, from which the streams of all blocks are spawned.
    workers : threads over the blocks; no draw depends on them.

    Returns
    -------
    tensor (..., n)
        In [0, 1], of the concentrations' type and device; 0 and 1 occur where that type rounds a
        draw to them.

    Raises
    ------
    InputError
        When a concentration is nan, not above 0, or no float.

    Examples
    --------
    >>> ones = torch.full((1000, 3), 2.0)
    >>> draws = sample_beta(ones, ones, generator=torch.Generator().manual_seed(0), workers=2)
    >>> draws.mean(0).round(decimals=1)
    tensor([0.5000, 0.5000, 0.5000])
    """
    return _by_blocks(_beta, concentration1, concentration0, generator=generator, workers=workers)


def sample_beta_log_odds(
    concentration1: Tensor, concentration0: Tensor, *, generator: torch.Generator, workers: int = 1
) -> Tensor:
    """Draw log(v / (1 - v)), v from Beta distributions: exact where v itself is too near 0 or 1 for
    a float.

    At a concentration of 0.05 nearly half of the draws are below float32's resolution at 1.
    Parameters, shapes and errors are those of `sample_beta`.
    """
    return _by_blocks(_log_odds, concentration1, concentration0, generator=generator, workers=workers)


def _beta(stream: np.random.Generator, ones: np.ndarray, zeros: np.ndarray) -> np.ndarray:
    return stream.beta(ones.astype(np.float64), zeros.astype(np.float64))


def _log_odds(stream: np.random.Generator, ones: np.ndarray, zeros: np.ndarray) -> np.ndarray:
    """Return the log of the ratio of two gamma draws."""
    return _log_gamma(stream, ones) - _log_gamma(stream, zeros)


def _log_gamma(stream: np.random.Generator, shape: np.ndarray) -> np.ndarray:
    """Draw the log of gamma variables, by G(a) = G(a + 1) U^(1/a) (Marsaglia & Tsang 2000), which
    no shape underflows."""
    above = stream.standard_gamma(shape + 1, dtype=shape.dtype)
    return np.log(above) - stream.standard_exponential(shape.shape, dtype=shape.dtype) / shape


def _by_blocks(
    draw: Draw, concentration1: Tensor, concentration0: Tensor, *, generator: torch.Generator, workers: int
) -> Tensor:
    if not concentration1.is_floating_point():
        raise InputError(f"concentrations must be floats, got {concentration1.dtype}")
    if not bool(((concentration1 > 0) & (concentration0 > 0)).all()):
        raise InputError("a concentration is nan or not above 0; look for nan, or lower the learning rate")
    ones, zeros = (each.detach().reshape(-1, each.shape[-1]).cpu().numpy() for each in (concentration1, concentration0))
    drawn = np.empty_like(ones)
    seed = draw_seed(generator)

    def fill(block: int) -> None:
        stream = np.random.Generator(np.random.SFC64(seeds_of_block(seed, block)))
        rows = slice(block * BLOCK_ROWS, (block + 1) * BLOCK_ROWS)
        drawn[rows] = draw(stream, ones[rows], zeros[rows])

    blocks = range(-(-len(ones) // BLOCK_ROWS))
    if workers == 1 or len(blocks) == 1:
        for block in blocks:
            fill(block)
    else:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(fill, blocks))
    return torch.from_numpy(drawn).reshape(concentration1.shape).to(concentration1.device)
