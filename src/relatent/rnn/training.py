"""Train a row-RNN by truncated backpropagation through time, with ended sequences swapped for the
next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from relatent.bptt.epochs import Steps, train_epochs
from relatent.errors import InputError
from relatent.networks.recipe import Journal
from relatent.networks.training import NOWHERE, Fitted
from relatent.rnn.model import RowRNN, architecture, build, known_rows, next_row_cross_entropy, row_cost


@dataclass(frozen=True, kw_only=True)
class Options(Steps):
    """What a row-RNN is and how it is trained.

    Attributes
    ----------
    cell, tied, hidden : see `relatent.rnn.model.RowRNN`.
    own_share : float in [0, 1], default 0, share of the sequences of an epoch that continue from
    the
        network's own predictions, see `relatent.rnn.model.known_rows`; 0 is teacher forcing
        throughout, as the notes do.
    """

    cell: str
    tied: bool
    hidden: int
    own_share: float = 0.0


def train(
    sequences: Sequence[Tensor],
    validation: Sequence[Tensor],
    options: Options,
    *,
    generator: torch.Generator,
    device: str = "cpu",
    journal: Journal = NOWHERE,
) -> tuple[RowRNN, dict[str, Any], Fitted]:
    """Train a network to predict each row of its sequences, the first from a blank row, with
    Adagrad.

    Parameters
    ----------
    sequences, validation : float32 (length, width_px) each, in [0, 1].
    options : the network and its training.
    generator : draws weights and order; on the CPU.
    device : str, default "cpu".
    journal : checkpoint, probe and name, see `relatent.networks.recipe.Journal`; default: none.

    Returns
    -------
    model, architecture, history
        The model in eval mode on the CPU, the input of `build`, and nats per pixel, all rows in
        training, all but the first in validation.

    Raises
    ------
    InputError
        When sequences are empty or of different widths.
    """
    widths = {rows.shape[-1] for part in (sequences, validation) for rows in part}
    if len(widths) != 1:
        raise InputError(f"all sequences must have rows of one width, got {sorted(widths) or 'no sequence'}")
    shape = architecture(width_px=widths.pop(), hidden=options.hidden, cell=options.cell, tied=options.tied)
    model = build(shape, generator=generator).to(device)
    seen, watched = ([rows.to(device) for rows in part] for part in (sequences, validation))
    own: dict[str, Any] = {}
    if options.own_share > 0:
        own["contexts"] = lambda draws: known_rows(seen, own_share=options.own_share, generator=draws)
        own["feedback"] = torch.sigmoid
    fitted = train_epochs(
        model,
        seen,
        options,
        cost=row_cost,
        validate=lambda count: next_row_cross_entropy(model, watched[:count]),
        generator=generator,
        journal=replace(journal, name=journal.name or "row-RNN"),
        **own,
    )
    return model.cpu().eval(), shape, fitted
