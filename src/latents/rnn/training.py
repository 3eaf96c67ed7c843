"""Training a row-RNN by truncated backpropagation through time, its sequences swapped and never padded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from latents.bptt.epochs import train_epochs
from latents.errors import InputError
from latents.networks.probes import Probe
from latents.networks.training import Fitted
from latents.rnn.model import RowRNN, architecture, build, known_rows, next_row_cross_entropy, row_cost


def train(
    sequences: Sequence[Tensor],
    validation: Sequence[Tensor],
    *,
    cell: str,
    tied: bool,
    hidden: int,
    epochs: int,
    batch_size: int,
    bptt: int,
    learning_rate: float,
    rate_decay: float = 0.0,
    own_share: float = 0.0,
    generator: torch.Generator,
    device: str = "cpu",
    checkpoint: Path | None = None,
    probe: Probe | None = None,
    name: str = "row-RNN",
) -> tuple[RowRNN, dict[str, Any], Fitted]:
    """Train a network to predict each row of its sequences, the first from a blank row, with Adagrad.

    Parameters
    ----------
    sequences, validation : float32 (length, width_px) each, in [0, 1].
    cell, tied, hidden : see `latents.rnn.model.RowRNN`.
    batch_size, bptt : sequences at once, and rows between two steps of the optimizer.
    learning_rate, rate_decay : see `latents.bptt.epochs.train_epochs`.
    own_share : share of the sequences of an epoch that go on from the network's own predictions, see
        `latents.rnn.model.known_rows`; 0 is teacher forcing throughout, as the notes do.
    generator : draws weights and order; on the CPU.
    checkpoint : written each epoch, resumed from; its name says what it belongs to.
    probe : of the training, see `latents.networks.probes`.

    Returns
    -------
    model, architecture, history
        The model in eval mode on the CPU, what `build` needs, and nats a pixel, all rows in training, all but the
        first in validation.

    Raises
    ------
    InputError
        When sequences are empty or of different widths.
    """
    widths = {rows.shape[-1] for part in (sequences, validation) for rows in part}
    if len(widths) != 1:
        raise InputError(f"all sequences must have rows of one width, got {sorted(widths) or 'no sequence'}")
    shape = architecture(width_px=widths.pop(), hidden=hidden, cell=cell, tied=tied)
    model = build(shape, generator=generator).to(device)
    seen, watched = ([rows.to(device) for rows in part] for part in (sequences, validation))
    own: dict[str, Any] = {}
    if own_share > 0:
        own["contexts"] = lambda draws: known_rows(seen, own_share=own_share, generator=draws)
        own["feedback"] = torch.sigmoid
    fitted = train_epochs(
        model,
        seen,
        cost=row_cost,
        validate=lambda count: next_row_cross_entropy(model, watched[:count]),
        visible_seed=model.visible_seed,
        hidden_seed=model.hidden_seed,
        epochs=epochs,
        batch_size=batch_size,
        bptt=bptt,
        learning_rate=learning_rate,
        rate_decay=rate_decay,
        generator=generator,
        checkpoint=checkpoint,
        probe=probe,
        name=name,
        **own,
    )
    return model.cpu().eval(), shape, fitted
