"""Compute partition functions of RBMs, by enumeration or annealing, and likelihoods.

Whatever its units and centres, an RBM with an energy is put into one form, with statistics t(v),

    log p*(v) = constant + o.t(v) + sum_j log(1 + exp(x_j)),  x = c + t(v) W,

and annealed from independent units with the data's marginals, o_A and, for the hidden layer, c_A,
over (1 - beta) o_A + beta o and (1 - beta) c_A + beta x (Salakhutdinov & Murray 2008, who leave c_A
at zero: with hidden units that are rarely on, that leads the chains away from the data and back).

Each block of `BLOCK_CHAINS` chains has a random stream of its own, spawned from one draw of the
caller's generator, so that no result depends on how many workers share the blocks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from relatent.errors import InputError
from relatent.networks.products import product
from relatent.networks.streams import by_blocks, draw_seed
from relatent.rbm.model import EVALUATION_ROWS, RBM
from relatent.rbm.units import BERNOULLI, Unit

BLOCK_CHAINS = 25  # chains that share a random stream: the unit of work
ENUMERABLE = 20  # most hidden units for which the 2^n states are summed one by one
STATES = 2**12  # of them at once

Method = Literal["exact", "ais", "reverse-ais"]


class LogZ(NamedTuple):
    """Log partition function in nats, and its standard error: 0 when it is exact."""

    value: float
    std_error: float


class Annealed(NamedTuple):
    """The results of annealed chains: log weights float64 (chains,), and in nats log Z of the
    independent units and the constant of the model's log density."""

    log_weights: Tensor
    log_base: float
    constant: float


def log_partition(
    rbm: RBM,
    *,
    method: Method = "ais",
    data: Tensor | None = None,
    temperatures: int = 10_000,
    chains: int = 100,
    burn_in: int = 1000,
    generator: torch.Generator | None = None,
    workers: int = 1,
) -> LogZ:
    """Return the log partition function of an RBM with an energy.

    Parameters
    ----------
    rbm : visible units "bernoulli" or "exact_beta", hidden units "bernoulli".
    method : "exact" sums over the hidden states, at most 2^20. "ais" anneals from independent units
        to the model: the mean weight is an unbiased estimate of Z, so that log Z is under-estimated
        in expectation and the model flattered where annealing is too fast. "reverse-ais" anneals
        from samples of the model to independent units: its error has the other sign, but it starts
        from `burn_in` Gibbs steps at rows of `data`, not from exact samples, so it is an estimate
        and no bound. Trust them where they agree.
    data : (n, n_visible), training rows: their marginals give the base distribution; for the
        annealing methods.
    temperatures : steps of annealing, spaced evenly.
    chains : independent ones; the standard error falls with their root.
    burn_in : Gibbs steps before "reverse-ais".
    generator : one draw is taken from it, from which all streams are spawned; for the annealing
        methods.
    workers : threads over blocks of chains; no result depends on them.

    Returns
    -------
    LogZ
        The standard error is over chains (delta method): it does not include what all chains miss.

    Raises
    ------
    InputError
        When the units follow from no energy, there are too many hidden units to enumerate, the
        method is unknown, or `data` or `generator` is missing.

    References
    ----------
    Neal 2001; Salakhutdinov & Murray 2008; Burda, Grosse & Salakhutdinov 2015 on reverse annealing.

    Examples
    --------
    >>> log_z = log_partition(RBM(3, 2), method="exact")  # no weights: 2^3 visible times 2^2 hidden states
    >>> round(math.exp(log_z.value)), log_z.std_error
    (32, 0.0)
    """
    require_energy(rbm)
    if method == "exact":
        return LogZ(_enumerate(rbm), 0.0)
    if method not in ("ais", "reverse-ais"):
        raise InputError(f"method must be one of exact, ais, reverse-ais, got {method!r}")
    if data is None or generator is None:
        raise InputError(f"method {method!r} needs data and a generator")
    if min(temperatures, chains, workers) < 1 or burn_in < 0:
        given = f"{temperatures} temperatures, {chains} chains, {workers} workers, burn_in {burn_in}"
        raise InputError(f"temperatures, chains and workers must be at least 1, burn_in at least 0, got {given}")
    options = {"temperatures": temperatures, "chains": chains, "burn_in": burn_in, "workers": workers}
    found = annealed(rbm, method=method, data=data, generator=generator, **options)
    log_mean, std_error = _log_mean(found.log_weights)
    sign = 1 if method == "ais" else -1
    return LogZ(found.log_base + sign * log_mean + found.constant, std_error)


def annealed(
    rbm: RBM,
    *,
    method: Method,
    data: Tensor,
    temperatures: int,
    chains: int,
    burn_in: int,
    generator: torch.Generator,
    workers: int = 1,
) -> Annealed:
    """Anneal all chains, one way; the parameters are those of `log_partition`, which has checked
    them."""
    path = _Path(rbm, data)
    anneal = _forward if method == "ais" else _reverse

    sizes = [min(BLOCK_CHAINS, chains - first) for first in range(0, chains, BLOCK_CHAINS)]

    def block(number: int, stream: torch.Generator) -> Tensor:
        return anneal(path, sizes[number], stream, temperatures=temperatures, burn_in=burn_in, data=data)

    seed, device = draw_seed(generator), generator.device
    log_weights = by_blocks(block, len(sizes), seed=seed, device=device, workers=workers, dropped_bits=1)
    return Annealed(log_weights, path.log_base, path.model.constant)


def log_likelihood(rbm: RBM, v: Tensor, log_z: LogZ) -> Tensor:
    """Return log p(v) = -F(v) - log Z of each row: (n, n_visible) -> float64 (n,), in nats.

    A probability for Bernoulli units, a density for Beta units (over values that are kept one
    float's rounding step off 0 and 1).

    Raises
    ------
    InputError
        When the units follow from no energy, or the rows have another width.
    """
    require_energy(rbm)
    with torch.no_grad():
        energies = torch.cat([rbm.free_energy(rows) for rows in v.split(EVALUATION_ROWS)])
    return -energies.double() - log_z.value


def require_energy(rbm: RBM) -> None:
    """Raise InputError where the conditionals follow from no energy."""
    if not rbm.has_energy:
        raise InputError(
            f"no likelihood: the conditional of {rbm.visible.name} visible and {rbm.hidden.name} hidden units "
            "follows from no energy; use reconstruction_error, or train with visible='exact_beta'"
        )


# --- one form for all -----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Canonical:
    """An RBM without its centres: log p*(v) = constant + o.t(v) + sum_j softplus(c + t(v) W)_j."""

    unit: Unit
    weight: Tensor  # (k n_visible, n_hidden)
    offset: Tensor  # (k n_visible,)
    hidden_bias: Tensor  # (n_hidden,)
    constant: float


@torch.no_grad()
def _canonical(rbm: RBM) -> _Canonical:
    weight = rbm.weight.detach()
    offset = rbm.visible.offset(rbm.visible_bias, weight) - weight @ rbm.hidden_centre
    hidden_bias = (rbm.hidden_bias - rbm.visible_centre @ weight).detach()
    constant = -float(rbm.hidden_centre.double() @ hidden_bias.double())
    return _Canonical(rbm.visible, weight, offset, hidden_bias, constant)


def _log_partition_of(unit: Unit, natural: Tensor) -> Tensor:
    assert unit.log_partition is not None  # has_energy
    return unit.log_partition(natural)


@torch.no_grad()
def _enumerate(rbm: RBM) -> float:
    """Return the log of the sum over h of exp(h.c) times the integral over v given h."""
    if rbm.n_hidden > ENUMERABLE:
        raise InputError(f"method 'exact' sums over at most {ENUMERABLE} hidden units, got {rbm.n_hidden}")
    model = _canonical(rbm)
    weight, offset, bias = (each.double() for each in (model.weight, model.offset, model.hidden_bias))
    bits = torch.arange(rbm.n_hidden, device=weight.device)
    sums = []
    for first in range(0, 2**rbm.n_hidden, STATES):
        numbers = torch.arange(first, min(first + STATES, 2**rbm.n_hidden), device=weight.device)
        h = ((numbers[:, None] >> bits) & 1).double()  # (states, n_hidden)
        given_h = _log_partition_of(model.unit, offset + h @ weight.t())
        sums.append(torch.logsumexp(h @ bias + given_h, 0))
    return float(torch.logsumexp(torch.stack(sums), 0)) + model.constant


# --- annealing ------------------------------------------------------------------------------------


class _Path:
    """From independent units with the data's marginals (beta = 0) to the model (beta = 1)."""

    def __init__(self, rbm: RBM, data: Tensor) -> None:
        rbm.check_visible(data)
        self.model = _canonical(rbm)
        self.base = self.model.unit.fit(data)  # natural parameters (k n_visible,)
        self.rise = self.model.offset - self.base
        hidden_means = torch.cat([rbm.mean_hidden(rows) for rows in data.split(EVALUATION_ROWS)])
        self.base_hidden = BERNOULLI.fit(hidden_means)  # natural parameters (n_hidden,)
        log_visible = float(_log_partition_of(self.model.unit, self.base.double()))
        self.log_base = log_visible + float(_log_partition_of(BERNOULLI, self.base_hidden.double()))

    def sample(self, natural: Tensor, stream: torch.Generator) -> Tensor:
        """Draw statistics of visible units: (n, k n_visible)."""
        assert self.model.unit.sample_statistics is not None  # has_energy
        return self.model.unit.sample_statistics(natural, generator=stream, workers=1)

    def hidden_input(self, t: Tensor) -> Tensor:
        return product(t, self.model.weight).add_(self.model.hidden_bias)

    def step(self, x: Tensor, beta: float, stream: torch.Generator) -> Tensor:
        """Draw one Gibbs step at beta, from x(v) to the statistics of the next v."""
        h = BERNOULLI.sample(torch.lerp(self.base_hidden, x, beta), generator=stream, workers=1)
        natural = torch.add(self.base, self.rise, alpha=beta) + beta * product(h, self.model.weight.t())
        return self.sample(natural, stream)

    def anneal(self, t: Tensor, betas: np.ndarray, stream: torch.Generator) -> Tensor:
        """Return log weights (n,) of chains that start at statistics `t` and pass through all
        betas."""
        log_weights = torch.zeros(len(t), dtype=torch.float64, device=t.device)
        for before, after in zip(betas[:-1].tolist(), betas[1:].tolist(), strict=True):
            x = self.hidden_input(t)
            log_weights += (after - before) * (t @ self.rise).double()
            log_weights += _softplus_rise(self.base_hidden, x, before, after)
            t = self.step(x, after, stream)
        return log_weights


def _softplus_rise(base: Tensor, x: Tensor, before: float, after: float) -> Tensor:
    """Return the sum over the hidden units of the rise of softplus((1 - beta) base + beta x),
    without cancellation: (n,)."""
    rise = torch.sigmoid(torch.lerp(base, x, before)) * torch.expm1((after - before) * (x - base))
    return torch.log1p(rise).sum(1, dtype=torch.float64)


def _forward(
    path: _Path, size: int, stream: torch.Generator, *, temperatures: int, burn_in: int, data: Tensor
) -> Tensor:
    """Return log weights of which the mean weight estimates Z / Z_A."""
    start = path.sample(path.base.expand(size, -1), stream)
    return path.anneal(start, np.linspace(0, 1, temperatures + 1), stream)


def _reverse(
    path: _Path, size: int, stream: torch.Generator, *, temperatures: int, burn_in: int, data: Tensor
) -> Tensor:
    """Return log weights of which the mean weight estimates Z_A / Z, from samples of the model."""
    rows = torch.randint(len(data), (size,), generator=stream, device=data.device)
    t = path.model.unit.statistics(data[rows])
    for _ in range(burn_in):
        t = path.step(path.hidden_input(t), 1.0, stream)
    return path.anneal(t, np.linspace(1, 0, temperatures + 1), stream)


def _log_mean(log_weights: Tensor) -> tuple[float, float]:
    """Return the log of the mean weight, and the delta method's standard error of it."""
    weights = torch.exp(log_weights - log_weights.max())
    mean = weights.mean()
    spread = float(weights.std() / (mean * math.sqrt(len(weights)))) if len(weights) > 1 else math.nan
    return float(log_weights.max() + mean.log()), spread
