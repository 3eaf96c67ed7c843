"""The units of RBMs: their means, their draws, and their term in the energy.

A layer's units read one natural parameter for each of their sufficient statistics. For a visible
layer these are `offset(bias, weight) + weight (h - centre)`; for a hidden layer they are its input.
All else in `relatent.rbm.model` is the same whatever the units are.

The conditional of "beta" (by moments) and "gaussian" (clipped) follows from no energy: their mean
is a logistic function of the input and their spread is fixed. They are trained by the gradient of a
free energy that is not that of their own conditional, as in the notes, and have no likelihood.
"bernoulli" and "exact_beta" have one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 torch's own name for it

from relatent.errors import InputError
from relatent.rbm.beta import beta_by_moments, sample_beta, sample_beta_log_odds

LEAST_CONCENTRATION = 0.05  # of a fit to data: a constant column would have 0
MOST_CONCENTRATION = 1e3


class Sampler(Protocol):
    """Draws of units from their natural parameters."""

    def __call__(self, natural: Tensor, *, generator: torch.Generator, workers: int) -> Tensor: ...


@dataclass(frozen=True)
class Unit:
    """One kind of unit; every function works on the last axis: `n` units of `k` statistics each.

    Attributes
    ----------
    name : as in an architecture.
    statistics_per_unit : k.
    statistics : values (..., n) -> sufficient statistics (..., k n).
    mean : natural parameters (..., k n) -> means (..., n).
    sample : (natural parameters, generator=, workers=) -> draws (..., n); workers change no draw.
    offset : (bias (k n,), weight (k n, hidden)) -> natural parameters with every hidden unit off.
    bias : (natural parameters (k n,), weight) -> bias that gives them with every hidden unit half
        on.
    fit : values (rows, n) -> natural parameters (k n,) of independent units with the values'
        marginals.
    base_energy : values (..., n) -> the part of the energy without parameters (...,); None for
        zero.
    sample_statistics : as `sample`, but draws (..., k n) of the statistics, exact where values are
        rounded to 0 or 1.
    log_partition : natural parameters (..., k n) -> log of the integral over the units (...,); None
        where the conditional follows from no energy.
    centred : bool, whether the hidden layer is centred in this unit's natural parameters.
    """

    name: str
    statistics_per_unit: int
    statistics: Callable[[Tensor], Tensor]
    mean: Callable[[Tensor], Tensor]
    sample: Sampler
    offset: Callable[[Tensor, Tensor], Tensor]
    bias: Callable[[Tensor, Tensor], Tensor]
    fit: Callable[[Tensor], Tensor]
    base_energy: Callable[[Tensor], Tensor] | None = None
    sample_statistics: Sampler | None = None
    log_partition: Callable[[Tensor], Tensor] | None = None
    centred: bool = True


def unit(name: str, *, sigma: float = 0.1) -> Unit:
    """Return the unit of a name.

    Parameters
    ----------
    name : "bernoulli", "beta" (by moments), "gaussian" (clipped to [0, 1]) or "exact_beta".
    sigma : float, default 0.1, standard deviation of "beta" and "gaussian" around their mean.

    Raises
    ------
    InputError
        When there is no such unit, or sigma is not in (0, 0.5); a distribution on [0, 1] has at
        most 0.5.

    Examples
    --------
    >>> unit("bernoulli").mean(torch.zeros(2))
    tensor([0.5000, 0.5000])
    """
    if not 0 < sigma < 0.5:
        raise InputError(f"sigma must be above 0 and below 0.5, got {sigma}")
    if name == "bernoulli":
        return BERNOULLI
    if name == "exact_beta":
        return EXACT_BETA
    if name == "beta":
        return _with_logistic_mean(name, _beta_sampler(sigma))
    if name == "gaussian":
        return _with_logistic_mean(name, _gaussian_sampler(sigma))
    raise InputError(f"units must be one of bernoulli, beta, gaussian, exact_beta, got {name!r}")


# --- linear natural parameters: Bernoulli, Beta by moments, clipped Gaussian ----------------------


def _identity(values: Tensor) -> Tensor:
    return values


def _linear_offset(bias: Tensor, weight: Tensor) -> Tensor:
    return bias


def _linear_bias(natural: Tensor, weight: Tensor) -> Tensor:
    return natural


def _logit_of_mean(values: Tensor) -> Tensor:
    """Return log odds of each column's mean, with half a row of zeros and of ones added, so that
    they are finite."""
    return torch.logit((values.sum(0, dtype=torch.float64) + 0.5) / (len(values) + 1)).to(values.dtype)


def _sample_bernoulli(natural: Tensor, *, generator: torch.Generator, workers: int = 1) -> Tensor:
    """Draw 0 or 1, as floats."""
    draws = torch.rand(natural.shape, generator=generator, device=natural.device, dtype=natural.dtype)
    return draws.lt_(torch.sigmoid(natural))  # in [0, 1): an odds of 0 is never drawn


def _gaussian_sampler(sigma: float) -> Sampler:
    def sample(natural: Tensor, *, generator: torch.Generator, workers: int = 1) -> Tensor:
        noise = torch.randn(natural.shape, generator=generator, device=natural.device, dtype=natural.dtype)
        return (torch.sigmoid(natural) + sigma * noise).clamp_(0, 1)

    return sample


def _beta_sampler(sigma: float) -> Sampler:
    def sample(natural: Tensor, *, generator: torch.Generator, workers: int = 1) -> Tensor:
        ones, zeros = beta_by_moments(torch.sigmoid(natural), sigma=sigma)
        return sample_beta(ones, zeros, generator=generator, workers=workers)

    return sample


def _quadratic(values: Tensor) -> Tensor:
    """Return the notes' term 0.5 |v - 0.5|^2, which changes no gradient of the parameters."""
    return 0.5 * (values - 0.5).square().sum(-1)


def _with_logistic_mean(name: str, sample: Sampler) -> Unit:
    """Return units in [0, 1] with mean sigmoid(input) and the sampler's spread."""
    return Unit(
        name=name,
        statistics_per_unit=1,
        statistics=_identity,
        mean=torch.sigmoid,
        sample=sample,
        offset=_linear_offset,
        bias=_linear_bias,
        fit=_logit_of_mean,
        base_energy=_quadratic,
    )


BERNOULLI = Unit(
    name="bernoulli",
    statistics_per_unit=1,
    statistics=_identity,
    mean=torch.sigmoid,
    sample=_sample_bernoulli,
    offset=_linear_offset,
    bias=_linear_bias,
    fit=_logit_of_mean,
    sample_statistics=_sample_bernoulli,
    log_partition=lambda natural: F.softplus(natural).sum(-1),
)


# --- the principled Beta unit ---------------------------------------------------------------------
# E(v, h) = -sum_i [(A_i(h) - 1) log v_i + (B_i(h) - 1) log(1 - v_i)] - c.h, A(h) = a + W h + W' (1
# - h), B(h) = b + U h + U' (1 - h), all weights >= 0, a and b > 0. A common part of W_ij and W'_ij
# is a constant that a_i can hold: without loss one of the two is zero, and with D = W - W' of any
# sign, W = relu(D), W' = relu(-D), so A(h) = a + sum_j relu(-D_j) + D h > 0 for every h in [0, 1].
# One free matrix, half the parameters, no constraint; `bias` holds log a and log b. The statistics
# are log v and log(1 - v), the natural parameters A - 1 and B - 1. Precedent: Le Roux, Heess,
# Shotton & Winn 2011.


def _logs(values: Tensor) -> Tensor:
    """Return log v and log(1 - v), side by side; v is kept one rounding step off 0 and 1."""
    eps = torch.finfo(values.dtype).eps
    inside = values.clamp(eps, 1 - eps)
    return torch.cat([inside.log(), torch.log1p(-inside)], dim=-1)


def _concentrations(natural: Tensor) -> tuple[Tensor, Tensor]:
    ones, zeros = (natural + 1).chunk(2, dim=-1)
    return ones, zeros


def _beta_mean(natural: Tensor) -> Tensor:
    ones, zeros = _concentrations(natural)
    return ones / (ones + zeros)


def _sample_exact_beta(natural: Tensor, *, generator: torch.Generator, workers: int = 1) -> Tensor:
    return sample_beta(*_concentrations(natural), generator=generator, workers=workers)


def _sample_logs(natural: Tensor, *, generator: torch.Generator, workers: int = 1) -> Tensor:
    odds = sample_beta_log_odds(*_concentrations(natural), generator=generator, workers=workers)
    return torch.cat([F.logsigmoid(odds), F.logsigmoid(-odds)], dim=-1)


def _beta_log_partition(natural: Tensor) -> Tensor:
    ones, zeros = _concentrations(natural)
    return (torch.lgamma(ones) + torch.lgamma(zeros) - torch.lgamma(ones + zeros)).sum(-1)


def _positive_offset(bias: Tensor, weight: Tensor) -> Tensor:
    return bias.exp() + F.relu(-weight).sum(1) - 1


def _positive_bias(natural: Tensor, weight: Tensor) -> Tensor:
    # with every hidden unit half on, A = a + sum_j |D_j| / 2
    return (natural + 1 - weight.abs().sum(1) / 2).clamp(min=LEAST_CONCENTRATION).log()


def _beta_fit(values: Tensor) -> Tensor:
    """Return concentrations, less 1, of the Beta distributions with each column's mean and
    variance."""
    wide = values.double()
    mean, variance = wide.mean(0).clamp(1e-4, 1 - 1e-4), wide.var(0, correction=0).clamp(min=1e-12)
    total = (mean * (1 - mean) / variance - 1).clamp(min=0)
    ones, zeros = ((share * total).clamp(LEAST_CONCENTRATION, MOST_CONCENTRATION) for share in (mean, 1 - mean))
    return (torch.cat([ones, zeros]) - 1).to(values.dtype)


EXACT_BETA = Unit(
    name="exact_beta",
    statistics_per_unit=2,
    statistics=_logs,
    mean=_beta_mean,
    sample=_sample_exact_beta,
    offset=_positive_offset,
    bias=_positive_bias,
    fit=_beta_fit,
    sample_statistics=_sample_logs,
    log_partition=_beta_log_partition,
    centred=False,
)
