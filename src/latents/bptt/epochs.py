"""Run epochs of `train_bptt` with validation, history and exact resume."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from latents.bptt import train_bptt
from latents.errors import InputError
from latents.networks.checkpoints import Keeper
from latents.networks.probes import Probe, watched
from latents.networks.training import Fitted

log = logging.getLogger(__name__)

Cost = Callable[[Tensor, Tensor], Tensor]


def train_epochs(
    decoder: nn.Module,
    targets: Sequence[Tensor],
    *,
    cost: Cost,
    validate: Callable[[int | None], float],
    contexts: Callable[[torch.Generator], Sequence[Tensor]] | None = None,
    feedback: Callable[[Tensor], Tensor] | Literal["teacher"] = "teacher",
    visible_seed: Tensor,
    hidden_seed: Tensor,
    epochs: int,
    batch_size: int,
    bptt: int,
    learning_rate: float,
    rate_decay: float = 0.0,
    generator: torch.Generator,
    checkpoint: Path | None = None,
    probe: Probe | None = None,
    name: str = "training",
) -> Fitted:
    """Train a decoder in place with Adagrad, each epoch in a new random order.

    Parameters
    ----------
    decoder, targets, cost, visible_seed, hidden_seed, batch_size, bptt : as
        `latents.bptt.train_bptt` takes them.
    contexts : function that draws the contexts of an epoch; None if the decoder has no context.
    feedback : what the decoder sees at the next step, see `train_bptt`.
    validate : function of a number of sequences (None for all) that returns the validation
        cross-entropy; called in eval mode after each epoch.
    learning_rate, rate_decay : after k steps, Adagrad's rate is learning_rate / (1 + k rate_decay).
    generator : CPU generator that draws the order of the sequences.
    checkpoint : written after each epoch; training resumes from it if its digest fits.
    probe : receives digests of the first steps, see `latents.networks.probes`; it changes no
        result.

    Returns
    -------
    Fitted
        One row per epoch: `train_cross_entropy` (mean of the losses during the epoch) and
        `validation_cross_entropy`.

    Raises
    ------
    InputError
        If a sequence has length 0, there are more slots than sequences can fill, or a loss is not
        finite.
    """
    if epochs < 1 or any(len(target) == 0 for target in targets):
        short = sum(len(target) == 0 for target in targets)
        raise InputError(
            f"training needs at least one epoch and no empty sequence, got {epochs} epochs and {short} empty sequences"
        )
    optimizer = torch.optim.Adagrad(decoder.parameters(), lr=learning_rate, lr_decay=rate_decay)
    keeper = Keeper(checkpoint, decoder, optimizer, generator, probe=probe)
    fitted = Fitted()
    if kept := keeper.resume():
        fitted = Fitted(**kept.record)
    with (
        watched(probe, decoder, optimizer, generator, validate=lambda: validate(batch_size)),
        tqdm(total=epochs, initial=len(fitted.history), desc=name, unit="epoch", disable=None) as bar,
    ):
        for epoch in range(len(fitted.history) + 1, epochs + 1):
            began = time.perf_counter()
            drawn = contexts(generator) if contexts else None
            losses = train_bptt(
                decoder.train(), drawn, targets, visible_seed, hidden_seed, optimizer, batch_size, bptt, cost,
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
            log.info("%s: epoch %d of %d: %s", name, epoch, epochs, row)
            bar.update()
            keeper.save(vars(fitted), {})
    return fitted
