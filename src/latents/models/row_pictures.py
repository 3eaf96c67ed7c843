"""What a row-RNN has learnt, as pictures and numbers: completed digits, and what its hidden units like to see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from latents.errors import InputError
from latents.models.rnn import BLOCK_ROWS, RowRNN, roll

Probabilities = Callable[[np.ndarray], np.ndarray]  # pictures (n, y, x) in [0, 1] -> P(class | picture) (n, classes)


def grey(images: np.ndarray) -> Tensor:
    """uint8 images as float32 in [0, 1]."""
    return torch.from_numpy(images).float() / 255


def complete(
    model: RowRNN,
    images: np.ndarray,
    *,
    seen_rows: int,
    sharpness: float = 1.0,
    generator: torch.Generator | None = None,
) -> np.ndarray:
    """Keep the top rows of images and predict the others, each from those above it.

    Parameters
    ----------
    images : uint8 (n, y, x); what stands below the top rows is not looked at.
    seen_rows : how many rows are kept, at least one.
    sharpness, generator : see `latents.models.rnn.roll`; with a generator, each call gives other completions.

    Returns
    -------
    float32 (n, y, x)
        In [0, 1].
    """
    count = images.shape[1] - seen_rows
    if not 1 <= seen_rows < images.shape[1]:
        raise InputError(f"of {images.shape[1]} rows 1 to {images.shape[1] - 1} can be seen, got {seen_rows}")
    blocks = grey(images[:, :seen_rows]).split(BLOCK_ROWS)
    added = (roll(model, top, count=count, sharpness=sharpness, generator=generator) for top in blocks)
    parts = [torch.cat([top, below], dim=1) for top, below in zip(blocks, added, strict=True)]
    return torch.cat(parts).numpy()


def blanked(images: np.ndarray, *, seen_rows: int) -> np.ndarray:
    """The half alone: top rows kept, the rest blank; float32 in [0, 1]."""
    half = grey(images).numpy()
    half[:, seen_rows:] = 0
    return half


@dataclass(frozen=True)
class Sampled:
    """What a classifier sees in several completions of each of n digits.

    Attributes
    ----------
    mean : float64 (n, classes), its probabilities averaged over the completions.
    share_right : float64 (n,), the share of the completions that it sees as the digit's own class.
    """

    mean: np.ndarray
    share_right: np.ndarray

    @property
    def entropy(self) -> np.ndarray:
        """Entropy in bits of the averaged probabilities, (n,): how ambiguous the seen half is to the network."""
        chances = np.maximum(self.mean, 1e-12)
        return -(chances * np.log2(chances)).sum(1)


def sampled_classes(
    model: RowRNN,
    images: np.ndarray,
    labels: np.ndarray,
    *,
    seen_rows: int,
    samples: int,
    probabilities: Probabilities,
    generator: torch.Generator,
) -> Sampled:
    """Complete each digit several times by sampling rows, and ask a classifier what it sees.

    Parameters
    ----------
    labels : int (n,).
    samples : completions a digit.
    probabilities : the classifier.
    """
    total, right = np.zeros(1), np.zeros(len(images))
    for _ in range(samples):
        chances = probabilities(complete(model, images, seen_rows=seen_rows, generator=generator)).astype(np.float64)
        total = total + chances
        right += chances.argmax(1) == labels
    return Sampled(total / samples, right / samples)


def separation(scores: np.ndarray, positive: np.ndarray) -> float:
    """Chance that a positive item scores above a negative one, ties half (the area under the ROC curve); nan if one
    kind is missing.

    Examples
    --------
    >>> separation(np.array([0.1, 0.4, 0.9]), np.array([False, False, True]))
    1.0
    """
    from scipy.stats import rankdata

    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    if n_positive == 0 or n_negative == 0:
        return float("nan")
    ranks = rankdata(scores)[positive].sum()
    return float((ranks - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))


# --- hidden units (notes of 2016-08-05) -----------------------------------------------------------------------------


def draw_sequences(images: np.ndarray, *, length: int, lead_rows: int = 0, generator: torch.Generator) -> Tensor:
    """From each image `length` rows that begin at a row drawn from 0 to y - length, after `lead_rows` blank ones:
    float32 (n, lead_rows + length, x)."""
    n, height, _ = images.shape
    if not 1 <= length <= height:
        raise InputError(f"sequences of images of {height} rows have 1 to {height}, got {length}")
    first = torch.randint(height - length + 1, (n, 1), generator=generator)
    rows = first + torch.arange(length)  # (n, length)
    return pad(grey(images)[torch.arange(n)[:, None], rows], (0, 0, lead_rows, 0))


@torch.inference_mode()
def favourites(model: RowRNN, sequences: Tensor) -> tuple[Tensor, Tensor]:
    """What each hidden unit likes to see.

    Parameters
    ----------
    sequences : (n, length, x), as `draw_sequences` gives them.

    Returns
    -------
    average, best
        (hidden, length, x) each. The average over all sequences, weighted by the unit's drive after them, floored at
        0 (a unit that none drives: zeros); and the one sequence that drives it most.
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
    """Below each unit's sequence the rows that the network expects next: float32 (hidden, length + count, x)."""
    return torch.cat([rows, roll(model, rows, count=count)], dim=1).numpy()


def as_digits(pictures: np.ndarray, side_px: int) -> np.ndarray:
    """Pictures laid on a blank square as MNIST's digits are: brightest pixel 1, centre of mass in the middle.

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
