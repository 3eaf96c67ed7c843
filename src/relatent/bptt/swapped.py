"""Run a recurrent layer over a block in which sequences may begin at any step of any slot.

There are several methods; all of them give the same outputs and gradients.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from relatent.bptt.blanks import run_blanks, suits
from relatent.bptt.manual import run_manual
from relatent.bptt.state import State, from_state, spread, to_state, where_reset
from relatent.errors import InputError

Run = Callable[[nn.RNNBase, Tensor, Tensor, State, State], tuple[Tensor, State]]


def swapped(
    rnn: nn.RNNBase,
    inputs: Tensor,
    resets: np.ndarray | Tensor,
    hidden: Tensor | tuple[Tensor, Tensor] | None = None,
    *,
    seed: Tensor | tuple[Tensor, Tensor] | None = None,
    method: str = "auto",
) -> tuple[Tensor, Tensor | tuple[Tensor, Tensor]]:
    """Run a recurrent layer whose state is set to `seed` wherever a sequence begins.

    Parameters
    ----------
    rnn : nn.RNN, nn.GRU or nn.LSTM with one direction and time first, without projection and
        without dropout between layers.
    inputs : (time, batch, rnn.input_size).
    resets : bool (time, batch), on the CPU, because control flow depends on it
        True where a sequence begins.
    hidden : state before the first step, (layers, batch, hidden units), a pair of these for an
        LSTM; None for the seed.
    seed : (layers, hidden units), a pair of these for an LSTM; None for zeros.
    method : changes the time, not the result
        "steps": one step after the other; the reference that the others are tested against.
        "manual": hand-written backward pass. Each step computes dL/dh only; the gradients of all
        weights take one matrix product per block.
        "split": torch's layer on each stretch of steps without a reset.
        "fragments": all uninterrupted stretches of all slots in one PackedSequence, each with its
        own first state.
        "blanks": torch's layer once over the block, with a blank step before each beginning; only
        for an LSTM whose seed is zero and not learned.
        "auto": on a CPU, "manual" for an RNN or GRU, and "blanks" or else "split" for an LSTM,
        since torch's LSTM is fast there; on other devices "fragments", which suits cuDNN.

    Returns
    -------
    outputs (time, batch, hidden units), hidden
        Outputs of the top layer, and the state after the last step in the form of `hidden`.

    Raises
    ------
    InputError
        If the layer is not supported or the shapes do not fit.

    Examples
    --------
    >>> gru = nn.GRU(2, 3)
    >>> inputs = torch.ones(2, 1, 2)
    >>> outputs, _ = swapped(gru, inputs, np.array([[True], [True]]))
    >>> torch.equal(outputs[0], outputs[1])  # the second step began anew
    True
    """
    resets = torch.as_tensor(resets)
    _check(rnn, inputs, resets, method)
    first_seed = to_state(rnn, seed, inputs, "seed")
    state = spread(first_seed, inputs.shape[1]) if hidden is None else to_state(rnn, hidden, inputs, "hidden")
    if method == "auto":
        method = _fastest(rnn, inputs, first_seed)
    if method == "blanks" and not suits(rnn, first_seed):
        raise InputError('method "blanks" is for an LSTM whose seed is zero and not learned; use "auto"')
    outputs, state = METHODS[method](rnn, inputs, resets, state, first_seed)
    return outputs, from_state(rnn, state)


def _fastest(rnn: nn.RNNBase, inputs: Tensor, seed: State) -> str:
    """Choose the fastest method, as measured in docs/bptt.md."""
    if inputs.device.type != "cpu":
        return "fragments"
    if not isinstance(rnn, nn.LSTM):
        return "manual"
    return "blanks" if suits(rnn, seed) else "split"


def run_steps(rnn: nn.RNNBase, inputs: Tensor, resets: Tensor, state: State, seed: State) -> tuple[Tensor, State]:
    """Run one call of the layer per step."""
    outputs = []
    for x, reset in zip(inputs.split(1), resets, strict=True):
        state = where_reset(reset, seed, state)
        output, state = _call(rnn, x, state)
        outputs.append(output)
    return torch.cat(outputs), state


def run_split(rnn: nn.RNNBase, inputs: Tensor, resets: Tensor, state: State, seed: State) -> tuple[Tensor, State]:
    """Run one call of the layer per stretch of steps in which no slot begins a sequence."""
    begins = resets.any(dim=1)
    begins[0] = True
    bounds = [*begins.nonzero().flatten().tolist(), len(inputs)]
    outputs = []
    for first, last in pairwise(bounds):
        state = where_reset(resets[first], seed, state)
        output, state = _call(rnn, inputs[first:last], state)
        outputs.append(output)
    return torch.cat(outputs), state


def run_fragments(rnn: nn.RNNBase, inputs: Tensor, resets: Tensor, state: State, seed: State) -> tuple[Tensor, State]:
    """Run every stretch of a slot as a sequence of one PackedSequence, with its own first state."""
    time, batch = resets.shape
    begins = resets.clone()
    begins[0] = True
    slot, start = begins.T.nonzero().T  # slot by slot, in the order of time
    following = torch.cat([start[1:], start.new_tensor([0])])
    last_of_slot = following == 0  # every slot begins a stretch at step 0
    length = torch.where(last_of_slot, time, following) - start
    order = torch.sort(length, descending=True, stable=True).indices
    slot, start, length = slot[order], start[order], length[order]
    # (longest, fragments); valid entries are read step by step
    within = torch.arange(int(length[0]))[:, None]
    rows = ((start + within) * batch + slot)[within < length]
    sizes = (within < length).sum(dim=1)

    device = inputs.device
    carried = ~resets[start, slot] & (start == 0)
    begun = tuple(s[:, slot.to(device)] for s in state)
    begun = where_reset(~carried, seed, begun)
    flat = inputs.reshape(time * batch, -1)
    rows = rows.to(device)
    packed, ended = rnn(PackedSequence(flat[rows], sizes), _tupled(begun))
    outputs = torch.empty_like(packed.data).index_copy(0, rows, packed.data)
    last = torch.empty(batch, dtype=torch.long)
    at_end = (start + length == time).nonzero().flatten()
    last[slot[at_end]] = at_end
    final = tuple(s[:, last.to(device)] for s in _as_state(ended))
    return outputs.reshape(time, batch, -1), final


METHODS: dict[str, Run] = {
    "steps": run_steps,
    "manual": run_manual,
    "split": run_split,
    "fragments": run_fragments,
    "blanks": run_blanks,
}


def _tupled(state: State) -> Tensor | State:
    return state if len(state) == 2 else state[0]


def _as_state(hidden: Tensor | State) -> State:
    return (hidden,) if isinstance(hidden, Tensor) else tuple(hidden)


def _call(rnn: nn.RNNBase, inputs: Tensor, state: State) -> tuple[Tensor, State]:
    outputs, hidden = rnn(inputs, _tupled(state))
    return outputs, _as_state(hidden)


def why_not(rnn: nn.RNNBase) -> str:
    """Say why a layer cannot be run in blocks; empty if it can."""
    if not isinstance(rnn, nn.RNN | nn.GRU | nn.LSTM):
        return f"it is a {type(rnn).__name__}"
    if rnn.bidirectional:
        return "it is bidirectional"
    if rnn.batch_first:
        return "it has batch_first=True"
    if rnn.proj_size:
        return f"it has proj_size={rnn.proj_size}"
    if rnn.dropout and rnn.num_layers > 1:
        return f"it has dropout={rnn.dropout} between layers"
    return ""


def _check(rnn: nn.RNNBase, inputs: Tensor, resets: Tensor, method: str) -> None:
    if method != "auto" and method not in METHODS:
        raise InputError(f"method must be one of auto, {', '.join(METHODS)}; got {method!r}")
    if reason := why_not(rnn):
        raise InputError(f"the layer must be an nn.RNN, nn.GRU or nn.LSTM of one direction, time first; {reason}")
    if inputs.ndim != 3 or inputs.shape[2] != rnn.input_size or 0 in inputs.shape[:2]:
        raise InputError(f"inputs must be (time, batch, {rnn.input_size}), got {tuple(inputs.shape)}")
    if resets.shape != inputs.shape[:2] or resets.dtype != torch.bool or resets.device.type != "cpu":
        shape = tuple(inputs.shape[:2])
        raise InputError(
            f"resets must be bool {shape} on the CPU, got {resets.dtype} {tuple(resets.shape)} on {resets.device}"
        )
