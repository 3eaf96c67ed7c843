"""Weigh the parts of a loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

Parts = Mapping[str, Tensor]
LossParts = Callable[[Tensor, torch.Generator], Parts]
Objective = Callable[[Parts, int], Tensor]


def kl_warm_up(steps: int) -> Objective:
    """An objective for `latents.networks.training.fit` whose weight of the KL rises linearly from 0 to 1 over `steps`.

    All parts but the reconstruction are weighed: the KL, and what free bits add to it.

    Examples
    --------
    >>> parts = {"reconstruction": torch.tensor([4.0]), "kl": torch.tensor([2.0])}
    >>> [kl_warm_up(2)(parts, step).item() for step in range(4)]
    [4.0, 5.0, 6.0, 6.0]
    """

    def objective(parts: Parts, step: int) -> Tensor:
        weight = min(1.0, step / steps)
        others = [part.mean() for name, part in parts.items() if name != "reconstruction"]
        return parts["reconstruction"].mean() + weight * torch.stack(others).sum()

    return objective


def bound_only(parts: Parts, step: int) -> Tensor:
    """The objective for `bound_parts`: the mean of the negative bound alone."""
    return parts["bound"].mean()


def summed(parts: Parts, step: int) -> Tensor:
    """The plain objective: the sum of the parts' means, whatever the step.

    Examples
    --------
    >>> summed({"reconstruction": torch.tensor([1.0, 3.0]), "kl": torch.tensor([0.0, 1.0])}, 0).item()
    2.5
    """
    return torch.stack([part.mean() for part in parts.values()]).sum()
