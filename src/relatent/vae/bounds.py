"""Bound log p(x) of latent-variable models, row by row.

Every block of `BLOCK_ROWS` rows has a random stream of its own, spawned from one draw of the
caller's generator and the block's number, and is worked on in tiles of a fixed shape: results are
the same to the last bit whatever the memory budget and however many workers share the blocks.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from relatent.errors import InputError
from relatent.networks.streams import by_blocks, draw_seed

BLOCK_ROWS = 50  # rows that share a random stream: the unit of work
# draws of z decoded at a time: large enough for a fast GEMM, small enough for the L2 cache
TILE_SAMPLES = 250


class LatentModel(Protocol):
    """A model that can be bounded: q(z | x) = N(mu, exp(logvar)), p(z) = N(0, I) and log p(x |
    z)."""

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]: ...

    def log_likelihood(self, *, x: Tensor, z: Tensor) -> Tensor: ...


def importance_weighted_bound(
    model: LatentModel,
    x: Tensor,
    *,
    samples: int,
    generator: torch.Generator,
    max_bytes: int = 2**28,
    workers: int = 1,
) -> Tensor:
    """Bound log p(x) from below by importance sampling: log (1/k) sum_s p(x, z_s) / q(z_s | x), z_s
    ~ q(z | x).

    Parameters
    ----------
    model : encode and log_likelihood, as `relatent.vae.model.VAE` has them.
    x : float (n, ...), rows as the model reads them (binarised before).
    samples : int, k, draws of z per row; the bound is the ELBO in expectation at 1 and rises to log
        p(x).
    generator : one draw is taken from it, from which all streams are spawned.
    max_bytes : memory for the tiles of all workers together; fewer workers are used where it is
        short.
    workers : threads over blocks of rows, each with one BLAS thread.

    Returns
    -------
    float64 tensor (n,)
        In nats, at most log p(x) in expectation.

    Raises
    ------
    InputError
        When a size is below 1, `max_bytes` is too little for one tile, or the bound of a row is
        nan.

    References
    ----------
    Burda, Grosse & Salakhutdinov 2016, eq. 8.
    """

    def bound(block: Tensor, stream: torch.Generator) -> Tensor:
        log_weights = _log_weights(model, block, samples=samples, stream=stream)  # (rows, samples)
        return torch.logsumexp(log_weights, dim=1) - math.log(samples)

    return _over_blocks(bound, x, samples=samples, generator=generator, max_bytes=max_bytes, workers=workers)


def monte_carlo_elbo(
    model: LatentModel,
    x: Tensor,
    *,
    samples: int,
    generator: torch.Generator,
    max_bytes: int = 2**28,
    workers: int = 1,
) -> Tensor:
    """Estimate the ELBO of each row: the mean of log p(x, z) - log q(z | x) over draws z ~ q(z |
    x).

    Parameters
    ----------
    model, x, samples, generator, max_bytes, workers : as in `importance_weighted_bound`.

    Returns
    -------
    float64 tensor (n,)
        In nats. The KL is sampled too: for its closed form see `relatent.vae.model.VAE.elbo_parts`.

    Raises
    ------
    InputError
        As in `importance_weighted_bound`.
    """

    def elbo(block: Tensor, stream: torch.Generator) -> Tensor:
        return _log_weights(model, block, samples=samples, stream=stream).mean(dim=1)

    return _over_blocks(elbo, x, samples=samples, generator=generator, max_bytes=max_bytes, workers=workers)


def _log_weights(model: LatentModel, x: Tensor, *, samples: int, stream: torch.Generator) -> Tensor:
    """Return log p(x, z) - log q(z | x) for `samples` draws of z ~ q(z | x) per row: float64 (rows,
    samples)."""
    mu, logvar = model.encode(x)  # (rows, latent_dim) each
    deviation = torch.exp(0.5 * logvar)
    log_weights = torch.empty(len(x), samples, dtype=torch.float64, device=x.device)
    for row in range(len(x)):
        # (samples, latent_dim)
        noise = torch.randn(samples, mu.shape[1], generator=stream, device=x.device)
        z = mu[row] + deviation[row] * noise
        # log p(z) - log q(z | x): the normalising constants cancel
        log_weights[row] = 0.5 * (noise.double().square() - z.double().square() + logvar[row].double()).sum(1)
        for first in range(0, samples, TILE_SAMPLES):
            tile = slice(first, first + TILE_SAMPLES)
            log_weights[row, tile] += model.log_likelihood(x=x[row], z=z[tile])
    return log_weights


def _over_blocks(
    per_block: Callable[[Tensor, torch.Generator], Tensor],
    x: Tensor,
    *,
    samples: int,
    generator: torch.Generator,
    max_bytes: int,
    workers: int,
) -> Tensor:
    """Apply `per_block` to every block of rows, each with its own stream; return a value per row,
    float64 (n,)."""
    if samples < 1 or workers < 1:
        raise InputError(f"samples and workers must be at least 1, got {samples} and {workers}")
    affordable = max_bytes // _worker_bytes(x, samples=samples)
    if affordable < 1:
        raise InputError(f"max_bytes must be at least {_worker_bytes(x, samples=samples)}, got {max_bytes}")

    def one(number: int, stream: torch.Generator) -> Tensor:
        return per_block(x[number * BLOCK_ROWS : (number + 1) * BLOCK_ROWS], stream)

    blocks, seed = math.ceil(len(x) / BLOCK_ROWS), draw_seed(generator)
    values = by_blocks(one, blocks, seed=seed, device=x.device, workers=min(workers, affordable))
    if bool(values.isnan().any()):
        raise InputError(f"the bound of row {int(values.isnan().nonzero()[0])} is nan; look for nan in the row")
    return values


def _worker_bytes(x: Tensor, *, samples: int) -> int:
    """Return the bytes of one worker: a tile of logits with temporaries and hidden layers, and log
    weights."""
    tile = min(samples, TILE_SAMPLES) * 8 * 4 * math.prod(x.shape[1:])
    return tile + BLOCK_ROWS * samples * 8
