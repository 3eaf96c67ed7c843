"""BPTT without padding: the schedule, every method of running a block, and training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from relatent.bptt import METHODS, RecurrentDecoder, SwapSchedule, sampling_bias, swapped, train_bptt
from relatent.errors import InputError

CELLS = ("rnn", "relu", "gru", "lstm")
FEATURES, CONTEXT, UNITS = 2, 3, 4
GENERAL = [method for method in METHODS if method != "blanks"]  # for every cell and seed
SMALL = settings(max_examples=15, deadline=None)
lengths_of = st.lists(st.integers(1, 12), min_size=1, max_size=9)


def layer(
    cell: str, n_inputs: int = FEATURES + CONTEXT, units: int = UNITS, layers: int = 1, bias: bool = True
) -> nn.RNNBase:
    kind = {"rnn": nn.RNN, "relu": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[cell]
    extra = {"nonlinearity": "relu"} if cell == "relu" else {}
    return kind(n_inputs, units, layers, bias=bias, **extra).double()


class Decoder(RecurrentDecoder):
    def __init__(self, cell: str, layers: int = 1) -> None:
        super().__init__(layer(cell, layers=layers))
        self.out = nn.Linear(UNITS, FEATURES).double()

    def readout(self, outputs: Tensor) -> Tensor:
        return self.out(outputs)


class StepOnly(nn.Module):
    """A decoder that shows nothing but `forward`."""

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, visible, context, hidden):
        assert visible.shape[0] == 1
        assert context.ndim == 2
        outputs, hidden = self.decoder.rnn(torch.cat([visible, context[None]], dim=2), hidden)
        return self.decoder.out(outputs), hidden


def problem(cell: str, lengths: list[int], layers: int = 1, seed: int = 0):
    """Make a decoder, contexts, targets, and seeds that require gradients."""
    torch.manual_seed(seed)
    decoder = Decoder(cell, layers)
    contexts = [torch.randn(n, CONTEXT, dtype=torch.double) for n in lengths]
    targets = [torch.randn(n, FEATURES, dtype=torch.double) for n in lengths]
    visible = torch.randn(FEATURES, dtype=torch.double, requires_grad=True)
    parts = [torch.randn(layers, UNITS, dtype=torch.double, requires_grad=True) for _ in range(1 + (cell == "lstm"))]
    return decoder, contexts, targets, visible, tuple(parts) if cell == "lstm" else parts[0]


class Recorder(torch.optim.SGD):
    """An optimizer that keeps the gradients of every step."""

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
    """Train by three nested loops over blocks, steps and slots; empty slots are left out."""
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
            # the seed enters at the next step, with its value at that time
            if slot["position"] == 0:
                slot.update(visible=visible_seed, hidden=hidden_seed)
    return losses


def squared(predicted: Tensor, actual: Tensor) -> Tensor:
    return ((predicted - actual) ** 2).sum(dim=1)


def both(cell, lengths, batch_size, bptt, *, feedback="teacher", drain=True, method="auto", layers=1, step_only=False):
    """Return losses and gradients of the literal loop and of train_bptt."""
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


@pytest.mark.parametrize("method", GENERAL)
@pytest.mark.parametrize("cell", CELLS)
@SMALL
@given(lengths=lengths_of, batch_size=st.integers(1, 5), bptt=st.integers(1, 7))
def test_every_way_has_the_gradients_of_the_literal_loop(cell, method, lengths, batch_size, bptt):
    """Losses and gradients of weights and seeds agree at every optimizer step, to 1e-12."""
    assert_same(both(cell, lengths, batch_size, bptt, method=method))


@pytest.mark.parametrize("feedback", ["teacher", "free"])
@pytest.mark.parametrize("cell", CELLS)
@SMALL
@given(lengths=lengths_of, batch_size=st.integers(1, 5), bptt=st.integers(1, 7))
def test_a_module_with_forward_alone_has_the_gradients_of_the_literal_loop(cell, feedback, lengths, batch_size, bptt):
    """Both kinds of feedback agree."""
    assert_same(both(cell, lengths, batch_size, bptt, feedback=feedback, step_only=True))


@pytest.mark.parametrize("method", GENERAL)
@pytest.mark.parametrize("drain", [False, "notes"])
@SMALL
@given(
    lengths=st.lists(st.integers(1, 12), min_size=5, max_size=9), batch_size=st.integers(1, 4), bptt=st.integers(1, 7)
)
def test_wrapping_around_has_the_gradients_of_the_literal_loop(drain, method, lengths, batch_size, bptt):
    """Every method agrees."""
    assert_same(both("gru", lengths, batch_size, bptt, drain=drain, method=method))


@pytest.mark.parametrize("method", GENERAL)
@pytest.mark.parametrize("cell", CELLS)
def test_stacked_layers_have_the_gradients_of_the_literal_loop(cell, method):
    """Each of two layers has its own seed."""
    assert_same(both(cell, [3, 1, 8, 2, 5], 3, 4, method=method, layers=2))


@SMALL
@given(
    resets=st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=9),
    layers=st.integers(1, 2),
    bias=st.booleans(),
)
def test_blank_steps_change_nothing(resets, layers, bias):
    """Outputs, last state and gradients (weights, inputs, first state) equal those of steps."""
    torch.manual_seed(0)
    rnn, begins = layer("lstm", layers=layers, bias=bias), torch.tensor(resets)
    inputs = torch.randn(*begins.shape, FEATURES + CONTEXT, dtype=torch.double, requires_grad=True)
    hidden = tuple(torch.randn(layers, 3, UNITS, dtype=torch.double, requires_grad=True) for _ in range(2))
    found = []
    for method in ("steps", "blanks"):
        outputs, ended = swapped(rnn, inputs, begins, hidden, method=method)
        loss = (outputs * torch.arange(UNITS)).sum() + ended[0].sin().sum() + ended[1].cos().sum()
        found.append([outputs, *ended, *torch.autograd.grad(loss, [inputs, *hidden, *rnn.parameters()])])
    for expected, got in zip(*found, strict=True):
        torch.testing.assert_close(got, expected, rtol=0, atol=1e-12)


def test_blank_steps_are_for_an_lstm_with_a_seed_of_zeros():
    """Other layers and seeds are refused in one line; "auto" accepts them."""
    inputs, resets = torch.randn(4, 2, FEATURES + CONTEXT).double(), torch.zeros(4, 2, dtype=torch.bool)
    zeros = torch.zeros(1, UNITS).double()
    given_ = (("gru", None), ("lstm", (zeros, zeros + 1)), ("lstm", (zeros, zeros.clone().requires_grad_())))
    for cell, seed in given_:
        swapped(layer(cell), inputs, resets, seed=seed)
        with pytest.raises(InputError, match="blanks"):
            swapped(layer(cell), inputs, resets, seed=seed, method="blanks")


# --- the schedule ---------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    lengths=lengths_of,
    batch_size=st.integers(1, 12),
    bptt=st.integers(1, 7),
    order=st.sampled_from(["given", "longest", "balanced"]),
    shuffled=st.booleans(),
)
def test_a_drain_uses_every_element_once_and_in_order(lengths, batch_size, bptt, order, shuffled):
    """This holds for every order of loading, also with more slots than sequences."""
    generator = torch.Generator().manual_seed(0) if shuffled else None
    schedule = SwapSchedule.from_lengths(lengths, batch_size=batch_size, bptt=bptt, order=order, generator=generator)
    assert schedule.uses().tolist() == [1] * sum(lengths)
    starts = set(np.cumsum([0, *lengths[:-1]]).tolist())
    last: dict[int, int] = {}
    blocks = list(schedule.blocks())
    assert len(blocks) == len(schedule)
    for block in blocks:
        assert block.index.shape[0] <= bptt
        assert block.index.shape[1] <= batch_size
        for rows, resets in zip(block.index, block.resets, strict=True):
            for slot, row, reset in zip(block.slots.tolist(), rows.tolist(), resets.tolist(), strict=True):
                if row < 0:
                    assert not reset
                    continue
                assert reset == (row in starts)
                assert reset or row == last[slot] + 1
                last[slot] = row


def blocks_of(lengths, **options) -> list[tuple[list, list]]:
    schedule = SwapSchedule.from_lengths(lengths, batch_size=3, bptt=4, **options)
    return [(block.index.tolist(), block.resets.tolist()) for block in schedule.blocks()]


def test_a_shuffle_is_the_generators_alone():
    """Equal seeds give equal schedules, other seeds others; global draws are not used."""
    lengths = list(range(1, 20))
    first, again, other = (
        blocks_of(lengths, generator=torch.Generator().manual_seed(seed), order="given") for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other
    state = torch.get_rng_state()
    blocks_of(lengths, generator=torch.Generator().manual_seed(1))
    assert torch.equal(torch.get_rng_state(), state)


def test_longest_first_and_balanced_end_together():
    """Both need fewer steps than the order of the data, which ends with the longest."""
    lengths = [1] * 30 + [30]
    steps = {
        order: SwapSchedule.from_lengths(lengths, batch_size=3, bptt=4, order=order).steps
        for order in ("given", "longest", "balanced")
    }
    assert steps == {"given": 40, "longest": 30, "balanced": 30}


def test_the_notes_marker_skips_one_sequence():
    """Number `batch_size` is not read before the wrap; the corrected wrap reads all."""
    lengths = [4, 3, 2, 3, 4, 2, 3]
    as_written = SwapSchedule.from_lengths(lengths, batch_size=2, bptt=1, drain="notes")
    corrected = SwapSchedule.from_lengths(lengths, batch_size=2, bptt=1, drain=False)
    assert 2 not in as_written.sequence.tolist()
    assert set(corrected.sequence.tolist()) == set(range(7))
    assert corrected.uses().min() == 1
    assert corrected.sequence[:7].tolist() == list(range(7))


def test_sampling_bias_counts_uses():
    """Two slots read [2, 2, 6]: while the last is read, the other slot wraps around."""
    lengths = [2, 2, 6]
    drained = sampling_bias(SwapSchedule.from_lengths(lengths, batch_size=2, bptt=2))
    wrapped = SwapSchedule.from_lengths(lengths, batch_size=2, bptt=2, drain=False)
    assert drained["once_share"] == 1
    assert drained["extra_share"] == 0
    # slot 0: 0, then the long one; slot 1: 1, then 0, 1 and the start of 2 again
    assert wrapped.uses().tolist() == [2, 2, 2, 2, 2, 2, 1, 1, 1, 1]
    bias = sampling_bias(wrapped)
    assert bias["elements"] == 10
    assert bias["repeated_share"] == 0.6
    assert bias["extra_share"] == 6 / 16
    assert bias["most_uses"] == 2
    assert bias["first_sequences_uses"] == 2
    assert bias["last_sequences_uses"] == (2 * 2 + 8) / 8
    assert bias["short_uses"] == 2
    assert bias["long_uses"] == 8 / 6


def test_what_is_in_memory_does_not_grow_with_the_lengths():
    """A block is (bptt, batch) whatever the lengths, and no history is kept for the next block."""
    for length in (10, 1000):
        schedule = SwapSchedule.from_lengths([length] * 3, batch_size=2, bptt=5)
        assert max(block.index.shape for block in schedule.blocks()) == (5, 2)

    class Depth(RecurrentDecoder):
        entered: list[bool]

        def forward(self, visible, context, hidden):
            self.entered.append(hidden.grad_fn is None)
            return super().forward(visible, context, hidden)

    decoder = Depth(nn.GRU(1, 1))
    decoder.entered = []
    optimizer = torch.optim.SGD(decoder.parameters(), lr=0.01)
    train_bptt(decoder, None, [torch.ones(20, 1)], torch.zeros(1), torch.zeros(1, 1), optimizer, 1, 4, feedback="free")
    assert decoder.entered == [True, False, False, False] * 5


# --- training -------------------------------------------------------------------------------------


def trained(cell="gru", **options) -> tuple[list[float], list[Tensor]]:
    decoder, contexts, targets, visible, hidden = problem(cell, [5, 1, 9, 3, 2, 7])
    visible, hidden = visible.detach(), tuple(h.detach() for h in hidden) if cell == "lstm" else hidden.detach()
    optimizer = torch.optim.Adam(decoder.parameters(), lr=0.05)
    losses = train_bptt(decoder, contexts, targets, visible, hidden, optimizer, 2, 4, **options)
    return losses, [p.detach().clone() for p in decoder.parameters()]


@pytest.mark.parametrize("feedback", ["teacher", "free"])
@pytest.mark.parametrize("cell", CELLS)
def test_two_runs_give_the_same_bits(cell, feedback):
    """Losses and weights are equal."""
    (losses, weights), (again, same) = (
        trained(cell, feedback=feedback, generator=torch.Generator().manual_seed(3)) for _ in range(2)
    )
    assert losses == again
    assert all(torch.equal(a, b) for a, b in zip(weights, same, strict=True))


def test_the_notes_positional_order_works():
    """The cost may be the ninth argument; by default it is the pairwise distance."""
    decoder, contexts, targets, visible, hidden = problem("gru", [3, 4, 5])
    arguments = contexts, targets, visible.detach(), hidden.detach()
    losses = []
    for cost in ((), (nn.PairwiseDistance(),), (squared,)):
        torch.manual_seed(0)
        optimizer = torch.optim.SGD(decoder.parameters(), lr=0)
        losses.append(train_bptt(decoder, *arguments, optimizer, 2, 3, *cost))
    assert losses[0] == losses[1]
    assert losses[0] != losses[2]


def test_a_function_can_make_the_feedback():
    """The identity is equal to "free"; another function is not."""
    free, same, halved = (trained(feedback=f)[0] for f in ("free", lambda output: output, lambda output: output / 2))
    assert free == same
    assert free != halved


def test_clipping_bounds_the_norm_of_all_gradients():
    """With `clip`, the norm is at most the given one; without it, it is larger."""
    norms = {}
    for clip in (None, 1e-3):
        decoder, contexts, targets, visible, hidden = problem("gru", [5, 6])
        optimizer = Recorder(decoder.parameters())
        train_bptt(decoder, contexts, targets, visible, hidden, optimizer, 2, 4, squared, clip=clip)
        norms[clip] = [torch.cat([g.flatten() for g in step]).norm().item() for step in optimizer.gradients]
    assert min(norms[None]) > 1e-3
    np.testing.assert_allclose(norms[1e-3], 1e-3, rtol=1e-2)


class Language(RecurrentDecoder):
    """Language model: next token from token numbers."""

    def __init__(self) -> None:
        super().__init__(nn.GRU(FEATURES, UNITS).double())
        self.embedding = nn.Embedding(5, FEATURES).double()
        self.out = nn.Linear(UNITS, 5).double()

    def embed(self, visible, context):
        assert context.shape[-1] == 0
        return self.embedding(visible)

    def readout(self, outputs):
        return self.out(outputs)


@pytest.mark.parametrize("method", GENERAL)
def test_integer_targets(method):
    """A language model without contexts has the stepwise losses, and learns a period of 4."""
    targets = [torch.arange(first, first + n) % 4 for first, n in ((0, 9), (1, 4), (2, 12), (3, 1), (0, 7))]
    results = []
    for way in ("steps", method):
        torch.manual_seed(0)
        model = Language()
        optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
        arguments = None, targets, torch.tensor(4), torch.zeros(1, UNITS).double(), optimizer, 2, 5
        losses = []
        for _ in range(20):
            losses += train_bptt(model, *arguments, nn.functional.cross_entropy, method=way)
        results.append(losses)
    np.testing.assert_allclose(results[1], results[0], rtol=1e-9)
    assert np.mean(results[1][-3:]) < 0.6 * np.mean(results[1][:3])


@pytest.mark.parametrize("method", GENERAL)
def test_fewer_sequences_than_slots(method):
    """Every method handles two sequences in five slots."""
    assert_same(both("lstm", [3, 7], 5, 4, method=method))


def test_hidden_state_goes_on_from_one_call_to_the_next():
    """Two halves of a block give the result of the whole block."""
    torch.manual_seed(0)
    rnn = layer("lstm")
    inputs, resets = torch.randn(6, 3, 5).double(), torch.rand(6, 3) < 0.3
    for method in METHODS:
        whole, _ = swapped(rnn, inputs, resets, method=method)
        first, hidden = swapped(rnn, inputs[:2], resets[:2], method=method)
        second, _ = swapped(rnn, inputs[2:], resets[2:], hidden, method=method)
        torch.testing.assert_close(torch.cat([first, second]), whole, rtol=0, atol=1e-14)


@pytest.mark.parametrize("cell", CELLS)
def test_single_precision_agrees_with_double(cell):
    """The fast path in float32 agrees at practical widths, at which oneDNN multiplies."""
    torch.manual_seed(0)
    rnn = layer(cell, n_inputs=28, units=256).float()
    inputs, resets = torch.randn(32, 20, 28), torch.rand(32, 20) < 0.05
    gradients = []
    for dtype, method in ((torch.float32, "manual"), (torch.float64, "steps")):
        rnn = rnn.to(dtype)
        rnn.zero_grad()
        swapped(rnn, inputs.to(dtype), resets, method=method)[0].square().mean().backward()
        gradients.append(rnn.weight_hh_l0.grad.double())
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-3, atol=1e-6)


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lengths", "options", "words"),
    [
        ([3, 0, 2], {}, "sequence 1 has length 0"),
        ([3, -1], {}, "sequence 1 has length -1"),
        ([], {}, "at least one"),
        ([[1, 2]], {}, "shape"),
        ([1.5], {}, "whole numbers"),
        ([1, 2], {"batch_size": 0}, "at least 1"),
        ([1, 2], {"bptt": 0}, "at least 1"),
        ([1, 2], {"drain": "yes"}, "drain"),
        ([1, 2], {"order": "random"}, "order"),
        ([1, 2], {"order": "balanced", "drain": False}, "drain=True"),
        ([1, 2], {"drain": "notes"}, "fewer slots than sequences"),
    ],
)
def test_bad_lengths_are_one_line(lengths, options, words):
    """The line says what is wrong."""
    with pytest.raises(InputError, match=words) as error:
        SwapSchedule.from_lengths(lengths, **({"batch_size": 2, "bptt": 3} | options))
    assert "\n" not in str(error.value)


def call(**changes):
    """Call train_bptt with some arguments changed."""
    decoder, contexts, targets, visible, hidden = problem("gru", [3, 4])
    given_ = {"decoder": decoder, "contexts": contexts, "targets": targets, "visible_seed": visible}
    given_ |= {"hidden_seed": hidden, "optimizer": torch.optim.SGD(decoder.parameters(), lr=0.1)}
    return train_bptt(**(given_ | {"batch_size": 2, "bptt": 3} | changes))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"targets": []}, "empty"),
        ({"contexts": [torch.zeros(3, CONTEXT).double()]}, "as many contexts as targets"),
        ({"contexts": [torch.zeros(n, CONTEXT).double() for n in (3, 5)]}, "context has length 5 and its target 4"),
        ({"targets": [torch.zeros(n, FEATURES).double() for n in (3, 0)], "contexts": None}, "length 0"),
        ({"targets": [torch.zeros(n, FEATURES + 1).double() for n in (3, 4)]}, "visible_seed"),
        ({"targets": [torch.full((n, FEATURES), torch.nan).double() for n in (3, 4)]}, "the loss is nan"),
        ({"hidden_seed": torch.zeros(1, UNITS + 1).double()}, "is a tensor"),
        ({"feedback": "none"}, "feedback"),
        ({"method": "fast"}, "method"),
        ({"method": "split", "feedback": "free"}, "one step at a time"),
        ({"batch_size": 0}, "at least 1"),
    ],
)
def test_bad_calls_are_one_line(changes, words):
    """The line says what was given and what is allowed."""
    with pytest.raises(InputError, match=words) as error:
        call(**changes)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("rnn", "words"),
    [
        (nn.GRU(2, 3, bidirectional=True), "bidirectional"),
        (nn.GRU(2, 3, batch_first=True), "batch_first"),
        (nn.LSTM(2, 3, proj_size=2), "proj_size"),
        (nn.GRU(2, 3, 2, dropout=0.5), "dropout"),
        (nn.GRU(4, 3), r"inputs must be \(time, batch, 4\)"),
    ],
)
def test_layers_that_cannot_be_swapped_are_named(rnn, words):
    """The error is one line."""
    with pytest.raises(InputError, match=words):
        swapped(rnn, torch.zeros(4, 2, 2), np.zeros((4, 2), dtype=bool))


def test_resets_of_another_shape_are_named():
    """Resets that are not bool are named as well."""
    for resets in (np.zeros((2, 4), dtype=bool), np.zeros((4, 2))):
        with pytest.raises(InputError, match="resets must be bool"):
            swapped(nn.GRU(2, 3), torch.zeros(4, 2, 2), resets)


def test_the_examples_of_the_documentation_learn():
    """The examples of docs/bptt.md run as they are."""
    text = (Path(__file__).parents[2] / "docs" / "bptt.md").read_text()
    series, words, *_ = (block.split("```")[0] for block in text.split("```python\n")[1:])
    names: dict[str, Any] = {}
    exec(series, names)
    losses = names["losses"]
    assert np.mean(losses[-20:]) < 0.3 * np.mean(losses[:20])
    exec(words, names)
    costs = names["costs"]
    assert np.mean(costs[-1]) < 0.8 * np.mean(costs[0])
