"""An LSTM over a whole block in one call of torch's layer: a blank step empties the state before each beginning.

Blank steps shift what follows in their slot; slots with fewer of them hold their cells to the end of the block. Both
are two more columns of the input, whose weights drive the gates to 0 or 1: exactly, so neither results nor gradients of
other steps change. It pays where torch's layer is much faster over many steps than one at a time (on a CPU: oneDNN).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from latents.bptt.state import State, where_reset

FAR = 1e3  # of a gate's input; sigmoid(-FAR) is 0, sigmoid(FAR) is 1
# weights of the columns blank and hold, for torch's order of gates: input, forget, cell, output
GATES = np.array([[-FAR, -FAR], [-FAR, FAR], [0, 0], [-FAR, 0]])


def suits(rnn: nn.RNNBase, seed: State) -> bool:
    """Whether a blank step gives the seed: an LSTM whose seed is zero and not learned."""
    return isinstance(rnn, nn.LSTM) and not any(part.requires_grad or part.any() for part in seed)


def run_blanks(rnn: nn.RNNBase, inputs: Tensor, resets: Tensor, state: State, seed: State) -> tuple[Tensor, State]:
    """One call for each layer; only for what `suits`."""
    state = where_reset(resets[0], seed, state)
    rows, flags = (torch.from_numpy(part).to(inputs.device) for part in _layout(resets.numpy()))
    x, ended = inputs, []
    for layer in range(rnn.num_layers):
        x = _Placed.apply(x, rows, flags)
        begun = [part[layer : layer + 1] for part in state]
        outputs, _, cells = torch.lstm(x, begun, _weights(rnn, layer), rnn.bias, 1, 0.0, rnn.training, False, False)
        x = _Taken.apply(outputs, rows).view(*resets.shape, -1)
        ended.append((x[-1], cells[0]))
    return x, tuple(torch.stack(part) for part in zip(*ended, strict=True))


def _layout(resets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each entry of the block goes, int64 (time * batch,), and the columns blank and hold (longer, batch, 2)."""
    time, batch = resets.shape
    blanks = resets.copy()
    blanks[0] = False  # the block's first state is set, not blanked
    step = np.arange(time)[:, None] + blanks.cumsum(0)  # (time, batch)
    longer = step[-1].max() + 1
    flags = np.zeros((longer, batch, 2), np.float32)
    when, slot = blanks.nonzero()
    flags[step[when, slot] - 1, slot, 0] = 1
    flags[..., 1] = np.arange(longer)[:, None] > step[-1]
    return (step * batch + np.arange(batch)).ravel(), flags


def _weights(rnn: nn.RNNBase, layer: int) -> list[Tensor]:
    """The layer's weights, its input weights with the columns of blank and hold."""
    w_ih = getattr(rnn, f"weight_ih_l{layer}")
    columns = torch.from_numpy(GATES.repeat(rnn.hidden_size, 0)).to(w_ih)  # (4 * hidden units, 2)
    others = ["weight_hh", "bias_ih", "bias_hh"] if rnn.bias else ["weight_hh"]
    return [torch.cat([w_ih, columns], 1), *(getattr(rnn, f"{name}_l{layer}") for name in others)]


class _Placed(torch.autograd.Function):
    """A block (time, batch, width) in its rows of (longer, batch, width + 2), beside the flags; zeros elsewhere."""

    @staticmethod
    def forward(ctx: Any, block: Tensor, rows: Tensor, flags: Tensor) -> Tensor:
        ctx.save_for_backward(rows)
        ctx.shape = block.shape
        placed = block.new_zeros(*flags.shape[:2], block.shape[2] + 2)
        placed[..., -2:] = flags  # as the block's dtype
        placed.flatten(0, 1)[:, :-2].index_copy_(0, rows, block.flatten(0, 1))
        return placed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_placed: Tensor) -> Any:
        (rows,) = ctx.saved_tensors
        return d_placed.flatten(0, 1)[:, :-2].index_select(0, rows).view(ctx.shape), None, None


class _Taken(torch.autograd.Function):
    """The rows (time * batch, units) of outputs (longer, batch, units), none twice: nothing to add up going back."""

    @staticmethod
    def forward(ctx: Any, outputs: Tensor, rows: Tensor) -> Tensor:
        ctx.save_for_backward(rows)
        ctx.shape = outputs.shape
        return outputs.flatten(0, 1).index_select(0, rows)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_taken: Tensor) -> Any:
        (rows,) = ctx.saved_tensors
        return d_taken.new_zeros(ctx.shape).flatten(0, 1).index_copy_(0, rows, d_taken).view(ctx.shape), None
