"""The state of a recurrent layer as a tuple: one tensor (layers, batch, hidden units), for an LSTM two."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from latents.errors import InputError

State = tuple[Tensor, ...]


def parts_of(rnn: nn.RNNBase) -> int:
    """How many tensors its state has."""
    return 2 if isinstance(rnn, nn.LSTM) else 1


def to_state(rnn: nn.RNNBase, given: Tensor | State | None, inputs: Tensor, name: str) -> State:
    """What a person gives, as a tuple; None is zeros. `name` is "seed" or "hidden", which has a batch as well."""
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
    """As torch gives it: a tensor, for an LSTM a pair."""
    return (state[0], state[1]) if parts_of(rnn) == 2 else state[0]


def spread(seed: State, batch: int) -> State:
    """The seed (layers, hidden units) in every slot: (layers, batch, hidden units)."""
    return tuple(s.unsqueeze(1).expand(-1, batch, -1).contiguous() for s in seed)


def where_reset(reset: Tensor, seed: State, state: State) -> State:
    """The seed in the slots where `reset` (batch,), on the CPU, is True, elsewhere the state."""
    if not reset.any():
        return state
    mask = reset.to(state[0].device)[:, None]
    return tuple(torch.where(mask, s.unsqueeze(1), h) for s, h in zip(seed, state, strict=True))
