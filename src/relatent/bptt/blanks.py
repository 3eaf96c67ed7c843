"""Run an LSTM over a whole block in one call of torch's layer.

A blank step, inserted before each beginning of a sequence, empties the state and shifts
the later steps of its slot.
Slots with fewer blank steps hold their cells until the end of the block. Both are signalled by two
extra input columns, whose weights drive the gates to exactly 0 or 1, so that results and gradients
of the other steps do not change. This pays where torch's layer is much faster over many steps than
one step at a time (on a CPU: oneDNN).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from relatent.bptt.state import State, where_reset

FAR = 1e3  # input of a gate: sigmoid(-FAR) is 0, sigmoid(FAR) is 1
# weights of the columns blank and hold; gates in torch's order: input, forget, cell, output
GATES = np.array([[-FAR, -FAR], [-FAR, FAR], [0, 0], [-FAR, 0]])


def suits(rnn: nn.RNNBase, seed: State) -> bool:
    """Check that a blank step gives the seed: it takes an LSTM and a fixed seed of zero."""
    return isinstance(rnn, nn.LSTM) and not any(part.requires_grad or part.any() for part in seed)


def run_blanks(rnn: nn.RNNBase, inputs: Tensor, resets: Tensor, state: State, seed: State) -> tuple[Tensor, State]:
    """Run the block with one call per layer; only for layers and seeds that `suits` accepts."""
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
    """Return the place of each entry, int64 (time * batch,), and the flags (longer, batch, 2).

    The two flags are the columns blank and hold.
    """
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
    """Return the layer's weights, with the columns blank and hold appended to the input weights."""
    w_ih = getattr(rnn, f"weight_ih_l{layer}")
    columns = torch.from_numpy(GATES.repeat(rnn.hidden_size, 0)).to(w_ih)  # (4 * hidden units, 2)
    others = ["weight_hh", "bias_ih", "bias_hh"] if rnn.bias else ["weight_hh"]
    return [torch.cat([w_ih, columns], 1), *(getattr(rnn, f"{name}_l{layer}") for name in others)]


class _Placed(torch.autograd.Function):
    """Write a block (time, batch, width) into its rows of zeros (longer, batch, width + 2).

    The last two columns are the flags.
    """

    @staticmethod
    def forward(ctx: Any, block: Tensor, rows: Tensor, flags: Tensor) -> Tensor:
        ctx.save_for_backward(rows)
        ctx.shape = block.shape
        placed = block.new_zeros(*flags.shape[:2], block.shape[2] + 2)
        placed[..., -2:] = flags  # converted to the block's dtype
        placed.flatten(0, 1)[:, :-2].index_copy_(0, rows, block.flatten(0, 1))
        return placed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_placed: Tensor) -> Any:
        (rows,) = ctx.saved_tensors
        return d_placed.flatten(0, 1)[:, :-2].index_select(0, rows).view(ctx.shape), None, None


class _Taken(torch.autograd.Function):
    """Take the rows (time * batch, units) from outputs (longer, batch, units).

    No row is taken twice, so the backward pass has nothing to add up.
    """

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
