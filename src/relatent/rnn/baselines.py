"""Predict the next row simply: by the mean row, the last row, or a regression on the last two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from relatent.errors import InputError
from relatent.networks.recipe import Journal, Recipe
from relatent.networks.schedules import one_cycle
from relatent.networks.training import fit
from relatent.rnn.model import row_cost

# tried for the copied row; the best on validation
SMOOTHING = (0.003, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15)
PSEUDO_COUNT = 0.5  # of white and of black in the mean row: a pixel that was never inked may be


@dataclass(frozen=True)
class Contexts:
    """All rows but the first of each sequence, with the two rows above, flat.

    Attributes
    ----------
    target, last, before : float32 (n, width_px); `before` is blank where there is only one row
        above.
    position : int64 (n,), of the target in its sequence, from 1.
    """

    target: Tensor
    last: Tensor
    before: Tensor
    position: Tensor

    @classmethod
    def of(cls, sequences: Sequence[Tensor]) -> Contexts:
        """From sequences (length, width_px) of at least two rows in all; shorter ones hold no next
        row."""
        kept = [rows for rows in sequences if len(rows) > 1]
        if not kept:
            raise InputError("no sequence has a second row: there is no next row to predict")
        blank = torch.zeros(1, kept[0].shape[1])
        return cls(
            target=torch.cat([rows[1:] for rows in kept]),
            last=torch.cat([rows[:-1] for rows in kept]),
            before=torch.cat([part for rows in kept for part in (blank, rows[:-2])]),
            position=torch.cat([torch.arange(1, len(rows)) for rows in kept]),
        )


def bernoulli_cross_entropy(target: Tensor, probability: Tensor) -> float:
    """Return the mean of -x log p - (1 - x) log(1 - p) over all pixels, in nats; targets may be
    grey.

    Examples
    --------
    >>> round(bernoulli_cross_entropy(torch.tensor([1.0, 0.5]), torch.tensor([0.5, 0.5])), 4)
    0.6931
    """
    return float(nn.functional.binary_cross_entropy(probability, target, reduction="none").double().mean())


def mean_row(train: Contexts, test: Contexts) -> float:
    """Return the cross-entropy per pixel of the training rows' mean at the same position; positions
    without training rows take the mean of all."""
    longest = int(max(train.position.max(), test.position.max())) + 1
    width = train.target.shape[1]
    sums = torch.zeros(longest, width, dtype=torch.float64).index_add_(0, train.position, train.target.double())
    counts = torch.bincount(train.position, minlength=longest).double()
    sums[counts == 0], counts[counts == 0] = sums.sum(0), counts.sum()
    means = (sums + PSEUDO_COUNT) / (counts + 2 * PSEUDO_COUNT)[:, None]
    return bernoulli_cross_entropy(test.target, means.float()[test.position])


def copy_last(validation: Contexts, test: Contexts) -> tuple[float, float]:
    """Return the cross-entropy per pixel of the repeated last row, p = s + (1 - 2 s) x, and s, best
    on validation."""
    found = {s: bernoulli_cross_entropy(validation.target, _smoothed(validation.last, s)) for s in SMOOTHING}
    best = min(found, key=lambda s: found[s])
    return bernoulli_cross_entropy(test.target, _smoothed(test.last, best)), best


def _smoothed(rows: Tensor, share: float) -> Tensor:
    return share + (1 - 2 * share) * rows


def logistic(
    train: Contexts, test: Contexts, *, epochs: int, batch_size: int, learning_rate: float, generator: torch.Generator
) -> float:
    """Return the cross-entropy per pixel of a logistic regression of each pixel on the last two
    rows.

    Parameters
    ----------
    epochs, batch_size, learning_rate : passes, rows, and the peak of a one-cycle schedule, Adam.
    generator : draws the order; the weights start at zero, since the problem is convex.
    """
    width = train.target.shape[1]
    model = nn.Linear(2 * width, width)
    for parameter in model.parameters():
        nn.init.zeros_(parameter)

    def loss_parts(rows: Tensor, draws: torch.Generator) -> dict[str, Tensor]:
        seen = torch.cat([train.before[rows], train.last[rows]], dim=1)  # (batch, 2 width)
        return {"cross_entropy": row_cost(model(seen), train.target[rows]).mean(1)}

    count = len(train.target)
    schedule = one_cycle(total_steps=epochs * -(-count // batch_size))
    fit(
        model, torch.optim.Adam(model.parameters(), lr=learning_rate, fused=True), loss_parts,
        train_rows=torch.arange(count), generator=generator, journal=Journal(name="logistic regression"),
        recipe=Recipe(epochs=epochs, batch_size=batch_size, schedule=schedule),
    )  # fmt: skip
    with torch.inference_mode():
        logits = model(torch.cat([test.before, test.last], dim=1))
        return float(row_cost(logits, test.target).double().mean())


# --- completed digits -----------------------------------------------------------------------------


def nearest_by_top(tops: np.ndarray, training_tops: np.ndarray, *, block: int = 1000) -> np.ndarray:
    """Find the training image with the nearest top rows for each image, by squared distance.

    Parameters
    ----------
    tops, training_tops : uint8 (n, rows, x), (m, rows, x).
    block : images compared at once.

    Returns
    -------
    int64 (n,)
        Row numbers; of equally near ones the first.
    """
    if tops.shape[1:] != training_tops.shape[1:]:
        raise InputError(f"tops must be of one size, got {tops.shape[1:]} and {training_tops.shape[1:]}")
    database = torch.from_numpy(training_tops).flatten(1).float() / 255  # (m, pixels)
    squares = database.square().sum(1)
    found = []
    for queries in torch.from_numpy(tops).flatten(1).split(block):
        found.append((squares - 2 * (queries.float() / 255) @ database.T).argmin(1))
    return torch.cat(found).numpy()
