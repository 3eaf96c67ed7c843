"""BPTT without padding: the schedule, every way to run a block against a literal loop, and training."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from latents.bptt import METHODS, RecurrentDecoder, SwapSchedule, sampling_bias, swapped, train_bptt
from latents.errors import InputError

CELLS = ("rnn", "relu", "gru", "lstm")
FEATURES, CONTEXT, UNITS = 2, 3, 4
SMALL = settings(max_examples=15, deadline=None)
lengths_of = st.lists(st.integers(1, 12), min_size=1, max_size=9)


def layer(cell: str, n_inputs: int = FEATURES + CONTEXT, layers: int = 1, bias: bool = True) -> nn.RNNBase:
    kind = {"rnn": nn.RNN, "relu": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[cell]
    extra = {"nonlinearity": "relu"} if cell == "relu" else {}
    return kind(n_inputs, UNITS, layers, bias=bias, **extra).double()


class Decoder(RecurrentDecoder):
    def __init__(self, cell: str, layers: int = 1) -> None:
        super().__init__(layer(cell, layers=layers))
        self.out = nn.Linear(UNITS, FEATURES).double()

    def readout(self, outputs: Tensor) -> Tensor:
        return self.out(outputs)


class StepOnly(nn.Module):
    """The same decoder with nothing to see but forward."""

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, visible, context, hidden):
        assert visible.shape[0] == 1
        assert context.ndim == 2
        outputs, hidden = self.decoder.rnn(torch.cat([visible, context[None]], dim=2), hidden)
        return self.decoder.out(outputs), hidden


def problem(cell: str, lengths: list[int], layers: int = 1, seed: int = 0):
    """A decoder, contexts, targets, and seeds that want gradients."""
    torch.manual_seed(seed)
    decoder = Decoder(cell, layers)
    contexts = [torch.randn(n, CONTEXT, dtype=torch.double) for n in lengths]
    targets = [torch.randn(n, FEATURES, dtype=torch.double) for n in lengths]
    visible = torch.randn(FEATURES, dtype=torch.double, requires_grad=True)
    parts = [torch.randn(layers, UNITS, dtype=torch.double, requires_grad=True) for _ in range(1 + (cell == "lstm"))]
    return decoder, contexts, targets, visible, tuple(parts) if cell == "lstm" else parts[0]


class Recorder(torch.optim.SGD):
    """Keeps the gradients of every step."""

    def __init__(self, parameters) -> None:
        super().__init__(parameters, lr=0.05)
        self.gradients: list[list[Tensor]] = []

    def step(self, closure=None):
        parameters = [p for group in self.param_groups for p in group["params"]]
        self.gradients.append([torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in parameters])
        return super().step(closure)


def seeds_of(visible, hidden) -> list[Tensor]:
    return [visible, *(hidden if isinstance(hidden, tuple) else [hidden])]


def literal_loop(decoder, contexts, targets, visible_seed, hidden_seed, optimizer, batch_size, bptt, feedback, drain):
    """Three nested loops over blocks, steps and slots; slots are swapped one by one, an empty slot is left out."""
    n = len(targets)
    pair = isinstance(hidden_seed, tuple)
    slots = [
        {"sequence": i % n, "position": 0, "visible": visible_seed, "hidden": hidden_seed}
        for i in range(batch_size)
        if i < n or drain is False
    ]
    marker, unfinished, losses = len(slots), set(range(n)), []
    first_use = {id(slot): i < n for i, slot in enumerate(slots)}

    def more() -> bool:
        if drain is True:
            return bool(slots)
        return marker < n if drain == "notes" else bool(unfinished)

    while more():
        costs = []
        for _ in range(bptt):
            if not slots:
                break
            visible = torch.stack([slot["visible"] for slot in slots])[None]
            context = torch.stack([contexts[slot["sequence"]][slot["position"]] for slot in slots])
            parts = [slot["hidden"] if pair else (slot["hidden"],) for slot in slots]
            hidden = tuple(torch.stack(part, dim=1) for part in zip(*parts, strict=True))
            outputs, hidden = decoder(visible, context, hidden if pair else hidden[0])
            for b, slot in enumerate(list(slots)):
                target = targets[slot["sequence"]][slot["position"]]
                costs.append(((outputs[0, b] - target) ** 2).sum())
                slot["visible"] = target if feedback == "teacher" else outputs[0, b]
                slot["hidden"] = tuple(h[:, b] for h in hidden) if pair else hidden[:, b]
                slot["position"] += 1
                if slot["position"] < len(targets[slot["sequence"]]):
                    continue
                if first_use[id(slot)]:
                    unfinished.discard(slot["sequence"])
                if drain is True and marker >= n:
                    slots.remove(slot)
                    continue
                if drain == "notes":
                    marker += 1
                slot.update(sequence=marker % n, position=0, visible=visible_seed, hidden=hidden_seed)
                first_use[id(slot)] = marker < n
                if drain != "notes":
                    marker += 1
        loss = torch.stack(costs).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        for slot in slots:
            slot["visible"] = slot["visible"].detach()
            slot["hidden"] = tuple(h.detach() for h in slot["hidden"]) if pair else slot["hidden"].detach()
            if slot["position"] == 0:  # a seed enters with the next step, as it then is
                slot.update(visible=visible_seed, hidden=hidden_seed)
    return losses


def squared(predicted: Tensor, actual: Tensor) -> Tensor:
    return ((predicted - actual) ** 2).sum(dim=1)


def both(cell, lengths, batch_size, bptt, *, feedback="teacher", drain=True, method="auto", layers=1, step_only=False):
    """Losses and gradients of the literal loop, and of train_bptt."""
    results = []
    for literal in (True, False):
        decoder, contexts, targets, visible, hidden = problem(cell, lengths, layers)
        optimizer = Recorder([*decoder.parameters(), *seeds_of(visible, hidden)])
        module = StepOnly(decoder) if step_only or literal else decoder
        arguments = module, contexts, targets, visible, hidden, optimizer, batch_size, bptt
        if literal:
            losses = literal_loop(*arguments, feedback, drain)
        else:
            options = {"feedback": feedback, "drain": drain, "clip": None, "method": method}
            losses = train_bptt(*arguments, squared, **options)
        results.append((losses, optimizer.gradients))
    return results


def assert_same(results) -> None:
    (literal, gradients), (losses, got) = results
    assert len(losses) == len(literal)
    np.testing.assert_allclose(losses, literal, rtol=0, atol=1e-12)
    for expected, given_ in zip(gradients, got, strict=True):
        for a, b in zip(expected, given_, strict=True):
            torch.testing.assert_close(b, a, rtol=0, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("cell", CELLS)
@SMALL
@given(lengths=lengths_of, batch_size=st.integers(1, 5), bptt=st.integers(1, 7))
def test_every_way_has_the_gradients_of_the_literal_loop(cell, method, lengths, batch_size, bptt):
    """Losses, and gradients of weights and seeds, at every step of the optimizer, to 1e-12."""
    assert_same(both(cell, lengths, batch_size, bptt, method=method))


@pytest.mark.parametrize("feedback", ["teacher", "free"])
@pytest.mark.parametrize("cell", CELLS)
@SMALL
@given(lengths=lengths_of, batch_size=st.integers(1, 5), bptt=st.integers(1, 7))
def test_a_module_with_forward_alone_has_the_gradients_of_the_literal_loop(cell, feedback, lengths, batch_size, bptt):
    """Under both kinds of feedback."""
    assert_same(both(cell, lengths, batch_size, bptt, feedback=feedback, step_only=True))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("drain", [False, "notes"])
@SMALL
@given(
    lengths=st.lists(st.integers(1, 12), min_size=5, max_size=9), batch_size=st.integers(1, 4), bptt=st.integers(1, 7)
)
def test_wrapping_around_has_the_gradients_of_the_literal_loop(drain, method, lengths, batch_size, bptt):
    """In every way."""
    assert_same(both("gru", lengths, batch_size, bptt, drain=drain, method=method))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("cell", CELLS)
def test_stacked_layers_have_the_gradients_of_the_literal_loop(cell, method):
    """Two layers, each with its own seed."""
    assert_same(both(cell, [3, 1, 8, 2, 5], 3, 4, method=method, layers=2))
