"""A classifier and a row-RNN trained on bars."""

from __future__ import annotations

import pytest
import torch

from relatent.digits import classifier as dc
from relatent.rnn import model as rnn
from tests.rnn.bars import bars
from tests.support.flat import flat


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
    from relatent.rnn import training as row_training

    model, _, _ = flat(row_training.train)(
        rnn.row_sequences(bars(300)[0]), rnn.row_sequences(bars(50, 1)[0]), cell="rnn", tied=True, hidden=32, epochs=6,
        batch_size=10, bptt=16, learning_rate=0.05, generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    return model
