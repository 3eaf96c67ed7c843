"""Convert states of a recurrent layer to tuples of tensors (layers, batch, hidden units).

An LSTM has two, the others have one.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from relatent.errors import InputError

State = tuple[Tensor, ...]


def parts_of(rnn: nn.RNNBase) -> int:
    """Return the number of tensors of the layer's state."""
    return 2 if isinstance(rnn, nn.LSTM) else 1


def to_state(rnn: nn.RNNBase, given: Tensor | State | None, inputs: Tensor, name: str) -> State:
    """Convert a state that a caller gives to a tuple; None becomes zeros.

    `name` is "seed", which has no batch axis, or "hidden", which has one.
    """
    parts = parts_of(rnn)
    batch = (inputs.shape[1],) if name == "hidden" else ()
    shape = (rnn.num_layers, *batch, rnn.hidden_size)
    if given is None:
        return (inputs.new_zeros(shape),) * parts
    state = (given,) if isinstance(given, Tensor) else tuple(given)
    if [tuple(s.shape) for s in state] != [shape] * parts:
        wanted = f"two tensors {shape}" if parts == 2 else f"a tensor {shape}"
        raise InputError(f"{name} of an {type(rnn).__name__} is {wanted}, got {[tuple(s.shape) for s in state]}")
    return state


def from_state(rnn: nn.RNNBase, state: State) -> Tensor | tuple[Tensor, Tensor]:
    """Convert a state to torch's form: a tensor or, for an LSTM, a pair."""
    return (state[0], state[1]) if parts_of(rnn) == 2 else state[0]


def spread(seed: State, batch: int) -> State:
    """Copy the seed (layers, hidden units) to every slot: (layers, batch, hidden units)."""
    return tuple(s.unsqueeze(1).expand(-1, batch, -1).contiguous() for s in seed)


def where_reset(reset: Tensor, seed: State, state: State) -> State:
    """Return the seed in the slots where `reset` is True and the state elsewhere.

    `reset` is bool (batch,) on the CPU.
    """
    if not reset.any():
        return state
    mask = reset.to(state[0].device)[:, None]
    return tuple(torch.where(mask, s.unsqueeze(1), h) for s, h in zip(seed, state, strict=True))
