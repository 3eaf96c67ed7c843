"""Time ways to run recurrent layers over sequences of any length: padded, packed, swapped.

Speed is useful elements per second. A unit of work is a batch of whole sequences (the peers) or a
block of `bptt` steps (swapping): forward, sum of squares of the useful outputs, backward to all
weights.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence

from relatent.bptt.schedule import SwapSchedule
from relatent.bptt.swapped import METHODS, swapped
from relatent.timing.repeats import summary

FEATURES = 28
BPTT = 32
MINIMUM, MOST = 2, 12  # units per turn
PEERS = ("packed", "padded", "bucketed", "loop")
OURS = ("auto", *METHODS)


class Unit(NamedTuple):
    """A piece of work: a function to run, its useful elements and all elements that it computes."""

    run: Callable[[], None]
    useful: int
    computed: int


def batches_of(order: np.ndarray, batch: int) -> list[np.ndarray]:
    """Cut an order of sequences into whole batches."""
    return [order[first : first + batch] for first in range(0, len(order) - batch + 1, batch)]


def taken(units: list[Any], useful: Callable[[Any], int], enough: int) -> list[Any]:
    """Choose units with about `enough` elements together, evenly spaced."""
    mean = sum(useful(unit) for unit in units) / len(units)
    count = min(len(units), max(MINIMUM, min(MOST, round(enough / mean))))
    return [units[int((number + 0.5) * len(units) / count)] for number in range(count)]


class Work:
    """The units of every method for one kind of layer, number of slots and set of lengths.

    Methods: "packed", pack_padded_sequence on random batches; "padded", torch's layer on random
    padded batches, padding masked out of the loss; "bucketed", the same on batches of sequences of
    about the same length (sorted epoch); "loop", the notes' three nested loops: one step at a time,
    slots swapped in Python; "auto" and the others of `OURS`, `relatent.bptt.swapped` on a drained
    schedule.

    Parameters
    ----------
    cell : "GRU", "LSTM" or "RNN".
    hidden : int, units of the layer.
    batch : int, slots, or sequences per batch.
    lengths : int (n,), at least 1.
    enough : int, elements of all units of a method, about.
    """

    def __init__(self, cell: str, hidden: int, batch: int, lengths: np.ndarray, device: str, enough: int) -> None:
        self.rnn: nn.RNNBase = getattr(nn, cell)(FEATURES, hidden).to(device)
        self.batch, self.lengths, self.device, self.enough = batch, lengths, device, enough
        self.data = torch.randn(int(lengths.sum()), FEATURES, device=device)
        self.start = np.cumsum(lengths) - lengths

    def sequences(self, numbers: Iterable[int]) -> list[Tensor]:
        """Return these sequences, (length, features) each."""
        return [self.data[self.start[i] : self.start[i] + self.lengths[i]] for i in numbers]

    def finish(self, outputs: Tensor) -> None:
        """Compute the loss and the gradients of all weights."""
        self.rnn.zero_grad()
        outputs.square().sum().backward()

    def units(self, method: str) -> list[Unit]:
        """Return the units that a turn of a method runs."""
        n = len(self.lengths)
        if method in OURS:
            return self.swap(method)
        if method == "loop":
            return self.loop()
        order = np.random.default_rng(1).permutation(n)
        if method == "bucketed":
            order = order[np.argsort(self.lengths[order], kind="stable")]
        chosen = taken(batches_of(order, self.batch), lambda numbers: int(self.lengths[numbers].sum()), self.enough)
        run = self.packed if method == "packed" else self.padded
        return [self.whole(run, numbers, method == "packed") for numbers in chosen]

    def whole(self, run: Callable[[np.ndarray], None], numbers: np.ndarray, packed: bool) -> Unit:
        useful = int(self.lengths[numbers].sum())
        return Unit(lambda: run(numbers), useful, useful if packed else int(self.lengths[numbers].max()) * self.batch)

    def packed(self, numbers: np.ndarray) -> None:
        inputs, lengths = pad_sequence(self.sequences(numbers)), torch.as_tensor(self.lengths[numbers])
        outputs, _ = self.rnn(pack_padded_sequence(inputs, lengths, enforce_sorted=False))
        self.finish(outputs.data)

    def padded(self, numbers: np.ndarray) -> None:
        inputs, lengths = pad_sequence(self.sequences(numbers)), torch.as_tensor(self.lengths[numbers])
        mask = (torch.arange(len(inputs))[:, None] < lengths).to(self.device)
        self.finish(self.rnn(inputs)[0] * mask[..., None])

    def swap(self, method: str) -> list[Unit]:
        schedule = SwapSchedule.from_lengths(self.lengths, batch_size=self.batch, bptt=BPTT)
        chosen = taken(list(schedule.blocks()), lambda block: int(block.valid.sum()), self.enough)
        return [self.block(block, method) for block in chosen]

    def block(self, block: Any, method: str) -> Unit:
        def run() -> None:
            inputs = self.data[torch.from_numpy(block.index.clip(min=0)).to(self.device)]
            outputs, _ = swapped(self.rnn, inputs, block.resets, method=method)
            valid = block.valid
            self.finish(outputs if valid.all() else outputs[torch.from_numpy(valid).to(self.device)])

        return Unit(run, int(block.valid.sum()), block.index.size)

    def loop(self) -> list[Unit]:
        """Return consecutive blocks in the middle of the epoch, as in the notes."""
        order, useful = np.random.default_rng(1).permutation(len(self.lengths)), BPTT * self.batch
        count = min(MOST, max(MINIMUM, self.enough // useful))
        pair = isinstance(self.rnn, nn.LSTM)
        zeros = [torch.zeros(1, self.batch, self.rnn.hidden_size, device=self.device) for _ in range(1 + pair)]
        seed = torch.zeros(1, self.rnn.hidden_size, device=self.device)
        indices, positions, marker, hiddens = order[: self.batch].copy(), [0] * self.batch, self.batch, zeros

        def run() -> None:
            nonlocal marker, hiddens
            hiddens = [h.detach().clone() for h in hiddens]
            predicted = []
            for _ in range(BPTT):
                inputs = torch.stack([self.data[self.start[i] + p] for i, p in zip(indices, positions, strict=True)])
                outputs, after = self.rnn(inputs[None], tuple(hiddens) if pair else hiddens[0])
                hiddens = [h.clone() for h in (after if pair else (after,))]
                predicted.append(outputs[0])
                for b in range(self.batch):
                    if positions[b] + 1 < self.lengths[indices[b]]:
                        positions[b] += 1
                        continue
                    marker += 1
                    indices[b], positions[b] = order[marker % len(order)], 0
                    for h in hiddens:
                        h[:, b] = seed
            self.finish(torch.stack(predicted))

        return [Unit(run, useful, useful)] * count


def now(device: str) -> float:
    """Return CPU seconds of this process; on a GPU, seconds of a clock."""
    if device == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def compare(
    lengths: np.ndarray,
    *,
    slots: Iterable[int],
    methods: Iterable[str],
    cell: str,
    hidden: int,
    batches: int,
    enough: int,
    repeats: int,
    seed: int,
) -> Iterator[dict[str, Any]]:
    """Measure useful elements per CPU second of each method, in turns, on one thread.

    Parameters
    ----------
    lengths : int (n,), at least 1; `batches` times the number of slots are drawn from them.
    slots : numbers of slots, or of sequences per batch; each gives a part of the table.
    methods : see `Work`; "swapped" is its "auto".
    cell, hidden, enough : see `Work`.
    repeats : turns, whose median counts; one more turn before them does not count.
    seed : int, of the lengths drawn.

    Yields
    ------
    dict
        `cell`, `hidden`, `batch`, `method`; `per_second` and the other values of
        `relatent.timing.repeats.summary`; `waste`, the share of useless elements computed.
    """
    for batch in slots:
        drawn = np.random.default_rng(seed).choice(lengths, batches * batch)
        work = Work(cell, hidden, batch, drawn, "cpu", enough)
        units = {method: work.units("auto" if method == "swapped" else method) for method in methods}
        for method, rates in turns(units, "cpu", repeats).items():
            at = {"cell": cell, "hidden": hidden, "batch": batch, "method": method}
            yield at | summary(rates, "per_second") | {"waste": waste(units[method])}


def turns(units: dict[str, list[Unit]], device: str, repeats: int) -> dict[str, list[float]]:
    """Return useful elements per second of each method in each turn."""
    rates: dict[str, list[float]] = {method: [] for method in units}
    for number in range(-1, repeats):  # the first is not counted, and short
        for method, found in units.items():
            began = now(device)
            for unit in found[:1] if number < 0 else found:
                unit.run()
            if number >= 0:
                rates[method].append(sum(unit.useful for unit in found) / (now(device) - began))
    return rates


def waste(units: list[Unit]) -> float:
    """Return the share of useless elements computed."""
    return 1 - sum(unit.useful for unit in units) / sum(unit.computed for unit in units)
