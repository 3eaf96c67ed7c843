"""Order features so that neighbours are alike: greedy, a tour, optimal leaf ordering.

An order is an open path through all features; the distance of two features is 1 - correlation. To
find the shortest path is the travelling salesman's problem; every method but "none" seeks a short
one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import numpy as np

from relatent.errors import InputError
from relatent.ordering.similarity import distances, listed, neighbour_correlations, unit_rows

logger = logging.getLogger(__name__)

FAST_TSP_LARGEST = 32767  # fast-tsp takes distances below 2**16, and ours go up to 2


def order_features(
    features: np.ndarray,
    *,
    method: str = "greedy",
    generator: np.random.Generator | None = None,
    kicks: int = 100,
    seconds: float = 1.0,
) -> np.ndarray:
    """Order features so that neighbours are correlated.

    Parameters
    ----------
    features : numbers (n, d) or (n, y, x).
    method : str, default "greedy"
        "greedy": the notes' rule, see `greedy_path`, O(n^2).
        "tsp": a tour by local search, see `relatent.ordering.tour`; repeatable bit by bit; about
        n * kicks * 10 to 40 microseconds, hundreds of times that without numba.
        "leaf": leaves of an average-linkage tree in their optimal order (Bar-Joseph et al. 2001),
        O(n^3) and more.
        "fast-tsp": the library fast-tsp, whose draws have no seed and which stops by the clock: not
        repeatable.
        "none": the given order.
    generator : numpy Generator of the kicks of "tsp", default seeded with 0.
    kicks : int, default 100; perturbations per feature of "tsp".
    seconds : float, default 1; running time of "fast-tsp".

    Returns
    -------
    int64 array of shape (n,)
        A permutation: the feature at each place. Constant features, whose correlation is undefined,
        come last, in the given order; a warning names them.

    Raises
    ------
    InputError
        If the method is unknown, or features are not finite numbers; names the features.

    References
    ----------
    The notes of 2016-06-15. Bar-Joseph, Gifford & Jaakkola, Fast optimal leaf ordering, 2001.

    Examples
    --------
    >>> rows = np.array([[0, 1, 2, 3], [3, 2, 1, 0], [0, 1, 2, 4], [4, 2, 1, 0]])
    >>> order_features(rows, method="tsp")
    array([0, 2, 3, 1])
    """
    if method not in METHODS:
        raise InputError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    if kicks < 0 or seconds <= 0:
        raise InputError(f"kicks must be at least 0 and seconds above 0, got {kicks} and {seconds}")
    units = unit_rows(features)
    varied = np.flatnonzero(units.any(axis=1))
    constant = np.setdiff1d(np.arange(len(units)), varied)
    if method == "none":
        return np.arange(len(units))
    if len(constant):
        logger.warning("%s: constant, correlation undefined; put last", listed(constant, "feature"))
    if len(varied) < 3:
        return np.concatenate([varied, constant])
    generator = np.random.default_rng(0) if generator is None else generator
    path = METHODS[method](distances(units[varied]), generator, kicks, seconds)
    return np.concatenate([varied[forwards(path)], constant])


def path_length(features: np.ndarray, order: Sequence[int] | np.ndarray) -> float:
    """Return the length of the path in this order, the sum of 1 - correlation of neighbours.

    The correlation with a constant feature counts as 0.
    """
    return float((1 - neighbour_correlations(features, order)).sum())


def forwards(path: np.ndarray) -> np.ndarray:
    """Return the path in the direction that starts with the smaller index."""
    return path if path[0] < path[-1] else path[::-1]


def greedy_path(distance: np.ndarray) -> np.ndarray:
    """Find the notes' greedy order: the two nearest features, then always the nearest one left.

    The path starts at the smaller index of the nearest pair and grows at the other end only; of
    equal distances the smallest index wins. This is the rule of `corrsort` in the notes.

    Parameters
    ----------
    distance : int32 (n, n), n at least 2.
    """
    far = np.iinfo(distance.dtype).max
    n = len(distance)
    others = distance.copy()
    np.fill_diagonal(others, far)
    path = np.empty(n, np.int64)
    path[:2] = divmod(int(others.argmin()), n)
    used = np.zeros(n, bool)
    used[path[:2]] = True
    for place in range(2, n):
        path[place] = np.where(used, far, distance[path[place - 1]]).argmin()
        used[path[place]] = True
    return path


def leaf_path(distance: np.ndarray) -> np.ndarray:
    """Return the leaves of the average-linkage tree in the shortest order that the tree allows."""
    from scipy.cluster import hierarchy
    from scipy.spatial.distance import squareform

    condensed = squareform(distance.astype(np.float64), checks=False)
    tree = hierarchy.linkage(condensed, method="average", optimal_ordering=True)
    return hierarchy.leaves_list(tree).astype(np.int64)


def fast_tsp_path(distance: np.ndarray, seconds: float) -> np.ndarray:
    """Return the path that fast-tsp finds in this time; InputError if it is not installed."""
    from relatent.ordering.similarity import UNIT
    from relatent.ordering.tour import with_dummy, without_dummy

    try:
        import fast_tsp
    except ImportError:
        raise InputError('method "fast-tsp" needs the package fast-tsp: pip install fast-tsp, or take "tsp"') from None
    scaled = np.rint(with_dummy(distance) * (FAST_TSP_LARGEST / UNIT)).astype(np.int64)
    return without_dummy(np.array(fast_tsp.find_tour(scaled, seconds)))


def tsp_path(distance: np.ndarray, generator: np.random.Generator, kicks: int) -> np.ndarray:
    """Return the greedy path, improved by local search."""
    from relatent.ordering.tour import improved

    return improved(distance, greedy_path(distance), generator=generator, kicks=kicks)


Solver = Callable[[np.ndarray, np.random.Generator, int, float], np.ndarray]
METHODS: dict[str, Solver] = {
    "none": lambda distance, generator, kicks, seconds: np.arange(len(distance)),
    "greedy": lambda distance, generator, kicks, seconds: greedy_path(distance),
    "tsp": lambda distance, generator, kicks, seconds: tsp_path(distance, generator, kicks),
    "leaf": lambda distance, generator, kicks, seconds: leaf_path(distance),
    "fast-tsp": lambda distance, generator, kicks, seconds: fast_tsp_path(distance, seconds),
}
