"""Complete digits with a row-RNN, and ask a classifier about several completions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from relatent.errors import InputError
from relatent.rnn.model import BLOCK_ROWS, RowRNN, roll

# pictures (n, y, x) in [0, 1] -> P(class | picture) (n, classes)
Probabilities = Callable[[np.ndarray], np.ndarray]


def grey(images: np.ndarray) -> Tensor:
    """Return uint8 images as float32 in [0, 1]."""
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
    images : uint8 (n, y, x); only their top rows are read.
    seen_rows : int, rows that are kept, at least one.
    sharpness, generator : see `relatent.rnn.model.roll`; with a generator, each call gives other
        completions.

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
    """Keep the top rows and blank the rest; float32 in [0, 1]."""
    half = grey(images).numpy()
    half[:, seen_rows:] = 0
    return half


@dataclass(frozen=True)
class Sampled:
    """A classifier's results on several completions of each of n digits.

    Attributes
    ----------
    mean : float64 (n, classes), its probabilities averaged over the completions.
    share_right : float64 (n,), the share of the completions that it assigns to the digit's own
        class.
    """

    mean: np.ndarray
    share_right: np.ndarray

    @property
    def entropy(self) -> np.ndarray:
        """Return the entropy in bits of the averaged probabilities, (n,): the ambiguity of the seen
        half."""
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
    """Complete each digit several times by sampling rows, and classify the completions.

    Parameters
    ----------
    labels : int (n,).
    samples : int, completions per digit.
    probabilities : the classifier.
    """
    total, right = np.zeros(1), np.zeros(len(images))
    for _ in range(samples):
        chances = probabilities(complete(model, images, seen_rows=seen_rows, generator=generator)).astype(np.float64)
        total = total + chances
        right += chances.argmax(1) == labels
    return Sampled(total / samples, right / samples)
