"""Means with standard errors and 95 % intervals."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from relatent.errors import InputError

NORMAL = 1.959964  # the normal distribution's 97.5 % point


class Interval(NamedTuple):
    """A mean, its standard error, and its 95 % confidence interval, all in the values' own unit."""

    mean: float
    standard_error: float
    low: float
    high: float

    @classmethod
    def around(cls, mean: float, standard_error: float) -> Interval:
        """Return the interval of `NORMAL` standard errors on each side of a mean."""
        margin = NORMAL * standard_error
        return cls(mean, standard_error, mean - margin, mean + margin)

    @property
    def half_width(self) -> float:
        """Return half the width of the interval."""
        return NORMAL * self.standard_error


def mean_interval(values: ArrayLike, groups: np.ndarray | None = None) -> Interval:
    """Estimate the mean of values with its standard error and 95 % interval.

    Parameters
    ----------
    values : float (n,)
        For example one value per row of a test set; the interval then speaks of other rows, not of
        other draws of z.
    groups : (n,), optional
        Values of one group, such as the faces of one person, may depend on each other: the standard
        error is clustered by group (Liang & Zeger 1986). By default all values are independent.

    Raises
    ------
    InputError
        If `values` is no vector of two or more, or if there are fewer than two groups.

    Examples
    --------
    >>> mean_interval(np.array([1.0, 2.0, 3.0, 4.0])).mean
    2.5
    >>> alone, paired = (mean_interval(np.array([0.0, 2.0, 0.0, 2.0]), each) for each in (None, np.array([0, 1, 0, 1])))
    >>> round(alone.standard_error, 2), paired.standard_error
    (0.58, 1.0)
    """
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or len(sample) < 2:
        raise InputError(f"an interval needs a vector of at least two values, got shape {sample.shape}")
    mean = float(sample.mean())
    if groups is None:
        return Interval.around(mean, float(sample.std(ddof=1)) / math.sqrt(len(sample)))
    if np.shape(groups) != sample.shape:
        raise InputError(f"an interval needs one group per value, got {len(groups)} for {len(sample)} values")
    labels = np.unique(groups, return_inverse=True)[1]
    residuals = np.bincount(labels, sample - mean)
    count = len(residuals)
    if count < 2:
        raise InputError("an interval needs at least two groups, got one")
    variance = np.square(residuals).sum() / len(sample) ** 2 * count / (count - 1)
    return Interval.around(mean, math.sqrt(variance))
