"""Picture the sequences to which hidden units of a row-RNN respond."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from relatent.errors import InputError
from relatent.rnn.completion import grey
from relatent.rnn.model import BLOCK_ROWS, RowRNN, roll


def draw_sequences(images: np.ndarray, *, length: int, lead_rows: int = 0, generator: torch.Generator) -> Tensor:
    """Draw `length` rows of each image, from a row drawn from 0 to y - length on, and put
    `lead_rows` blank ones before: float32 (n, lead_rows + length, x)."""
    n, height, _ = images.shape
    if not 1 <= length <= height:
        raise InputError(f"sequences of images of {height} rows have 1 to {height}, got {length}")
    first = torch.randint(height - length + 1, (n, 1), generator=generator)
    rows = first + torch.arange(length)  # (n, length)
    return pad(grey(images)[torch.arange(n)[:, None], rows], (0, 0, lead_rows, 0))


@torch.inference_mode()
def favourites(model: RowRNN, sequences: Tensor) -> tuple[Tensor, Tensor]:
    """Average the sequences that drive each hidden unit, and find the best one.

    Parameters
    ----------
    sequences : (n, length, x), as `draw_sequences` gives them.

    Returns
    -------
    average, best
        (hidden, length, x) each. The average over all sequences, weighted by the unit's drive after
        them, floored at 0 (a unit that none drives: zeros); and the one sequence that drives it
        most.
    """
    n, length, width = sequences.shape
    weighted = torch.zeros(model.n_hidden, length * width, dtype=torch.float64)
    weights = torch.zeros(model.n_hidden, dtype=torch.float64)
    highest = torch.full((model.n_hidden,), -torch.inf)
    best = torch.zeros(model.n_hidden, dtype=torch.int64)
    for start in range(0, n, BLOCK_ROWS):
        block = sequences[start : start + BLOCK_ROWS]
        drive = model.drive(block)  # (batch, hidden)
        floored = drive.clamp(min=0)
        weighted += floored.T @ block.flatten(1)
        weights += floored.sum(0)
        top, where = drive.max(0)
        best = torch.where(top > highest, where + start, best)
        highest = torch.maximum(top, highest)
    average = (weighted / weights.clamp(min=1e-12)[:, None]).float().reshape(-1, length, width)
    return average, sequences[best]


def with_expected(model: RowRNN, rows: Tensor, *, count: int) -> np.ndarray:
    """Append the rows that the network expects next to each unit's sequence: float32 (hidden,
    length + count, x)."""
    return torch.cat([rows, roll(model, rows, count=count)], dim=1).numpy()


def as_digits(pictures: np.ndarray, side_px: int) -> np.ndarray:
    """Lay pictures on a blank square like MNIST's digits: brightest pixel 1, centre of mass in the
    middle.

    Parameters
    ----------
    pictures : float (n, y, side_px), not negative, with at most side_px rows.

    Returns
    -------
    float32 (n, side_px, side_px)
        Moved by whole rows, as far as the picture stays inside; a blank picture stays blank.
    """
    n, height, _ = pictures.shape
    placed = np.zeros((n, side_px, side_px), np.float32)
    ink = pictures.sum(2, dtype=np.float64)  # (n, y)
    mass = np.maximum(ink.sum(1), 1e-12)
    centre = (ink * (np.arange(height) + 0.5)).sum(1) / mass
    first = np.clip(np.rint(side_px / 2 - centre), 0, side_px - height).astype(int)
    scaled = pictures / np.maximum(pictures.max((1, 2), keepdims=True), 1e-12)
    for number in range(n):
        placed[number, first[number] : first[number] + height] = scaled[number]
    return placed
