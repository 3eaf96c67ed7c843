"""Measure an RBM by what needs no partition function."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 torch's own name for it

from relatent.errors import InputError
from relatent.rbm.model import EVALUATION_ROWS, RBM, reconstruction_error
from relatent.stats.intervals import mean_interval


@torch.no_grad()
def pseudo_likelihood(rbm: RBM, v: Tensor) -> Tensor:
    """Return the sum over Bernoulli units of log p(v_i | all others): (n, n_visible) -> (n,), in
    nats.

    Exact: every unit is flipped in turn, n_visible passes over the hidden layer.

    Raises
    ------
    InputError
        When the visible units are no Bernoulli units.

    References
    ----------
    Besag 1975.
    """
    if rbm.visible.name != "bernoulli":
        raise InputError(
            f"pseudo-likelihood is defined for bernoulli visible units, got {rbm.visible.name!r}; "
            "use reconstruction_error"
        )
    return torch.cat([_pseudo_likelihood(rbm, rows) for rows in v.split(EVALUATION_ROWS)])


def measure(rbm: RBM, v: Tensor) -> dict[str, float]:
    """Measure reconstruction and pseudo-likelihood: means over rows with 95 % intervals, as flat
    numbers.

    Returns
    -------
    dict
        `reconstruction_mse` per unit, beside the `variance` of the units, which is the error of
        their mean; and for Bernoulli visible units `pseudo_likelihood` in nats per row. Each mean
        has `_low` and `_high`.
    """
    values = {"reconstruction_mse": reconstruction_error(rbm, v)}
    if rbm.visible.name == "bernoulli":
        values["pseudo_likelihood"] = pseudo_likelihood(rbm, v)
    found = {"variance": float(v.double().var(0, correction=0).mean())}
    for name, rows in values.items():
        interval = mean_interval(rows.cpu())
        found |= {name: interval.mean, f"{name}_low": interval.low, f"{name}_high": interval.high}
    return found


def _pseudo_likelihood(rbm: RBM, v: Tensor) -> Tensor:
    x = rbm.hidden_input(v)  # (n, n_hidden)
    soft = F.softplus(x).sum(1)
    total = torch.zeros(len(v), dtype=v.dtype, device=v.device)
    for i in range(rbm.n_visible):
        change = 1 - 2 * v[:, i]  # of v_i when it is flipped
        flipped = x + change[:, None] * rbm.weight[i]
        # F(flipped) - F(v)
        rise = soft - F.softplus(flipped).sum(1) + change * (rbm.weight[i] @ rbm.hidden_centre - rbm.visible_bias[i])
        total += F.logsigmoid(rise)
    return total
