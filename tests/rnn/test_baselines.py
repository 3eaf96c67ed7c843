"""What a predictor of the next row has to beat."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from relatent.errors import InputError
from relatent.rnn import baselines as rb

OPTIONS = {"epochs": 3, "batch_size": 50, "learning_rate": 0.05}


def contexts(*sequences: list[list[float]]) -> rb.Contexts:
    return rb.Contexts.of([torch.tensor(rows) for rows in sequences])


def test_contexts_are_every_row_with_the_two_above_it() -> None:
    """A sequence of three rows has two, one of one row has none; above the second stands a blank
    one."""
    found = contexts([[1.0], [2.0], [3.0]], [[4.0]], [[5.0], [6.0]])
    assert found.target.flatten().tolist() == [2, 3, 6]
    assert found.last.flatten().tolist() == [1, 2, 5]
    assert found.before.flatten().tolist() == [0, 1, 0]
    assert found.position.tolist() == [1, 2, 1]


def test_the_mean_row_is_the_training_mean_at_its_position() -> None:
    """(1 + 0 + 1 + half) / (3 + 1) at position 1; position 2 was never seen: the mean of all."""
    train = contexts(*[[[0.0], [x]] for x in (1.0, 0.0, 1.0)])
    p = 2.5 / 4
    assert rb.mean_row(train, contexts([[0.0], [1.0]])) == pytest.approx(-np.log(p))
    found = rb.mean_row(train, contexts([[0.0], [1.0], [0.0]]))
    assert found == pytest.approx(-(np.log(p) + np.log(1 - p)) / 2)


def test_the_copied_row_is_smoothed_as_validation_likes_best() -> None:
    """Rows that repeat nine times in ten: the best of the tried shares is a tenth."""
    repeats = [[[1.0], [1.0 if number else 0.0]] for number in range(10)]
    value, share = rb.copy_last(contexts(*repeats), contexts([[1.0], [1.0]]))
    assert share == 0.1
    assert value == pytest.approx(-np.log(0.9), rel=1e-5)


def test_the_regression_sees_two_rows_and_no_more() -> None:
    """A row that is the exclusive choice of the last two: learnt, if it depends on one of them; no
    better than chance by three rows back."""
    rng = np.random.default_rng(0)
    bits = rng.integers(2, size=(400, 12, 1)).astype(np.float32)
    two, three = bits.copy(), bits.copy()
    for t in range(3, 12):
        two[:, t], three[:, t] = two[:, t - 2], three[:, t - 3]
    found = [
        rb.logistic(
            *[rb.Contexts.of(list(torch.from_numpy(rows[part]))) for part in (slice(300), slice(300, 400))],
            generator=torch.Generator().manual_seed(0), **OPTIONS | {"epochs": 20},
        )
        for rows in (two, three)
    ]  # fmt: skip
    assert found[0] < 0.35
    assert found[1] > 0.6


def test_the_nearest_is_found_by_the_top_alone_whatever_the_block() -> None:
    """The brute-force squared distance of all pairs."""
    rng = np.random.default_rng(0)
    queries, database = (rng.integers(256, size=(n, 4, 5)).astype(np.uint8) for n in (30, 50))
    distance = np.square(queries[:, None].astype(float) - database[None]).sum((2, 3))
    for block in (7, 1000):
        np.testing.assert_array_equal(rb.nearest_by_top(queries, database, block=block), distance.argmin(1))
    with pytest.raises(InputError, match="of one size"):
        rb.nearest_by_top(queries, database[:, :3])
