"""Summarise repeats of a measurement of speed as one row of a table."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any


def summary(values: Sequence[float], key: str = "seconds") -> dict[str, Any]:
    """Return median, standard error, minimum, maximum and number of repeats, for a row of a table.

    The standard error is that of the mean; for a single value it is the value's absolute size.

    Examples
    --------
    >>> summary([3.0, 1.0, 2.0])
    {'seconds': 2.0, 'std_error': 0.5773502691896258, 'lowest': 1.0, 'highest': 3.0, 'repeats': 3}
    """
    n = len(values)
    return {
        key: statistics.median(values),
        "std_error": statistics.stdev(values) / math.sqrt(n) if n > 1 else abs(values[0]),
        "lowest": min(values),
        "highest": max(values),
        "repeats": n,
    }
