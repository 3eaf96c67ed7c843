"""Summarise the numbers of several seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from relatent.errors import InputError


def over_seeds(measured: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the mean and standard error of each number over runs that differ by their seed.

    Parameters
    ----------
    measured : one mapping per seed, all with the same keys; texts must be the same in all, None is
        nan.

    Returns
    -------
    dict
        `<name>`: the mean; `<name>_se`: its standard error, nan with one seed; `n_seeds`. Texts,
        and whole numbers that are the same for all seeds, stay as they are.

    Raises
    ------
    InputError
        When there are no seeds, or their keys or texts differ.

    Examples
    --------
    >>> over_seeds([{"elbo": -1.0, "how": "dynamic"}, {"elbo": -3.0, "how": "dynamic"}])
    {'n_seeds': 2, 'elbo': -2.0, 'elbo_se': 1.0, 'how': 'dynamic'}
    """
    if not measured or any(seed.keys() != measured[0].keys() for seed in measured):
        raise InputError(f"seeds of one run must be measured alike, got {[sorted(seed) for seed in measured]}")
    summary: dict[str, Any] = {"n_seeds": len(measured)}
    for name, first in measured[0].items():
        values = [seed[name] for seed in measured]
        if not isinstance(first, float | None) and all(value == first for value in values):
            summary[name] = first
        elif all(isinstance(value, int | float | None) for value in values):
            numbers = np.array([np.nan if value is None else value for value in values], np.float64)
            several = len(numbers) > 1
            error = numbers.std(ddof=1) / math.sqrt(len(numbers)) if several else np.nan
            summary |= {name: float(numbers.mean()), f"{name}_se": float(error)}
        else:
            raise InputError(f"{name} must be the same for all seeds of a run, got {values}")
    return summary
