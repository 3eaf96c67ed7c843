"""Run the steps of an RNN, GRU or LSTM over a block with resets, and their gradients.

The forward pass takes what the inputs add to the gates, (time, batch, gates * hidden units), and
works in place. The backward pass writes dL/d(gates before their nonlinearity) as a factor prepared
for the whole block times dL/dh or dL/dc.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from relatent.networks.products import product_by

State = tuple[Tensor, ...]  # each (batch, hidden units); two for an LSTM: hidden, cell
Kept = dict[str, Tensor]  # activations (time, batch, ...) that the backward pass needs
Ran = tuple[Tensor, State, Kept]  # outputs, state after the last step, activations
Went = tuple[Tensor, list[Tensor]]  # gradients of the gates, then those of state and seed


@dataclass(frozen=True)
class Cell:
    """Functions that run one kind of layer.

    Attributes
    ----------
    forward : (gates, w_hh, inner bias, state, seed, resets) -> outputs, state after the last step,
        activations.
    backward : (d_outputs, d_last state, hidden state before every step, activations and outputs,
        w_hh, resets) -> gradients of the gates (time, batch, gates * hidden units), of every part
        of the state and of every part of the seed.
    parts : int, default 1. Number of tensors of the state.
    inner_gate : bool, default False. True for a GRU, which keeps apart what inputs and state add to
        a gate. The gates' gradients then have one more part in front: those of the state are all
        but the last part, those of the inputs all but the first.
    """

    forward: Callable[..., Ran]
    backward: Callable[..., Went]
    parts: int = 1
    inner_gate: bool = False


@dataclass(frozen=True)
class Resets:
    """Steps at which sequences begin.

    `any[t]` tells whether some sequence begins at step t; `mask`, bool (time, batch, 1), on the
    device, tells in which slots.
    """

    any: list[bool]
    mask: Tensor

    @classmethod
    def of(cls, resets: Tensor, device: torch.device) -> Resets:
        """Make resets from bool (time, batch) on the CPU."""
        return cls(resets.any(dim=1).tolist(), resets.to(device).unsqueeze(2))

    def before(self, first: Tensor, seed: Tensor, states: Tensor) -> Tensor:
        """Return states before all steps, (time, batch, hidden units), from states after them."""
        shifted = torch.cat([first.unsqueeze(0), states[:-1]])
        return torch.where(self.mask, seed, shifted)

    def at(self, t: int, seed: Tensor, state: Tensor) -> Tensor:
        """Return the state before step t from the state after step t - 1."""
        return torch.where(self.mask[t], seed, state) if self.any[t] else state

    def split(self, t: int, d_before: Tensor, d_seed: Tensor) -> None:
        """Move dL/d(state before step t) to the gradient of the seed where a sequence begins."""
        if self.any[t]:
            d_seed += (d_before * self.mask[t]).sum(0)
            d_before.masked_fill_(self.mask[t], 0)


# --- RNN ------------------------------------------------------------------------------------------


def _rnn_forward(activate: Callable[[Tensor], Tensor]) -> Callable[..., Ran]:
    def forward(gates: Tensor, w_hh: Tensor, bias: None, state: State, seed: State, resets: Resets) -> Ran:
        recur = product_by(w_hh.t(), rows=gates.shape[1], times=len(gates))
        h = state[0]
        for t, a in enumerate(gates.unbind()):
            h = activate(a.add_(recur(resets.at(t, seed[0], h))))
        return gates, (h.clone(),), {}

    return forward


def _rnn_backward(slope: Callable[[Tensor], Tensor]) -> Callable[..., Went]:
    def backward(d_outputs: Tensor, d_last: State, before: Tensor, kept: Kept, w_hh: Tensor, resets: Resets) -> Went:
        gates = slope(kept["outputs"])  # prepared factors; they become gradients below
        d_seed = torch.zeros_like(before[0, 0])
        d_before = d_last[0]
        back = product_by(w_hh, rows=gates.shape[1], times=len(gates))
        for t, a, d_output in _last_first(gates, d_outputs):
            d_before = back(a.mul_(d_before.add(d_output)))
            resets.split(t, d_before, d_seed)
        return gates, [d_before, d_seed]

    return backward


def _tanh_slope(h: Tensor) -> Tensor:
    return 1 - h * h


def _relu_slope(h: Tensor) -> Tensor:
    return (h > 0).to(h.dtype)


# --- GRU ------------------------------------------------------------------------------------------


def _gru_forward(gates: Tensor, w_hh: Tensor, bias: Tensor | None, state: State, seed: State, resets: Resets) -> Ran:
    """Run a GRU: gates in the order reset, update, new; weights in the order new, reset, update."""
    units = w_hh.shape[1]
    outputs, inner = gates.new_empty(*gates.shape[:2], units), gates.new_empty(*gates.shape[:2], units)
    sigmoids, reset, update, new = (part.unbind() for part in (gates[..., : 2 * units], *gates.split(units, dim=2)))
    recur = product_by(w_hh.t(), rows=gates.shape[1], times=len(gates))
    bias = gates.new_zeros(units) if bias is None else bias
    h = state[0]
    for t, (output, from_state) in enumerate(zip(outputs.unbind(), inner.unbind(), strict=True)):
        h = resets.at(t, seed[0], h)
        a = recur(h)
        sigmoids[t].add_(a[:, units:]).sigmoid_()
        torch.add(a[:, :units], bias, out=from_state)
        new[t].addcmul_(reset[t], from_state).tanh_()
        h = torch.lerp(new[t], h, update[t], out=output)
    return outputs, (h.clone(),), {"gates": gates, "inner": inner}


def _gru_backward(d_outputs: Tensor, d_last: State, before: Tensor, kept: Kept, w_hh: Tensor, resets: Resets) -> Went:
    """Return a GRU's gradients in the order inner, reset, update, new.

    The first three belong to the state's weights, the last three to the inputs'.
    """
    units = w_hh.shape[1]
    reset, update, new = kept["gates"].split(units, dim=2)
    gates = before.new_empty(*before.shape[:2], 4 * units)
    inner, d_reset, d_update, d_new = gates.split(units, dim=2)
    torch.mul(1 - update, 1 - new * new, out=d_new)
    torch.mul(d_new, reset, out=inner)
    torch.mul(inner * kept["inner"], 1 - reset, out=d_reset)
    torch.mul((before - new) * update, 1 - update, out=d_update)

    d_seed = torch.zeros_like(before[0, 0])
    d_before = d_last[0]
    stacked, from_state = gates.unflatten(2, (4, units)).unbind(), gates[..., : 3 * units].unbind()
    back = product_by(w_hh, rows=gates.shape[1], times=len(gates))
    for t, z, d_output in _last_first(update, d_outputs):
        d_h = d_before.add(d_output)
        stacked[t].mul_(d_h.unsqueeze(1))
        d_before = back(from_state[t]).addcmul_(d_h, z)
        resets.split(t, d_before, d_seed)
    return gates, [d_before, d_seed]


# --- LSTM -----------------------------------------------------------------------------------------


def _lstm_forward(gates: Tensor, w_hh: Tensor, bias: None, state: State, seed: State, resets: Resets) -> Ran:
    """Run an LSTM: gates and weights in the order output, input, forget, cell."""
    units = w_hh.shape[1]
    recur = product_by(w_hh.t(), rows=gates.shape[1], times=len(gates))
    outputs = gates.new_empty(*gates.shape[:2], units)
    cells, bent = torch.empty_like(outputs), torch.empty_like(outputs)  # bent: tanh of the cells
    sigmoids = gates[..., : 3 * units].unbind()
    o, i, f, g = (part.unbind() for part in gates.split(units, dim=2))
    h, c = state
    for t, (a, output, cell, tanh) in enumerate(
        zip(gates.unbind(), outputs.unbind(), cells.unbind(), bent.unbind(), strict=True)
    ):
        h, c = resets.at(t, seed[0], h), resets.at(t, seed[1], c)
        a.add_(recur(h))
        sigmoids[t].sigmoid_()
        g[t].tanh_()
        c = torch.mul(f[t], c, out=cell).addcmul_(i[t], g[t])
        h = torch.mul(o[t], torch.tanh(c, out=tanh), out=output)
    kept = {"gates": gates, "cells": cells, "bent": bent, "first": state[1], "seed": seed[1]}
    return outputs, (h.clone(), c.clone()), kept


def _lstm_backward(d_outputs: Tensor, d_last: State, before: Tensor, kept: Kept, w_hh: Tensor, resets: Resets) -> Went:
    units = w_hh.shape[1]
    o, i, f, g = kept["gates"].split(units, dim=2)
    bent = kept["bent"]
    cells_before = resets.before(kept["first"], kept["seed"], kept["cells"])
    gates = torch.empty_like(kept["gates"])
    d_o, d_i, d_f, d_g = gates.split(units, dim=2)
    torch.mul(bent * o, 1 - o, out=d_o)
    torch.mul(g * i, 1 - i, out=d_i)
    torch.mul(cells_before * f, 1 - f, out=d_f)
    torch.mul(i, 1 - g * g, out=d_g)
    into_cell = o * (1 - bent * bent)

    d_seed, d_seed_cell = torch.zeros_like(before[0, 0]), torch.zeros_like(before[0, 0])
    d_before, d_cell = d_last[0], d_last[1].clone()
    of_cell = gates.unflatten(2, (4, units))[:, :, 1:].unbind()
    of_output, forget, into = d_o.unbind(), f.unbind(), into_cell.unbind()
    back = product_by(w_hh, rows=gates.shape[1], times=len(gates))
    for t, a, d_output in _last_first(gates, d_outputs):
        d_h = d_before.add(d_output)
        d_cell.addcmul_(d_h, into[t])
        of_output[t].mul_(d_h)
        of_cell[t].mul_(d_cell.unsqueeze(1))
        d_before = back(a)
        d_cell.mul_(forget[t])
        resets.split(t, d_before, d_seed)
        resets.split(t, d_cell, d_seed_cell)
    return gates, [d_before, d_cell, d_seed, d_seed_cell]


def _last_first(a: Tensor, b: Tensor) -> list[tuple[int, Tensor, Tensor]]:
    """Return (t, a[t], b[t]) from the last step to the first."""
    return list(zip(range(len(a)), a.unbind(), b.unbind(), strict=True))[::-1]


CELLS = {
    "RNN_TANH": Cell(_rnn_forward(torch.tanh_), _rnn_backward(_tanh_slope)),
    "RNN_RELU": Cell(_rnn_forward(torch.relu_), _rnn_backward(_relu_slope)),
    "GRU": Cell(_gru_forward, _gru_backward, inner_gate=True),
    "LSTM": Cell(_lstm_forward, _lstm_backward, parts=2),
}
