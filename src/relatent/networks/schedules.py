"""Learning rates as functions of the step."""

from __future__ import annotations

import math
from collections.abc import Callable

Schedule = Callable[[int], float]


def linear_decay(*, total_steps: int, end: float = 0.0) -> Schedule:
    """Return a factor on the rate that falls linearly from 1 at the first step to `end` after the
    last.

    Examples
    --------
    >>> factor = linear_decay(total_steps=4)
    >>> [factor(step) for step in range(4)]
    [1.0, 0.75, 0.5, 0.25]
    """
    return lambda step: 1 + (end - 1) * step / total_steps


def one_cycle(*, total_steps: int, warm_up: float = 0.3, start: float = 1 / 25, end: float = 1 / 25e4) -> Schedule:
    """Return a one-cycle rate (Smith & Topin 2018): a cosine rise from `start` to 1, then a cosine
    fall to `end`.

    Parameters
    ----------
    total_steps : optimizer steps of the whole run, epochs * batches.
    warm_up : share of the steps that the rise takes.
    start, end : first and last factor; the defaults are those of torch's OneCycleLR.

    Returns
    -------
    function of the step (from 0)
        The factor on the optimizer's rate, which thus is the peak.

    Examples
    --------
    >>> factor = one_cycle(total_steps=101, warm_up=0.5)
    >>> round(factor(0), 3), round(factor(49), 2), round(factor(100), 7)
    (0.04, 1.0, 4e-06)
    """
    peak = warm_up * total_steps - 1

    def factor(step: int) -> float:
        if step < peak:
            return _cosine(start, 1.0, step / peak)
        return _cosine(1.0, end, min(1.0, (step - peak) / max(1.0, total_steps - 1 - peak)))

    return factor


def _cosine(first: float, last: float, share: float) -> float:
    """Return the value at `share`, in [0, 1], of the way from `first` to `last` along half a
    cosine."""
    return last + (first - last) / 2 * (1 + math.cos(math.pi * share))
