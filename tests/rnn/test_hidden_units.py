"""What hidden units like to see."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from relatent.errors import InputError
from relatent.rnn import hidden_units
from tests.rnn.bars import bars


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
