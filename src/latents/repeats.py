"""Repeats of a measurement of speed as one row of a table."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any


def summary(values: Sequence[float], key: str = "seconds") -> dict[str, Any]:
    """Median, lowest, highest and number of repeats, for a row of a table.

    Examples
    --------
    >>> summary([3.0, 1.0, 2.0])
    {'seconds': 2.0, 'lowest': 1.0, 'highest': 3.0, 'repeats': 3}
    """
    return {key: statistics.median(values), "lowest": min(values), "highest": max(values), "repeats": len(values)}
