"""Find a short tour by a local search that counts steps, so that the result is the same at any
speed.

Iterated local search (Lourenço, Martin & Stützle 2003): 2-opt and or-opt moves over lists of near
cities, with a queue of cities to try (Bentley 1992), until the queue is empty. Then, a fixed number
of times, a kick swaps two neighbouring pieces of the tour (a double bridge of short pieces), and
the search continues from the cities at their ends. A kick that lengthens the tour by more than a
threshold, which falls to 0 (Dueck & Scheuer 1990), is undone. Lengths are integers. An open path is
a tour with one more city, at distance 0 from all.

numba compiles the functions if it is installed; without it they run as Python, with the same
result.
"""

from __future__ import annotations

from typing import Any

import numpy as np

try:
    from relatent.machine.numba_cache import kernel
except ImportError:  # no numba: the core needs numpy, scipy and h5py alone

    def kernel(function: Any) -> Any:  # type: ignore[misc]
        """Leave the function as it is."""
        return function


NEAR = 10  # cities in each list of near cities
PIECE = 50  # cities in a swapped piece, at most
SEGMENT = 3  # cities that or-opt moves together, at most
LOG = 10_000  # moves that can be undone, at most
# Threshold of the first kick, relative to the mean length of an edge; the best of 0 to 0.4 on
# weights of an RBM and on Gabor waves.
THRESHOLD = 0.05


def improved(distance: np.ndarray, path: np.ndarray, *, generator: np.random.Generator, kicks: int) -> np.ndarray:
    """Return the shortest open path that the search meets, at most as long as the given one.

    Parameters
    ----------
    distance : int32 (n, n), symmetric, at most 2**28; n at least 3.
    path : int64 (n,), the start of the search.
    generator : numpy Generator of the places and sizes of the kicks.
    kicks : int, per city; 1000 more follow, so that few cities get the best order.
    """
    closed = with_dummy(distance)
    n = len(closed)
    count = kicks * n + 1000
    longest = min(PIECE, (n - 2) // 2)
    places = generator.integers([0, 1, 1], [n, longest + 1, longest + 1], size=(count, 3))
    tour = np.append(path, n - 1).astype(np.int64)
    threshold = int(THRESHOLD * distance[path[:-1], path[1:]].sum() / n)
    return without_dummy(search(closed, nearest(closed), tour, places, threshold))


def with_dummy(distance: np.ndarray) -> np.ndarray:
    """Return distances (n + 1, n + 1) with a last city at distance 0 from all."""
    return np.pad(distance, (0, 1))


def without_dummy(tour: np.ndarray) -> np.ndarray:
    """Return the open path of a tour, cut at its last city, the dummy."""
    at = int(np.argmax(tour))
    return np.concatenate([tour[at + 1 :], tour[:at]]).astype(np.int64)


def nearest(distance: np.ndarray) -> np.ndarray:
    """Return the nearest cities of each city, int64 (n, NEAR or n - 1), nearest first, then by
    index."""
    n = len(distance)
    near = np.empty((n, min(NEAR, n - 1)), np.int64)
    for city, row in enumerate(distance):
        order = np.argsort(row, kind="stable")
        near[city] = order[order != city][: near.shape[1]]
    return near


@kernel
def successor(tour: Any, place: Any, city: int, forward: bool) -> int:
    """Return the next city of the tour in this direction."""
    at = place[city] + (1 if forward else -1)
    return tour[at - len(tour) if at >= len(tour) else at]


@kernel
def reverse(tour: Any, place: Any, first: int, last: int) -> None:
    """Reverse the cities from `first` to `last` or, if they are fewer, all others: the same
    tour."""
    n = len(tour)
    i, j = place[first], place[last]
    count = j - i + 1 if j >= i else j - i + 1 + n
    if 2 * count > n:
        i, j, count = (j + 1) % n, (i - 1) % n, n - count
    for _ in range(count // 2):
        a, b = tour[i], tour[j]
        tour[i], tour[j] = b, a
        place[a], place[b] = j, i
        i = i + 1 if i + 1 < n else 0
        j = j - 1 if j > 0 else n - 1


@kernel
def exchange(tour: Any, place: Any, a: int, b: int, c: int, d: int, log: Any, made: int) -> int:
    """Replace edges a-b and c-d of a path a b .. c d, in either direction, by a-c and b-d; return
    moves made."""
    if successor(tour, place, a, True) == b:
        reverse(tour, place, b, c)
    else:
        reverse(tour, place, c, b)
    log[made, 0], log[made, 1], log[made, 2], log[made, 3] = a, b, c, d
    return made + 1


@kernel
def undo(tour: Any, place: Any, log: Any, made: int) -> None:
    """Take back all moves of the log, the last one first."""
    for move in range(made - 1, -1, -1):
        a, b, c = log[move, 0], log[move, 1], log[move, 2]
        if successor(tour, place, a, True) == c:
            reverse(tour, place, c, b)
        else:
            reverse(tour, place, b, c)


@kernel
def two_opt(distance: Any, near: Any, tour: Any, place: Any, city: int, log: Any, made: int, ends: Any) -> Any:
    """Make the first 2-opt move at a city that shortens the tour; return gain and moves made, fill
    `ends`."""
    for forward in (True, False):
        after = successor(tour, place, city, forward)
        for other in near[city]:
            gain = distance[city, after] - distance[city, other]
            if gain <= 0:
                break
            beyond = successor(tour, place, other, forward)
            gain += distance[other, beyond] - distance[after, beyond]
            if gain > 0 and other != after and beyond != city:
                ends[0], ends[1], ends[2], ends[3] = city, after, other, beyond
                return gain, exchange(tour, place, city, after, other, beyond, log, made)
    return 0, made


@kernel
def or_opt(distance: Any, near: Any, tour: Any, place: Any, city: int, log: Any, made: int, ends: Any) -> Any:
    """Make the first move of a segment from this city that shortens the tour; returns as
    `two_opt`."""
    for forward in (True, False):
        before = successor(tour, place, city, not forward)
        end = city
        for length in range(SEGMENT):
            end = successor(tour, place, end, forward) if length else city
            after = successor(tour, place, end, forward)
            if before in (end, after):
                break
            freed = distance[before, city] + distance[end, after] - distance[before, after]
            for other in near[city]:
                if distance[city, other] >= freed:
                    break
                offset = (place[other] - place[city]) * (1 if forward else -1) % len(tour)
                if offset <= length:  # within the segment
                    continue
                for side in (True, False):
                    beyond = successor(tour, place, other, side)
                    if beyond in (city, end):
                        continue
                    gain = freed - distance[city, other] - distance[end, beyond] + distance[other, beyond]
                    if gain > 0:
                        ends[0], ends[1], ends[2], ends[3] = before, after, other, beyond
                        made = transplant(tour, place, before, city, end, after, other, beyond, log, made)
                        return gain, made
    return 0, made


@kernel
def transplant(
    tour: Any, place: Any, before: int, first: int, last: int, after: int, left: int, right: int, log: Any, made: int
) -> int:
    """Move the segment first .. last, between `before` and `after`, to between `left` and
    `right`."""
    forward = successor(tour, place, before, True) == first
    straight = (successor(tour, place, left, True) == right) == forward
    if straight:  # before first..last after .. left right
        # before left .. after last..first right
        made = exchange(tour, place, before, first, left, right, log, made)
        # before after .. left last..first right
        made = exchange(tour, place, before, left, after, last, log, made)
        return exchange(tour, place, left, last, first, right, log, made)
    # before first..last after .. right left
    # before right .. after last..first left
    made = exchange(tour, place, before, first, right, left, log, made)
    # before after .. right last..first left
    return exchange(tour, place, before, right, after, last, log, made)


@kernel
def push(queue: Any, waiting: Any, state: Any, city: Any) -> None:
    """Add a city to the queue unless it waits; `state` holds the start and length of the queue."""
    if not waiting[city]:
        waiting[city] = True
        queue[(state[0] + state[1]) % len(queue)] = city
        state[1] += 1


@kernel
def descend(
    distance: Any, near: Any, tour: Any, place: Any, queue: Any, waiting: Any, state: Any, log: Any, made: int
) -> Any:
    """Improve the tour at waiting cities until none waits or the log is full; return gain, moves
    made."""
    total = 0
    ends = np.empty(4, np.int64)
    while state[1] > 0 and made < LOG - 3:
        city = queue[state[0]]
        state[0] = (state[0] + 1) % len(queue)
        state[1] -= 1
        waiting[city] = False
        gain = 1
        while gain > 0 and made < LOG - 3:
            gain, made = two_opt(distance, near, tour, place, city, log, made, ends)
            if gain <= 0:
                gain, made = or_opt(distance, near, tour, place, city, log, made, ends)
            if gain > 0:
                total += gain
                for changed in ends:
                    push(queue, waiting, state, changed)
        if gain > 0:  # stopped by a full log
            push(queue, waiting, state, city)
    return total, made


@kernel
def search(distance: Any, near: Any, tour: Any, kicks: Any, threshold: int) -> Any:
    """Return the shortest tour met; changes `tour`.

    Parameters
    ----------
    kicks : int64 (n_kicks, 3), the place before two pieces and the number of cities of each.
    """
    n, count = len(tour), len(kicks)
    place, queue = np.empty(n, np.int64), np.empty(n, np.int64)
    waiting, state, log = np.zeros(n, np.bool_), np.zeros(2, np.int64), np.empty((LOG, 4), np.int64)
    for at in range(n):
        place[tour[at]] = at
        push(queue, waiting, state, tour[at])
    while state[1] > 0:
        descend(distance, near, tour, place, queue, waiting, state, log, 0)
    best, above = tour.copy(), 0  # the present tour is longer than the best by this
    for kick in range(count):
        at, one, two = kicks[kick, 0], kicks[kick, 1], kicks[kick, 2]
        a, b, c = tour[at], tour[(at + 1) % n], tour[(at + one) % n]  # a | b .. c | d .. e | f
        d, e, f = tour[(at + one + 1) % n], tour[(at + one + two) % n], tour[(at + one + two + 1) % n]
        lost = distance[a, d] + distance[c, f] + distance[e, b] - distance[a, b] - distance[c, d] - distance[e, f]
        made = exchange(tour, place, a, b, e, f, log, 0)  # a e .. d c .. b f
        made = exchange(tour, place, a, e, d, c, log, made)  # a d .. e c .. b f
        made = exchange(tour, place, e, c, b, f, log, made)  # a d .. e b .. c f
        for city in (a, b, c, d, e, f):
            push(queue, waiting, state, city)
        gain, made = descend(distance, near, tour, place, queue, waiting, state, log, made)
        if lost - gain > threshold * (count - kick) // count:
            undo(tour, place, log, made)
        else:
            above += lost - gain
            if above < 0:
                above = 0
                best[:] = tour
    return best
