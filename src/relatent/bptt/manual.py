"""Run recurrent layers over a block with resets, with a hand-written backward pass.

The forward pass works in place. All factors of the backward pass that depend on activations are
computed for the whole block at once (`cells`), so that one step needs only a product with the
recurrent weights and elementwise products. The gradients of the weights take one matrix product per
block.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from relatent.bptt.cells import CELLS, Cell, Resets
from relatent.bptt.state import State, parts_of
from relatent.networks.products import large_product


def run_manual(rnn: nn.RNNBase, inputs: Tensor, resets: Tensor, state: State, seed: State) -> tuple[Tensor, State]:
    """Run the block layer by layer; every layer takes the block as a whole."""
    cell = CELLS[rnn.mode]
    at = Resets.of(resets, inputs.device)
    ended = []
    for layer in range(rnn.num_layers):
        names = [f"{kind}_l{layer}" for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
        weights = [getattr(rnn, name, None) for name in names]
        begun = [s[layer] for s in (*state, *seed)]
        inputs, *last = _Block.apply(cell, at, inputs, *weights, *begun)
        ended.append(last)
    return inputs, tuple(torch.stack([last[part] for last in ended]) for part in range(parts_of(rnn)))


class _Block(torch.autograd.Function):
    """Run one layer over one block, with the gates in the order of `cells`.

    Torch keeps the gates as rows of the weights, in another order. `cells` has torch's last block
    of rows first: for an LSTM output, input, forget, cell (the three sigmoids side by side); for a
    GRU new, reset, update. The weights are rolled to that order and their gradients are rolled
    back.
    """

    @staticmethod
    def forward(ctx: Any, cell: Cell, resets: Resets, inputs: Tensor, *tensors: Tensor | None) -> Any:
        w_ih, w_hh, b_ih, b_hh, *begun = tensors
        assert w_ih is not None
        assert w_hh is not None
        units = w_hh.shape[1]
        state, seed = tuple(begun[: cell.parts]), tuple(begun[cell.parts :])
        rolled = torch.roll(w_hh, units, 0)
        bias, inner_bias = _biases(cell, b_ih, b_hh, units)
        gates = large_product(inputs.reshape(-1, inputs.shape[2]), _in(cell, w_ih, units).t())
        if bias is not None:
            gates += bias
        gates = gates.view(*inputs.shape[:2], -1)
        outputs, last, kept = cell.forward(gates, rolled, inner_bias, state, seed, resets)
        ctx.save_for_backward(inputs, w_ih, rolled, outputs, state[0], seed[0])
        ctx.cell, ctx.resets, ctx.kept, ctx.bias = cell, resets, kept, b_ih is not None
        return outputs, *last

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_outputs: Tensor, *d_last: Tensor) -> Any:
        inputs, w_ih, rolled, outputs, first, seed = ctx.saved_tensors
        cell, kept = ctx.cell, ctx.kept
        if kept is None:
            raise RuntimeError("a block's activations are used up by its backward pass; run it forward again")
        ctx.kept = None  # the backward pass overwrites the activations
        units = rolled.shape[1]
        before = ctx.resets.before(first, seed, outputs)
        gates, d_begun = cell.backward(d_outputs, d_last, before, kept | {"outputs": outputs}, rolled, ctx.resets)
        d_x = gates[..., gates.shape[2] - len(w_ih) :].reshape(-1, len(w_ih))
        d_h = gates[..., : len(w_ih)].reshape(-1, len(w_ih))
        d_inputs = large_product(d_x, _in(cell, w_ih, units)).view(inputs.shape) if ctx.needs_input_grad[2] else None
        d_w_ih = _out(cell, large_product(inputs.reshape(-1, inputs.shape[2]).t(), d_x).t(), units)
        d_w_hh = torch.roll(large_product(before.view(-1, units).t(), d_h).t(), -units, 0)
        d_b_ih = _out(cell, d_x.sum(0), units) if ctx.bias else None
        d_b_hh = torch.roll(d_h.sum(0), -units, 0) if ctx.bias else None
        return None, None, d_inputs, d_w_ih, d_w_hh, d_b_ih, d_b_hh, *d_begun


def _in(cell: Cell, rows: Tensor, units: int) -> Tensor:
    """Return the rows that the inputs multiply, in the order of the cell."""
    return rows if cell.inner_gate else torch.roll(rows, units, 0)


def _out(cell: Cell, rows: Tensor, units: int) -> Tensor:
    """Return the same rows in torch's order."""
    return rows if cell.inner_gate else torch.roll(rows, -units, 0)


def _biases(cell: Cell, b_ih: Tensor | None, b_hh: Tensor | None, units: int) -> tuple[Tensor | None, Tensor | None]:
    """Return the bias that is added once per block, and a GRU's inner bias.

    A GRU multiplies the inner bias by its reset gate, so it must be added at every step.
    """
    if b_ih is None or b_hh is None:
        return None, None
    if not cell.inner_gate:
        return torch.roll(b_ih + b_hh, units, 0), None
    outer = b_ih.clone()
    outer[: 2 * units] += b_hh[: 2 * units]
    return outer, b_hh[2 * units :]
