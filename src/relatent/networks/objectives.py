"""Weigh the parts of a loss: objectives for `relatent.networks.training.fit`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

Parts = Mapping[str, Tensor]
LossParts = Callable[[Tensor, torch.Generator], Parts]
Objective = Callable[[Parts, int], Tensor]


# parts whose weight rises in `kl_warm_up`: the KL, and what free bits add to it
RISING = ("kl", "free_bits")


def kl_warm_up(steps: float, *, weights: Mapping[str, float] | None = None) -> Objective:
    """Return an objective for `relatent.networks.training.fit` in which the KL's weight rises from
    0
    to 1.

    Parameters
    ----------
    steps : float, steps of the linear rise; 0: the weight is 1 throughout.
    weights : weights of other parts by name; 1 where a name is missing.

    Examples
    --------
    >>> parts = {"reconstruction": torch.tensor([4.0]), "kl": torch.tensor([2.0])}
    >>> [kl_warm_up(2)(parts, step).item() for step in range(4)]
    [4.0, 5.0, 6.0, 6.0]
    """
    fixed = weights or {}

    def objective(parts: Parts, step: int) -> Tensor:
        rising = min(1.0, step / steps) if steps else 1.0
        scaled = [(rising if name in RISING else fixed.get(name, 1.0)) * part.mean() for name, part in parts.items()]
        return torch.stack(scaled).sum()

    return objective


def bound_only(parts: Parts, step: int) -> Tensor:
    """Return the mean of the negative bound alone: the objective for
    `relatent.vae.model.VAE.bound_parts`."""
    return parts["bound"].mean()


def summed(parts: Parts, step: int) -> Tensor:
    """Return the sum of the parts' means, whatever the step.

    Examples
    --------
    >>> summed({"reconstruction": torch.tensor([1.0, 3.0]), "kl": torch.tensor([0.0, 1.0])}, 0).item()
    2.5
    """
    return torch.stack([part.mean() for part in parts.values()]).sum()
