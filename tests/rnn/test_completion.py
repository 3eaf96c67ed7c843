"""Completions of digits from their top rows."""

from __future__ import annotations

import numpy as np
import pytest

from relatent.errors import InputError
from relatent.rnn import completion
from relatent.rnn import model as rnn
from tests.rnn.bars import bars


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
