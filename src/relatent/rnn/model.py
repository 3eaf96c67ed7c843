"""A recurrent network that reads an image row by row and predicts the next row (notes of
2016-06-16).

The notes have sigmoid units with the first state 0. Here they are tanh units, so that torch's own
fast layer can be used; the functions are the same. By sigmoid(2 a) = (1 + tanh(a)) / 2 a tanh unit
is a sigmoid unit with other weights and the first state -1; output weights stay tied, and the
pre-activation keeps its sign.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, linear

from relatent.bptt import RecurrentDecoder
from relatent.errors import InputError
from relatent.networks.initialisation import restored

CELLS: dict[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "gru": nn.GRU}
RESET = {"rnn": -1.0, "gru": 0.0}  # the state before the first row
BLOCK_ROWS = 2000  # sequences run at once where nothing is trained


class RowRNN(RecurrentDecoder):
    """A predictor of the next row, as logits per pixel, from the rows so far.

    Parameters
    ----------
    width_px : pixels of a row.
    hidden : hidden units.
    cell : "rnn" (the notes') or "gru".
    tied : bool, whether the output weights are the transposed input weights, of a GRU those of its
        new state.
    """

    def __init__(self, *, width_px: int, hidden: int, cell: str, tied: bool) -> None:
        super().__init__(CELLS[cell](width_px, hidden))
        self.bias = nn.Parameter(torch.zeros(width_px))
        self.weight = None if tied else nn.Parameter(torch.zeros(width_px, hidden))
        self.register_buffer("hidden_seed", torch.full((1, hidden), RESET[cell]), persistent=False)
        self.register_buffer("visible_seed", torch.zeros(width_px), persistent=False)  # a blank row
        self.hidden_seed: Tensor
        self.visible_seed: Tensor

    @property
    def width_px(self) -> int:
        """Pixels of a row."""
        return len(self.bias)

    @property
    def n_hidden(self) -> int:
        """Hidden units."""
        return int(self.rnn.hidden_size)

    def embed(self, visible: Tensor, context: Tensor) -> Tensor:
        """Return the rows to read: `visible`, or the known ones of `context` where there is one
        (see `known_rows`)."""
        if context.shape[-1] == 0:
            return visible
        return torch.where(context[..., -1:] > 0, context[..., :-1], visible)

    def readout(self, outputs: Tensor) -> Tensor:
        """Return logits of the next row, (..., hidden) -> (..., width_px)."""
        weight = self.rnn.get_parameter("weight_ih_l0")[-self.n_hidden :].T if self.weight is None else self.weight
        return linear(outputs, weight, self.bias)

    def start(self, batch: int) -> Tensor:
        """Return the state before the first row: (1, batch, hidden)."""
        return self.hidden_seed[:, None].expand(1, batch, -1).contiguous()

    def begun(self, rows: Tensor) -> Tensor:
        """Put a blank row before rows (batch, length, width_px): (length + 1, batch, width_px)."""
        return torch.cat([self.visible_seed.expand(1, len(rows), -1), rows.transpose(0, 1)])

    def drive(self, rows: Tensor) -> Tensor:
        """Return the drive of each hidden unit by a sequence: (batch, length, width_px) -> (batch,
        hidden).

        The pre-activation after the last row; of a GRU, which has three, the state itself.
        """
        seen = self.begun(rows)
        if isinstance(self.rnn, nn.GRU):
            return self.rnn(seen, self.start(len(rows)))[1][0]
        state = self.rnn(seen[:-1], self.start(len(rows)))[1]
        own = dict(self.rnn.named_parameters())
        below = linear(seen[-1], own["weight_ih_l0"], own["bias_ih_l0"])
        return below + linear(state[0], own["weight_hh_l0"], own["bias_hh_l0"])


def architecture(*, width_px: int, hidden: int, cell: str, tied: bool) -> dict[str, Any]:
    """Return the input of `build`, in JSON's types; see `RowRNN`."""
    return {"model": "row_rnn", "width_px": width_px, "hidden": hidden, "cell": cell, "tied": tied}


def build(shape: Mapping[str, Any], *, generator: torch.Generator) -> RowRNN:
    """Build a network; weights are drawn from U(-1/sqrt(hidden), 1/sqrt(hidden)), torch's default;
    output bias 0.

    Raises
    ------
    InputError
        When `shape` is not the architecture of a row-RNN.
    """
    if shape.get("model") != "row_rnn":
        raise InputError(f"the weights are of {shape.get('model', 'another model')!r}, not of a row_rnn")
    model = RowRNN(**{name: value for name, value in shape.items() if name != "model"}).to(generator.device)
    bound = 1 / math.sqrt(model.n_hidden)
    for name, parameter in model.named_parameters():
        if name != "bias":
            nn.init.uniform_(parameter, -bound, bound, generator=generator)
    return model


def load(state: Mapping[str, Tensor], shape: Mapping[str, Any]) -> RowRNN:
    """Return a trained network on the CPU, in eval mode: `load(*read_weights(path))`."""
    return restored(build(shape, generator=torch.Generator()), state)


def row_cost(predicted: Tensor, actual: Tensor) -> Tensor:
    """Return the cross-entropy of grey rows, in nats: logits (n, width_px), rows in [0, 1] -> (n,
    width_px)."""
    return binary_cross_entropy_with_logits(predicted, actual, reduction="none")


# --- images as sequences --------------------------------------------------------------------------


def row_sequences(images: np.ndarray, *, inked: bool = False) -> list[Tensor]:
    """Turn images into sequences of rows.

    Parameters
    ----------
    images : uint8 (n, y, x), 0 is background.
    inked : from the first row with ink to the last only, so that lengths differ.

    Returns
    -------
    list of float32 tensors (length, x)
        In [0, 1].

    Raises
    ------
    InputError
        When images have another shape or type, or one without ink would be a sequence of length 0.

    Examples
    --------
    >>> digit = np.zeros((1, 28, 28), np.uint8)
    >>> digit[0, 4:24, 10] = 255
    >>> row_sequences(digit, inked=True)[0].shape
    torch.Size([20, 28])
    """
    if images.ndim != 3 or images.dtype != np.uint8:
        raise InputError(f"images must be uint8 (n, y, x), got {images.dtype} {images.shape}")
    rows = torch.from_numpy(images).float() / 255
    if not inked:
        return list(rows)
    ink = images.max(axis=2) > 0  # (n, y)
    if not ink.max(axis=1).all():
        blank = int(np.argmin(ink.max(axis=1)))
        raise InputError(f"image {blank} has no ink: its sequence would have length 0; drop it")
    first, last = ink.argmax(1), ink.shape[1] - ink[:, ::-1].argmax(1)
    return [sequence[start:end] for sequence, start, end in zip(rows, first, last, strict=True)]


def known_rows(sequences: Sequence[Tensor], *, own_share: float, generator: torch.Generator) -> list[Tensor]:
    """Return contexts for training on the network's own predictions: the rows above, and which are
    known.

    Parameters
    ----------
    sequences : (length, width_px) each.
    own_share : share of the sequences that are known only up to a row, drawn from 1 to length - 1;
        from there on the network reads its own predictions, as when it completes a digit. All rows
        of the others are known.
    generator : draws which, and up to where; on the CPU.

    Returns
    -------
    list of tensors (length, width_px + 1)
        The row above (blank above the first), and 1 where it is known, 0 where not.
    """
    draws = torch.rand(2, len(sequences), generator=generator)
    contexts = []
    for rows, own, place in zip(sequences, *draws.tolist(), strict=True):
        known = rows.new_ones(len(rows), 1)
        if own < own_share:
            known[1 + int(place * (len(rows) - 1)) :] = 0
        above = torch.cat([torch.zeros_like(rows[:1]), rows[:-1]])
        contexts.append(torch.cat([above, known], dim=1))
    return contexts


def of_one_length(sequences: Sequence[Tensor]) -> Iterator[tuple[np.ndarray, Tensor]]:
    """Blocks of sequences of one length: their numbers (batch,), and they themselves (batch,
    length, width_px)."""
    lengths = np.array([len(sequence) for sequence in sequences])
    for length in np.unique(lengths):
        numbers = np.flatnonzero(lengths == length)
        for start in range(0, len(numbers), BLOCK_ROWS):
            block = numbers[start : start + BLOCK_ROWS]
            yield block, torch.stack([sequences[number] for number in block])


# --- predicting rows ------------------------------------------------------------------------------


@torch.inference_mode()
def predict_rows(model: RowRNN, rows: Tensor) -> Tensor:
    """Each row as predicted from those above it, in [0, 1]: (batch, length, width_px), the same
    shape back.

    The first is predicted from nothing, a blank row.
    """
    return torch.sigmoid(_logits(model, rows))


def _logits(model: RowRNN, rows: Tensor) -> Tensor:
    if rows.ndim != 3 or rows.shape[2] != model.width_px or rows.shape[1] == 0:
        raise InputError(
            f"the network reads sequences (batch, length >= 1, {model.width_px} px), got {tuple(rows.shape)}; "
            f"train one on rows of that width"
        )
    outputs, _ = model.rnn(model.begun(rows[:, :-1]), model.start(len(rows)))
    return model.readout(outputs).transpose(0, 1)


@torch.inference_mode()
def next_row_cross_entropy(model: RowRNN, sequences: Sequence[Tensor]) -> float:
    """Return the mean cross-entropy per pixel, in nats, of all rows but the first, given those
    above.

    Raises
    ------
    InputError
        For rows of another width, a sequence of length 0, or when no sequence has a second row.
    """
    total, pixels = 0.0, 0
    for _, rows in of_one_length(sequences):
        cost = row_cost(_logits(model, rows), rows)[:, 1:]
        total += float(cost.sum(dtype=torch.float64))
        pixels += cost.numel()
    if pixels == 0:
        raise InputError("no sequence has a second row: there is no next row to predict")
    return total / pixels


@torch.inference_mode()
def roll(
    model: RowRNN, rows: Tensor, *, count: int, sharpness: float = 1.0, generator: torch.Generator | None = None
) -> Tensor:
    """Continue given rows by feeding predictions back.

    Parameters
    ----------
    rows : (batch, length, width_px) in [0, 1].
    count : rows to add.
    sharpness : float, default 1, factor on the logits that are fed back. 1 feeds back the
        prediction, as the notes do; above, pixels are nearer to black and white, like real rows,
        where a prediction blurs several possible rows.
    generator : draws the pixels that are fed back, so that each call gives another continuation;
        None, the default: the prediction itself is fed back.

    Returns
    -------
    tensor (batch, count, width_px)
        The predictions, in [0, 1].
    """
    _logits(model, rows[:1])  # raises for rows of another width
    outputs, state = model.rnn(model.begun(rows), model.start(len(rows)))
    added = [model.readout(outputs[-1:])]
    for _ in range(count - 1):
        seen = torch.sigmoid(sharpness * added[-1])
        if generator is not None:
            seen = torch.bernoulli(seen, generator=generator)
        outputs, state = model.rnn(seen, state)
        added.append(model.readout(outputs))
    return torch.sigmoid(torch.cat(added[:count]).transpose(0, 1))
