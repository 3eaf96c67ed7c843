"""Pictures of hidden units by either weight."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from relatent.errors import InputError
from relatent.rnn import unit_weights
from relatent.rnn.model import RowRNN


def test_weights_of_the_average_are_compared_on_the_same_sequences() -> None:
    """By hand: two sequences, a unit whose drive they set apart."""
    model = RowRNN(width_px=2, hidden=12, cell="rnn", tied=False)
    sequences = torch.rand(40, 4, 2, generator=torch.Generator().manual_seed(0))
    average = unit_weights.by_activation(model, sequences)
    weights = torch.sigmoid(model.drive(sequences)).detach().numpy()  # (40, 12)
    expected = np.einsum("nh,ntx->htx", weights, sequences.numpy()) / weights.sum(0)[:, None, None]
    np.testing.assert_allclose(average.numpy(), expected, rtol=1e-4)
    found = unit_weights.compare(model, sequences, lead_rows=1, blur_px=0.5)
    assert found["best_detail"] > found["average_detail"]
    assert 2 <= found["n_units"] <= 12
    with torch.no_grad():
        for value in model.parameters():
            value.zero_()
    with pytest.raises(InputError, match="drive 0 of 12 hidden units"):
        unit_weights.compare(model, sequences, lead_rows=1, blur_px=0.5)
