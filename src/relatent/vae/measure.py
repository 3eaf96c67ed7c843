"""Measure a VAE on digits: bounds, active units."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from relatent.digits.binarise import How
from relatent.networks.probes import Probe
from relatent.networks.streams import spawn
from relatent.stats.intervals import mean_interval
from relatent.vae.bounds import BLOCK_ROWS, TILE_SAMPLES, importance_weighted_bound, monte_carlo_elbo
from relatent.vae.model import VAE, gaussian_kl, to_unit

# variance of a posterior mean above which a latent dimension is in use; Burda et al. 2016
ACTIVE = 0.01
# draws of z per digit: their error is far below that of the choice of test digits
ELBO_SAMPLES = 10


def measure(
    model: VAE,
    digits: np.ndarray,
    *,
    binarisation: How,
    bound_digits: np.ndarray,
    samples: int,
    seed: int,
    workers: int,
    probe: Probe | None = None,
) -> dict[str, Any]:
    """Measure the test ELBO with its parts, the importance-weighted bound on some digits, and
    active units.

    Parameters
    ----------
    digits : uint8 (n, 784), the test digits under their fixed draw.
    bound_digits : int (m,), rows of those on which the bound is measured.
    samples : int, draws of z per digit for the bound.
    workers : threads over blocks of digits; no result depends on them.
    probe : gets the marks of the first block of digits, see `relatent.networks.probes`.

    Returns
    -------
    dict
        In nats per digit, each a mean with its 95 % interval over digits in `<name>_low`,
        `<name>_high`: `elbo` on all digits, `bound` on the chosen ones, with `bound_elbo` the ELBO
        on the same; `reconstruction`, `kl` on all. `active_units`, see the function of that name.
    """
    (draws,) = spawn(seed, 1)
    x = to_unit(torch.from_numpy(digits), binarisation)
    if probe:
        _mark(probe, model, x[bound_digits[:BLOCK_ROWS]], samples=samples, seed=seed)
    options: dict[str, Any] = {"generator": draws, "workers": workers}
    elbos = monte_carlo_elbo(model, x, samples=ELBO_SAMPLES, **options)
    bounds = importance_weighted_bound(model, x[bound_digits], samples=samples, **options)
    measured: dict[str, Any] = {}
    for name, values in {"elbo": elbos, "bound": bounds, "bound_elbo": elbos[bound_digits]}.items():
        interval = mean_interval(values)
        measured |= {name: interval.mean, f"{name}_low": interval.low, f"{name}_high": interval.high}
    with torch.inference_mode():
        mu, logvar = model.encode(x)
        kl = float(gaussian_kl(mu=mu, logvar=logvar).sum(-1).double().mean())
    return measured | {
        "reconstruction": -measured["elbo"] - kl,
        "kl": kl,
        "active_units": active_units(mu),
        "latent_dim": model.latent_dim,
        "binarise": binarisation,
        "bound_samples": samples,
        "bound_digits": len(bound_digits),
        "n_digits": len(digits),
    }


def _mark(probe: Probe, model: VAE, x: Tensor, *, samples: int, seed: int) -> None:
    """Mark both bounds and the encoder on one block of digits (n, 784), with at most one tile of
    draws per digit."""
    (draws,) = spawn(seed, 1)
    probe.mark("elbo", monte_carlo_elbo(model, x, samples=ELBO_SAMPLES, generator=draws))
    few = min(samples, TILE_SAMPLES)
    probe.mark("bound", importance_weighted_bound(model, x, samples=few, generator=draws))
    with torch.inference_mode():
        probe.mark("encoded", model.encode(x))
    probe.end()


def some_rows(n: int, count: int, seed: int) -> np.ndarray:
    """Draw at most `count` of n rows without replacement, in ascending order: the same for every
    model."""
    return np.sort(np.random.default_rng(seed).permutation(n)[:count])


def active_units(mu: np.ndarray | Tensor) -> int:
    """Count latent dimensions whose posterior mean has a variance over the data above `ACTIVE`.

    Parameters
    ----------
    mu : float (n, latent_dim), posterior means.

    References
    ----------
    Burda, Grosse & Salakhutdinov 2016, section 5.2.

    Examples
    --------
    >>> active_units(torch.tensor([[1.0, 0.01], [-1.0, -0.01]]))
    1
    """
    return int((torch.as_tensor(mu).double().var(0, correction=0) > ACTIVE).sum())
