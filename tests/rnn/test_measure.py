"""What row-RNNs are measured against, their completions and their hidden units' pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from latents.digits import classifier as dc
from latents.errors import InputError
from latents.rnn import baselines as rb
from latents.rnn import completion, hidden_units
from latents.rnn import measure as row_evaluation
from latents.rnn import model as rnn
from tests.support.flat import flat

SIDE_PX = 16
OPTIONS = {"epochs": 3, "batch_size": 50, "learning_rate": 0.05}


def bars(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A vertical bar at one of ten places, slightly slanted: uint8 (count, 16, 16), its class (count,)."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(10, size=count).astype(np.uint8)
    images = np.zeros((count, SIDE_PX, SIDE_PX), np.uint8)
    for number, label in enumerate(labels):
        images[number, np.arange(2, 14), 3 + label] = rng.integers(150, 256)
    return images, labels


@pytest.fixture(scope="module")
def classifier() -> dc.DigitClassifier:
    images, labels = bars(400)
    held = bars(50, 1)
    model, _, _ = dc.train(
        images, labels, validation_images=held[0], validation_labels=held[1], epochs=6, batch_size=20,
        learning_rate=5e-3, shift_px=0, generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    return model


@pytest.fixture(scope="module")
def network() -> rnn.RowRNN:
    from latents.rnn import training as row_training

    model, _, _ = flat(row_training.train)(
        rnn.row_sequences(bars(300)[0]), rnn.row_sequences(bars(50, 1)[0]), cell="rnn", tied=True, hidden=32, epochs=6,
        batch_size=10, bptt=16, learning_rate=0.05, generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    return model


def contexts(*sequences: list[list[float]]) -> rb.Contexts:
    return rb.Contexts.of([torch.tensor(rows) for rows in sequences])


def test_contexts_are_every_row_with_the_two_above_it() -> None:
    """A sequence of three rows has two, one of one row has none; above the second stands a blank one."""
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
    """A row that is the exclusive choice of the last two: learnt, if it depends on one of them; no better than chance
    by three rows back."""
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


def test_a_completion_keeps_the_top_and_looks_at_nothing_else(network: rnn.RowRNN) -> None:
    """Other bottoms, the same completions."""
    images = bars(20, 2)[0]
    changed = images.copy()
    changed[:, 8:] = 255 - changed[:, 8:]
    completed = completion.complete(network, images, seen_rows=8)
    np.testing.assert_array_equal(completion.complete(network, changed, seen_rows=8), completed)
    np.testing.assert_allclose(completed[:, :8], images[:, :8] / 255, rtol=1e-6)
    assert completed.shape == images.shape
    for seen in (0, 16):
        with pytest.raises(InputError, match="of 16 rows 1 to 15"):
            completion.complete(network, images, seen_rows=seen)


def test_completions_of_bars_are_seen_rightly_and_what_is_counted_adds_up(network, classifier) -> None:
    """The network goes on with the bar; shares by class average to the whole; an example a class is ambiguous."""
    test = bars(200, 3)
    measured, arrays = row_evaluation.completions(
        network, bars(100, 4), test, seen_rows=8, samples=3, shown=2, shown_samples=4, classifier=classifier,
        generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    shares = [measured[f"completed_{digit}"] for digit in range(10)]
    sizes = np.bincount(test[1], minlength=10)
    assert measured["completed"] > 0.7
    assert measured["completed"] == pytest.approx(np.average(shares, weights=sizes))
    assert measured["completed"] == pytest.approx(np.mean(arrays["seen"] == test[1]))
    assert measured["sharpness"] in row_evaluation.SHARPNESS
    assert arrays["ambiguous_samples"].shape == (10, 4, SIDE_PX, SIDE_PX)
    for digit, number in enumerate(arrays["ambiguous"]):
        assert test[1][number] == digit
        assert arrays["entropy"][number] == arrays["entropy"][test[1] == digit].max()


def test_the_baselines_of_completion_are_those_of_their_pictures(classifier) -> None:
    """With all rows but one seen, a bar is seen as such; with one blank row seen, nothing is left of it."""
    train, test = bars(200), bars(100, 5)
    most = row_evaluation.completion_baselines(train, test, seen_rows=15, classifier=classifier)
    least = row_evaluation.completion_baselines(train, test, seen_rows=1, classifier=classifier)
    assert most["half_alone"] == most["nearest"] == most["whole"] > 0.9
    assert most["nearest_label"] == 1
    assert least["half_alone"] < 0.4
    assert least["nearest"] < 0.4


def test_sequences_begin_at_every_row_that_leaves_room() -> None:
    """Row numbers drawn from 0 to y - length, each sequence of neighbouring rows."""
    images = np.tile(np.arange(8, dtype=np.uint8)[:, None], (400, 1, 3))
    drawn = hidden_units.draw_sequences(images, length=5, generator=torch.Generator().manual_seed(0)) * 255
    assert set(drawn[:, 0, 0].round().int().tolist()) == {0, 1, 2, 3}
    assert torch.equal(drawn.diff(dim=1).round(), torch.ones(400, 4, 3))
    led = hidden_units.draw_sequences(images, length=5, lead_rows=2, generator=torch.Generator().manual_seed(0)) * 255
    assert torch.equal(led[:, 2:], drawn)
    assert led[:, :2].max() == 0
    with pytest.raises(InputError, match="1 to 8, got 9"):
        hidden_units.draw_sequences(images, length=9, generator=torch.Generator())


def test_favourites_are_the_weighted_mean_and_the_best(network, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against a slow loop over units; blocks of 7 change nothing."""
    sequences = hidden_units.draw_sequences(bars(60)[0], length=5, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        drive = network.drive(sequences).double()
    monkeypatch.setattr(hidden_units, "BLOCK_ROWS", 7)
    average, best = hidden_units.favourites(network, sequences)
    for unit in range(network.n_hidden):
        weight = drive[:, unit].clamp(min=0)
        if weight.sum() > 0:
            expected = (weight[:, None, None] * sequences).sum(0) / weight.sum()
            torch.testing.assert_close(average[unit].double(), expected, rtol=1e-3, atol=1e-5)
        torch.testing.assert_close(best[unit], sequences[drive[:, unit].argmax()])


def test_a_picture_is_laid_with_its_centre_of_mass_in_the_middle() -> None:
    """Ten rows, ink in the last two only: they end up round the middle; a blank one stays blank."""
    pictures = np.zeros((2, 10, 28), np.float32)
    pictures[0, 8:, 5] = 0.2
    placed = hidden_units.as_digits(pictures, 28)
    assert placed.shape == (2, 28, 28)
    assert np.flatnonzero(placed[0].sum(1)).tolist() == [13, 14]
    assert placed[0].max() == 1
    assert placed[1].max() == 0


def test_units_are_counted_once_each(network, classifier) -> None:
    """Ten counts that add up to the units, for both kinds of picture."""
    counts, arrays = row_evaluation.unit_pictures(
        network,
        bars(100)[0],
        rows=5,
        lead_rows=3,
        expected_rows=4,
        classifier=classifier,
        generator=torch.Generator().manual_seed(0),
    )
    for kind in ("average", "best"):
        assert sum(counts[f"{kind}_{digit}"] for digit in range(10)) == network.n_hidden
    assert arrays["pictures"].shape == arrays["best"].shape == (network.n_hidden, 9, SIDE_PX)


def test_row_baselines_are_all_finite_and_named() -> None:
    """On whole and on ragged rows."""
    parts = [bars(count, count)[0] for count in (100, 30, 40)]
    for inked in (False, True):
        found = row_evaluation.row_baselines(*parts, inked=inked, generator=torch.Generator().manual_seed(0), **OPTIONS)
        assert found.keys() == {"mean_row", "copy_last", "copy_last_smoothing", "logistic"}
        assert all(np.isfinite(value) for value in found.values())
        assert found["logistic"] < found["mean_row"]
