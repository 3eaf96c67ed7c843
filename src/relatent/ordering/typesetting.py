"""Lay an order out like text: clusters are words, blank tiles are spaces, lines are centred."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from relatent.errors import InputError
from relatent.ordering.similarity import neighbour_correlations, permutation

BLANK = -1
WINDOW = 5  # neighbours on each side over which the correlation runs
DIP = 0.5  # running standard deviations below the running mean


def typeset(
    order: Sequence[int] | np.ndarray,
    features: np.ndarray,
    *,
    columns: int,
    window: int = WINDOW,
    dip: float = DIP,
) -> np.ndarray:
    """Lay features out in lines, clusters unbroken, with a blank tile between clusters.

    The sum over all lines, the last included, of the square of the missing tiles is minimal (Knuth
    & Plass 1981). Of equal sums, fewer lines win, then more clusters in the first lines. Lines are
    centred; if the number of missing tiles is odd, the right side has one more.

    Parameters
    ----------
    order : a permutation of the features.
    features : numbers (n, d) or (n, y, x).
    columns : int, tiles per line.
    window, dip : as in `clusters`.

    Returns
    -------
    int64 array of shape (lines, columns)
        The feature on each tile, -1 on a blank one. Read by lines it is the order, with blanks.

    Raises
    ------
    InputError
        When the order is no permutation of the features, or there are no columns.

    Examples
    --------
    >>> rows = np.eye(5, 6)
    >>> typeset([0, 1, 2, 3, 4], rows, columns=7)
    array([[-1,  0,  1,  2,  3,  4, -1]])
    """
    words = clusters(order, features, columns=columns, window=window, dip=dip)
    lines = break_lines([len(word) for word in words], columns)
    grid = np.full((len(lines), columns), BLANK, np.int64)
    for row, (start, stop) in zip(grid, lines, strict=True):
        width = sum(len(word) for word in words[start:stop]) + stop - start - 1
        at = (columns - width) // 2
        for word in words[start:stop]:
            row[at : at + len(word)] = word
            at += len(word) + 1
    return grid


def wrap(order: Sequence[int] | np.ndarray, *, columns: int) -> np.ndarray:
    """Lay an order out in full lines, int64 (lines, columns); the last one is filled up with -1."""
    _check_columns(columns)
    grid = np.full(-(-len(order) // columns) * columns, BLANK, np.int64)
    grid[: len(order)] = permutation(order, len(order))
    return grid.reshape(-1, columns)


def default_columns(n: int) -> int:
    """Tiles of a line for n features: 25 for 450, as in the notes, and in proportion."""
    return max(1, round((1.4 * n) ** 0.5))


def clusters(
    order: Sequence[int] | np.ndarray, features: np.ndarray, *, columns: int, window: int = WINDOW, dip: float = DIP
) -> list[np.ndarray]:
    """Cut the order where the correlation of neighbours dips, and clusters longer than a line.

    The correlation r of two neighbours is a dip if it is lower than the value before, not higher
    than the value after, and more than `dip` standard deviations below the mean; mean and deviation
    are over r and the `window` values on each side. A cluster longer than a line is cut into as few
    parts as fit, so that the sum of correlations at the cuts is least.

    Returns
    -------
    list of int64 arrays
        Together they are the order; none is longer than `columns`.
    """
    _check_columns(columns)
    if window < 1 or dip < 0:
        raise InputError(f"window must be at least 1 and dip at least 0, got {window} and {dip}")
    r = neighbour_correlations(features, order)
    order = permutation(order, len(r) + 1)
    whole = np.concatenate([[0], dips(r, window=window, dip=dip) + 1, [len(order)]])
    cuts = [0]
    for start, stop in pairwise(whole):
        cuts += [start + part for part in fitting_cuts(r[start : stop - 1], columns)] + [int(stop)]
    return [order[start:stop] for start, stop in pairwise(cuts)]


def dips(r: np.ndarray, *, window: int, dip: float) -> np.ndarray:
    """Return the indices of dips in r, the correlations of neighbours (see `clusters`).

    Examples
    --------
    >>> dips(np.array([0.9, 0.8, 0.1, 0.8, 0.9]), window=2, dip=0.5)
    array([2])
    """
    if not len(r):
        return np.empty(0, np.int64)
    # (n - 1, 2 window + 1)
    around = sliding_window_view(np.pad(r, window, constant_values=np.nan), 2 * window + 1)
    lower = r < np.concatenate([[np.inf], r[:-1]])
    lowest = lower & (r <= np.concatenate([r[1:], [np.inf]]))
    limit = np.nanmean(around, axis=1) - dip * np.nanstd(around, axis=1)
    # no dip where values differ by rounding alone
    return np.flatnonzero(lowest & (r < limit - 1e-12))


def fitting_cuts(r: np.ndarray, columns: int) -> list[int]:
    """Return where to cut a cluster with inner correlations r into the fewest parts, at low
    correlations."""
    n = len(r) + 1
    if n <= columns:
        return []
    # of the first `stop` features: parts, cut through, last start
    best: list[tuple[int, float, int]] = [(0, 0.0, 0)]
    for stop in range(1, n + 1):
        best.append(
            min(
                (best[start][0] + 1, best[start][1] + (float(r[start - 1]) if start else 0.0), start)
                for start in range(max(0, stop - columns), stop)
            )
        )
    return _starts(best)


def break_lines(widths: Sequence[int], columns: int) -> list[tuple[int, int]]:
    """First word and the one after the last of each line; words must fit. The rule is that of
    `typeset`."""
    # from the end, so that among equals the first line is the fullest
    # raggedness, lines, stop of the first line
    best: list[tuple[int, int, int]] = [(0, 0, 0)] * (len(widths) + 1)
    for start in range(len(widths) - 1, -1, -1):
        choices = []
        free = columns + 1
        for stop in range(start + 1, len(widths) + 1):
            free -= widths[stop - 1] + 1
            if free < 0:
                break
            choices.append((best[stop][0] + free**2, best[stop][1] + 1, -stop))
        raggedness, lines, last = min(choices)
        best[start] = (raggedness, lines, -last)
    lines_found, at = [], 0
    while at < len(widths):
        lines_found.append((at, best[at][2]))
        at = best[at][2]
    return lines_found


def _starts(best: Sequence[tuple[int, float, int]]) -> list[int]:
    """Follow the last starts back to the beginning: the cuts, in order."""
    found, at = [], len(best) - 1
    while best[at][2]:
        at = best[at][2]
        found.append(at)
    return found[::-1]


def _check_columns(columns: int) -> None:
    if columns < 1:
        raise InputError(f"columns must be a whole number from 1, got {columns}")
