"""Compare pictures of hidden units: averages weighted by drive or by activation, and the best
sequence."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from relatent.errors import InputError
from relatent.face_models.looks import detail
from relatent.rnn.hidden_units import favourites
from relatent.rnn.model import BLOCK_ROWS, RowRNN


@torch.inference_mode()
def by_activation(model: RowRNN, sequences: Tensor) -> Tensor:
    """Average sequences, weighted by the sigmoid of each unit's drive after them: (hidden, length,
    x).

    Parameters
    ----------
    sequences : (n, length, x), as `relatent.rnn.hidden_units.draw_sequences` gives them.
    """
    weighted = torch.zeros(model.n_hidden, sequences[0].numel(), dtype=torch.float64)
    weights = torch.zeros(model.n_hidden, dtype=torch.float64)
    for block in sequences.split(BLOCK_ROWS):
        activation = torch.sigmoid(model.drive(block))  # (batch, hidden)
        weighted += activation.T @ block.flatten(1)
        weights += activation.sum(0)
    return (weighted / weights[:, None]).float().reshape(-1, *sequences.shape[1:])


def compare(model: RowRNN, sequences: Tensor, *, lead_rows: int, blur_px: float) -> dict[str, float]:
    """Measure the detail of the average and of the best sequence, and the contrast of averages by
    either weight.

    Parameters
    ----------
    sequences : as in `by_activation`.
    lead_rows : int, blank rows at the start of each sequence, left out here.
    blur_px : of `relatent.face_models.looks.detail`.

    Returns
    -------
    dict
        `average_detail`, `best_detail`: detail of pictures scaled to a maximum of 1;
        `drive_contrast`, `activation_contrast`: standard deviation over pixels. Means over the
        units that any sequence drives, and their standard errors as `..._se`; `n_units`.

    Raises
    ------
    InputError
        When the sequences drive fewer than two units: there is no standard error.
    """
    average, best = favourites(model, sequences)
    driven = average.flatten(1).amax(1) > 0
    if driven.sum() < 2:
        raise InputError(f"the sequences drive {driven.sum()} of {len(driven)} hidden units, at least 2 are needed")
    pictures = {
        "average": average,
        "best": best,
        "drive": average,
        "activation": by_activation(model, sequences),
    }
    shown = {name: tensor[driven, lead_rows:].numpy() for name, tensor in pictures.items()}
    values = {f"{name}_detail": detail(_to_one(shown[name]), blur_px) for name in ("average", "best")}
    values |= {f"{name}_contrast": shown[name].std(axis=(1, 2)) for name in ("drive", "activation")}
    found: dict[str, float] = {}
    for name, of_units in values.items():
        found |= {name: float(of_units.mean()), f"{name}_se": float(of_units.std(ddof=1) / np.sqrt(len(of_units)))}
    return found | {"n_units": int(driven.sum())}


def _to_one(pictures: np.ndarray) -> np.ndarray:
    return pictures / np.maximum(pictures.max(axis=(1, 2), keepdims=True), 1e-12)
