"""Time the ordering of features, for given sets and growing numbers of features."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from relatent.ordering.orders import order_features
from relatent.timing.repeats import summary


def compare(
    sets: Mapping[str, np.ndarray], *, methods: Sequence[str], repeats: int, kicks: int, seed: int
) -> Iterator[dict[str, Any]]:
    """Time each method on each set, in CPU seconds of one thread; the first run compiles and does
    not count.

    Parameters
    ----------
    sets : name -> features (n, d) or (n, y, x).
    methods, kicks : of `relatent.ordering.order_features`.
    seed : of the kicks.

    Yields
    ------
    dict
        `set`, `n`, `method`; `seconds`, correlations included, and the others of
        `relatent.timing.repeats.summary`.
    """
    for name, features in sets.items():
        for method in methods:
            taken = []
            for _ in range(repeats + 1):
                generator = np.random.default_rng(seed)
                began = time.process_time()
                order_features(features, method=method, generator=generator, kicks=kicks)
                taken.append(time.process_time() - began)
            yield {"set": name, "n": len(features), "method": method} | summary(taken[1:])


def random_sets(sizes: Sequence[int], *, width: int, seed: int) -> dict[str, np.ndarray]:
    """Draw standard normal features (n, width) of each size, by name."""
    rng = np.random.default_rng(seed)
    return {f"random_{n}": rng.standard_normal((n, width)) for n in sizes}
