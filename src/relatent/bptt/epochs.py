"""Run epochs of `train_bptt` with validation, history and exact resume."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from relatent.bptt import train_bptt
from relatent.errors import InputError
from relatent.networks.checkpoints import Keeper
from relatent.networks.recipe import Journal
from relatent.networks.training import Fitted
from relatent.networks.watching import watched

log = logging.getLogger(__name__)

Cost = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class Steps:
    """How long and how fast a decoder is trained by `train_bptt`, with Adagrad.

    Attributes
    ----------
    epochs : int, passes over the sequences.
    batch_size, bptt : int, sequences at once, and positions between two steps of the optimizer.
    learning_rate, rate_decay : float, default of the second 0; after k steps the rate is
        learning_rate / (1 + k rate_decay).
    """

    epochs: int
    batch_size: int
    bptt: int
    learning_rate: float
    rate_decay: float = 0.0


def train_epochs(
    decoder: nn.Module,
    targets: Sequence[Tensor],
    steps: Steps,
    *,
    cost: Cost,
    validate: Callable[[int | None], float],
    contexts: Callable[[torch.Generator], Sequence[Tensor]] | None = None,
    feedback: Callable[[Tensor], Tensor] | Literal["teacher"] = "teacher",
    generator: torch.Generator,
    journal: Journal,
) -> Fitted:
    """Train a decoder in place, each epoch in a new order.

    Parameters
    ----------
    decoder : with `visible_seed` and `hidden_seed`, what stands before the first position of a
        sequence.
    targets, cost, feedback : as `relatent.bptt.train_bptt` takes them.
    steps : epochs, sizes and rate.
    validate : count of sequences, None for all -> validation cross-entropy; called in eval mode
        after each epoch.
    contexts : draws the contexts of an epoch; None, the default: there are none.
    generator : draws the order of the sequences; on the CPU.
    journal : checkpoint, probe and name, see `relatent.networks.recipe.Journal`.

    Returns
    -------
    Fitted
        A row per epoch: `train_cross_entropy` (mean of the steps' losses as they were),
        `validation_cross_entropy`.

    Raises
    ------
    InputError
        If a sequence has length 0, there are more slots than sequences can fill, or a loss is not
        finite.
    """
    seeds = decoder.get_buffer("visible_seed"), decoder.get_buffer("hidden_seed")
    epochs, batch_size, bptt = steps.epochs, steps.batch_size, steps.bptt
    if epochs < 1 or any(len(target) == 0 for target in targets):
        short = sum(len(target) == 0 for target in targets)
        raise InputError(f"training needs at least one epoch and no empty sequence, got {epochs}, and {short} empty")
    optimizer = torch.optim.Adagrad(decoder.parameters(), lr=steps.learning_rate, lr_decay=steps.rate_decay)
    keeper = Keeper(journal.checkpoint, decoder, optimizer, generator, probe=journal.probe)
    fitted = Fitted()
    if kept := keeper.resume():
        fitted = Fitted(**kept.record)
    with (
        watched(journal.probe, decoder, optimizer, generator, validate=lambda: validate(batch_size)),
        tqdm(total=epochs, initial=len(fitted.history), desc=journal.name, unit="epoch", disable=None) as bar,
    ):
        for epoch in range(len(fitted.history) + 1, epochs + 1):
            began = time.perf_counter()
            drawn = contexts(generator) if contexts else None
            losses = train_bptt(
                decoder.train(), drawn, targets, *seeds, optimizer, batch_size, bptt, cost,
                feedback=feedback, generator=generator,
            )  # fmt: skip
            decoder.eval()
            row = {
                "epoch": epoch,
                "train_cross_entropy": float(np.mean(losses)),
                "validation_cross_entropy": validate(None),
            }
            fitted.history.append(row)
            fitted.seconds_per_epoch.append(time.perf_counter() - began)
            log.info("%s: epoch %d of %d: %s", journal.name, epoch, epochs, row)
            bar.update()
            keeper.save(vars(fitted), {})
    return fitted
