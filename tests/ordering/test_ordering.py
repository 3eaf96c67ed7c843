"""Orders of features and their layout: valid, short, repeatable, unbroken, as even as can be."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relatent import ordering
from relatent.errors import InputError
from relatent.ordering import (
    clusters,
    order_features,
    orders,
    path_length,
    similarity,
    tour,
    typeset,
    typesetting,
    wrap,
)
from tests.support.harness import ROOT

REPEATABLE = [name for name in ordering.METHODS if name != "fast-tsp"]


def drawn(n: int, d: int = 6, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d))


def waves(n: int, seed: int = 0) -> np.ndarray:
    """Pictures (n, 6, 6) of smooth waves in random order: an obvious best order is a ring of
    phases."""
    rng = np.random.default_rng(seed)
    phase = rng.permutation(n) * 2 * np.pi / n
    return np.sin(phase[:, None, None] + np.arange(36).reshape(6, 6) / 3)


# --- orders ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ordering.METHODS)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 30])
def test_every_method_gives_each_feature_once(method: str, n: int) -> None:
    """From one feature up."""
    order = order_features(drawn(n), method=method, seconds=0.05)
    assert order.dtype == np.int64
    assert sorted(order) == list(range(n))


@given(st.integers(3, 7), st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_a_tour_of_a_few_features_is_the_shortest(n: int, seed: int) -> None:
    """Against all permutations, to the rounding of the distances; the greedy and leaf orders are no
    shorter."""
    features = drawn(n, 4, seed)
    best = min(path_length(features, path) for path in permutations(range(n)) if path[0] < path[-1])
    assert path_length(features, order_features(features, method="tsp")) <= best + n / similarity.UNIT
    for method in ("greedy", "leaf", "none"):
        assert path_length(features, order_features(features, method=method)) >= best - 1e-9


def test_the_path_length_is_the_sum_of_one_minus_corrcoef() -> None:
    """Against numpy, along a given order."""
    features = drawn(9)
    order = [3, 1, 8, 0, 2, 7, 6, 4, 5]
    correlation = np.corrcoef(features)
    expected = sum(1 - correlation[i, j] for i, j in zip(order[:-1], order[1:], strict=True))  # noqa: RUF007
    assert path_length(features, order) == pytest.approx(expected, rel=1e-12)


def test_greedy_starts_with_the_nearest_pair_and_takes_the_nearest_left() -> None:
    """Against a literal loop over numpy's correlations."""
    features = drawn(25)
    correlation = np.corrcoef(features) - 3 * np.eye(25)
    expected = list(divmod(int(correlation.argmax()), 25))
    while len(expected) < 25:
        left = [index for index in range(25) if index not in expected]
        expected.append(max(left, key=lambda index: correlation[expected[-1], index]))
    found = orders.greedy_path(similarity.distances(similarity.unit_rows(features)))
    assert found.tolist() == expected


def test_smooth_waves_come_out_in_the_order_of_their_phases() -> None:
    """A tour of 60 waves goes round the ring: each neighbour is the next phase."""
    features = waves(60)
    ring = path_length(features, np.argsort(np.random.default_rng(0).permutation(60)))
    assert path_length(features, order_features(features, method="tsp")) <= ring + 60 / similarity.UNIT


def test_a_tour_is_shorter_than_greedy_and_leaf_order() -> None:
    """On 120 random features, by a margin; fast-tsp finds none that is 1 % shorter."""
    features = drawn(120, 12)
    length = {
        method: path_length(features, order_features(features, method=method, seconds=1)) for method in ordering.METHODS
    }
    assert length["tsp"] < 0.97 * min(length["greedy"], length["leaf"])
    assert length["greedy"] < 0.8 * length["none"]
    assert length["tsp"] < 1.01 * length["fast-tsp"]


@pytest.mark.parametrize("method", REPEATABLE)
def test_the_order_repeats_and_does_not_change_with_scale_offset_or_shape(method: str) -> None:
    """Correlation knows neither; the very same places."""
    features = drawn(40, 36)
    first = order_features(features, method=method)
    scale, offset = np.random.default_rng(1).uniform(0.5, 9, (2, 40, 1))
    for same in (features, features.reshape(40, 6, 6), scale * features + offset, 1e300 * features):
        np.testing.assert_array_equal(order_features(same, method=method), first)


def test_another_generator_kicks_elsewhere_and_more_kicks_do_not_lengthen_the_tour() -> None:
    """The draws are the generator's; a search that continues keeps what it has."""
    features = drawn(150, 20)
    few = order_features(features, method="tsp", kicks=0)
    other = order_features(features, method="tsp", kicks=0, generator=np.random.default_rng(7))
    assert not np.array_equal(few, other)
    distance = similarity.distances(similarity.unit_rows(features))
    closed, near = tour.with_dummy(distance), tour.nearest(tour.with_dummy(distance))
    kicks = np.random.default_rng(0).integers(1, 40, size=(3000, 3))
    lengths = []
    for count in (0, 300, 3000):
        path = tour.search(closed, near, np.append(orders.greedy_path(distance), 150), kicks[:count], 0)
        assert sorted(path) == list(range(151))
        lengths.append(int(closed[path, np.roll(path, 1)].sum()))
    assert lengths[0] > lengths[1] > lengths[2]
    best = tour.improved(distance, order_features(features, method="tsp"), generator=np.random.default_rng(1), kicks=1)
    assert path_length(features, best) <= path_length(features, order_features(features, method="tsp"))


WITHOUT_NUMBA = """
import json, sys
sys.modules["numba"] = None
import numpy as np
from relatent.ordering import order_features
features = np.random.default_rng(0).normal(size=(30, 6))
order = order_features(features, method="tsp", kicks=10)
heavy = {"torch", "fast_tsp", "matplotlib", "pydantic"} & set(sys.modules)
print(json.dumps([order.tolist(), sorted(heavy)]))
"""


def test_without_numba_the_tour_is_the_same() -> None:
    """The uncompiled functions in a process of their own; nothing heavy is imported there."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_NUMBA], cwd=ROOT / "src", capture_output=True, text=True, check=True
    )
    order, heavy = json.loads(done.stdout)
    assert order == order_features(drawn(30), method="tsp", kicks=10).tolist()
    assert heavy == []


@pytest.mark.parametrize("made", [0, tour.LOG - 20])
def test_gains_add_up_and_undo_takes_all_moves_back(made: int) -> None:
    """From a random tour to a local optimum and back; a full log stops the descent, and nothing is
    lost."""
    closed = tour.with_dummy(similarity.distances(similarity.unit_rows(drawn(120, 10))))
    start = np.random.default_rng(0).permutation(121)
    path, place, queue = start.copy(), np.argsort(start), np.arange(121)
    waiting, state, log = np.ones(121, bool), np.array([0, 121]), np.zeros((tour.LOG, 4), np.int64)
    length = int(closed[path, np.roll(path, 1)].sum())
    gain, after = tour.descend(closed, tour.nearest(closed), path, place, queue, waiting, state, log, made)
    assert sorted(path) == list(range(121))
    assert gain > 0
    assert int(closed[path, np.roll(path, 1)].sum()) == length - gain
    assert (state[1] == 0) == (made == 0)
    tour.undo(path, place, log[made:], after - made)
    edges = [{frozenset(edge) for edge in zip(cities, np.roll(cities, 1), strict=True)} for cities in (start, path)]
    assert edges[0] == edges[1]


def test_distances_are_those_of_corrcoef_and_symmetric() -> None:
    """To half a unit; a block of rows at a time or all at once."""
    distance = similarity.distances(similarity.unit_rows(drawn(200, 10)))
    assert np.array_equal(distance, distance.T)
    np.testing.assert_allclose(distance / similarity.UNIT, 1 - np.corrcoef(drawn(200, 10)), atol=1 / similarity.UNIT)


# --- input ----------------------------------------------------------------------------------------


def test_constant_features_stand_last_and_are_named(caplog: pytest.LogCaptureFixture) -> None:
    """One warning; lengths count them as uncorrelated; all constant is fine as well."""
    features = drawn(8)
    features[[2, 5]] = 3.7
    with caplog.at_level(logging.WARNING, logger="relatent"):
        order = order_features(features, method="tsp")
    assert order[-2:].tolist() == [2, 5]
    assert "features 2, 5: constant" in caplog.text
    assert ordering.constant_features(features).tolist() == [2, 5]
    inner = path_length(np.delete(features, [2, 5], axis=0), np.argsort(np.argsort(order[:6])))
    assert path_length(features, order) == pytest.approx(inner + 2)
    assert order_features(np.ones((4, 3)), method="tsp").tolist() == [0, 1, 2, 3]
    assert sorted(typeset(range(4), np.ones((4, 3)), columns=3).ravel())[-4:] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("features", "options", "said"),
    [
        (np.where(np.eye(6, 5) > 0, np.nan, 1.0), {}, "features 0, 1, 2, 3, 4 of 6 (counted from 0): nan or infinite"),
        (np.where(np.arange(20)[:, None] > 9, np.inf, np.ones((20, 3))), {}, "16, 17 and 2 more of 20"),
        (np.zeros((0, 5)), {}, "at least one feature"),
        (np.zeros((5, 1)), {}, "at least 2 values"),
        (np.zeros(5), {}, "must be numbers (n, d) or (n, y, x), got float64 (5,)"),
        (np.array([["a", "b"]]), {}, "must be numbers"),
        (np.eye(5), {"method": "best"}, "method must be one of none, greedy, tsp, leaf, fast-tsp, got 'best'"),
        (np.eye(5), {"kicks": -1}, "kicks must be at least 0"),
    ],
)
def test_bad_features_are_one_line(features: np.ndarray, options: dict, said: str) -> None:
    """What was given, which feature, what is allowed."""
    with pytest.raises(InputError) as caught:
        order_features(features, **options)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("order", [[0, 1, 1], [0, 1], [1, 2, 3], [0.0, 1.0, 2.0]])
def test_an_order_that_is_no_permutation_is_one_line(order: list) -> None:
    """Of the path length and of the layout."""
    for call in (lambda: path_length(drawn(3), order), lambda: typeset(order, drawn(3), columns=2)):
        with pytest.raises(InputError, match="order must hold each of 0 to 2 once"):
            call()


def test_no_columns_are_one_line() -> None:
    """Of every layout."""
    for call in (lambda: typeset([0, 1], drawn(2), columns=0), lambda: wrap([0, 1], columns=0)):
        with pytest.raises(InputError, match="columns must be a whole number from 1, got 0"):
            call()


# --- layout ---------------------------------------------------------------------------------------


@given(st.integers(1, 60), st.integers(1, 12), st.integers(0, 10**6), st.sampled_from([0.0, 0.5, 2.0]))
@settings(max_examples=80, deadline=None)
def test_typesetting_keeps_the_order_the_clusters_and_the_centre(n: int, columns: int, seed: int, dip: float) -> None:
    """Each feature once, in order; each cluster on one line, a blank on both of its sides; lines
    centred and full."""
    features = drawn(n, 5, seed)
    order = np.random.default_rng(seed).permutation(n)
    words = clusters(order, features, columns=columns, dip=dip)
    grid = typeset(order, features, columns=columns, dip=dip)
    assert grid.shape[1] == columns
    assert grid[grid >= 0].tolist() == order.tolist() == np.concatenate(words).tolist()
    set_words = []
    for line in grid:
        text = "".join("x" if tile >= 0 else " " for tile in line)
        left, right = len(text) - len(text.lstrip()), len(text) - len(text.rstrip())
        assert 0 <= right - left <= 1
        assert "  " not in text.strip()
        set_words += [len(word) for word in text.split()]
    assert set_words == [len(word) for word in words]
    assert max(set_words) <= columns


@given(st.lists(st.integers(1, 6), min_size=1, max_size=8), st.integers(6, 14))
@settings(max_examples=80, deadline=None)
def test_no_other_breaks_are_less_ragged(widths: list[int], columns: int) -> None:
    """Against all ways to break up to 8 words."""

    def raggedness(starts: tuple[int, ...]) -> float:
        edges = [0, *starts, len(widths)]
        free = [columns - sum(widths[a:b]) - (b - a - 1) for a, b in zip(edges[:-1], edges[1:], strict=True)]  # noqa: RUF007
        return sum(lack**2 for lack in free) if min(free) >= 0 else np.inf

    count = len(widths)
    every = [starts for size in range(count) for starts in combinations(range(1, count), size)]
    lines = typesetting.break_lines(widths, columns)
    assert lines[0][0] == 0
    assert raggedness(tuple(start for start, _ in lines[1:])) == min(map(raggedness, every))


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=9), st.integers(1, 6))
@settings(max_examples=80, deadline=None)
def test_a_long_cluster_is_cut_into_the_fewest_parts_through_the_least_correlation(r: list, columns: int) -> None:
    """Against all ways to cut up to 10 features."""
    n = len(r) + 1
    found = typesetting.fitting_cuts(np.array(r), columns)
    fewest = -(-n // columns)
    fitting = [
        cuts
        for cuts in combinations(range(1, n), fewest - 1)
        if np.diff([0, *cuts, n]).max() <= columns
    ]  # fmt: skip
    assert tuple(found) in fitting
    least = min(sum(r[cut - 1] for cut in cuts) for cuts in fitting)
    assert sum(r[cut - 1] for cut in found) == pytest.approx(least)


def test_the_order_is_cut_where_the_correlation_dips() -> None:
    """Three groups of near copies, one after the other: three clusters; a constant correlation has
    no dip."""
    rng = np.random.default_rng(0)
    centres = np.repeat(np.eye(3, 40), 6, axis=0)
    features = centres + 0.01 * rng.normal(size=centres.shape)
    found = clusters(np.arange(18), features, columns=10, dip=1.0)
    assert [word.tolist() for word in found] == [list(range(start, start + 6)) for start in (0, 6, 12)]
    assert len(typesetting.dips(np.full(9, 0.3), window=3, dip=0.0)) == 0
    assert typesetting.dips(np.array([0.9, 0.2, 0.2, 0.9]), window=3, dip=0.0).tolist() == [1]


def test_wrapped_lines_are_full() -> None:
    """All but the last; blanks come after the order."""
    assert wrap([2, 0, 1], columns=2).tolist() == [[2, 0], [1, -1]]
    assert ordering.default_columns(450) == 25
    assert ordering.default_columns(1) == 1
