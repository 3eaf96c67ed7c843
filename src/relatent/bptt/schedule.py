"""Compute which element of which sequence every slot of a batch reads at every step.

The schedule depends only on the lengths of the sequences. A sequence that ends is replaced in its
slot by the next one ([B], 2018-04-13), so that no step is spent on padding.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import torch

from relatent.errors import InputError

Drain = bool | Literal["notes"]
Order = Literal["given", "longest", "balanced"]
NOTHING = -1  # index of a slot that has run out of sequences


@dataclass(frozen=True)
class Block:
    """Elements that are read between two steps of the optimizer.

    Attributes
    ----------
    slots : int64 array of shape (batch,)
        Slots that still have something to read, ascending; during a drain they become fewer.
    index : int64 array of shape (time, batch)
        Row in all sequences laid end to end; -1 where a slot has run out.
    resets : bool array of shape (time, batch)
        True where a sequence begins: there, state and visible input are the seeds.
    """

    slots: np.ndarray
    index: np.ndarray
    resets: np.ndarray

    @property
    def valid(self) -> np.ndarray:
        """Mark the entries that have an element to read, bool (time, batch)."""
        return self.index != NOTHING


@dataclass(frozen=True)
class SwapSchedule:
    """Schedule of one epoch; it depends on lengths and random draws, never on the data.

    Attributes
    ----------
    lengths : int64 array of shape (n,)
        Lengths of the sequences in the order of the data.
    batch_size, bptt : number of slots, and steps between two steps of the optimizer.
    steps : number of steps of the whole epoch; a multiple of `bptt` unless drained.
    sequence, slot, start : int64 arrays
        One entry per load, in the order of loading: this sequence enters this slot at this step.
    """

    lengths: np.ndarray
    batch_size: int
    bptt: int
    steps: int
    sequence: np.ndarray
    slot: np.ndarray
    start: np.ndarray

    @classmethod
    def from_lengths(
        cls,
        lengths: Sequence[int] | np.ndarray,
        *,
        batch_size: int,
        bptt: int,
        drain: Drain = True,
        order: Order = "given",
        generator: torch.Generator | None = None,
    ) -> SwapSchedule:
        """Plan an epoch.

        Parameters
        ----------
        lengths : n whole numbers, each at least 1.
        batch_size : number of slots. With fewer sequences, the other slots stay empty (or, when
            wrapping, start again from the first sequence).
        bptt : steps between two steps of the optimizer.
        drain : what happens when no sequence is left to load
            True: slots run empty; every element of every sequence is used exactly once.
            False: slots load from the start of the
            data again until every sequence has been used to its end.
            "notes": as in the notes' code: its marker skips sequence number `batch_size`, and it
            stops with the block in which it wraps around, even if loaded sequences have not
            ended.
        order : order in which sequences are loaded
            "given": as in the data.
            "longest": longest first, so that slots run empty almost together; but the first updates
            see only long sequences.
            "balanced": sequences are dealt to slots in advance, longest first to the emptiest slot
            (Graham 1969), and each slot keeps the order of the data. Slots run empty almost
            together, and lengths stay mixed. Needs drain=True.
        generator : shuffles the sequences first (for "longest": those of equal length); None: no
            shuffling.

        Raises
        ------
        InputError
            If a length is below 1, there is no sequence, or a size or option is not allowed.

        Examples
        --------
        >>> schedule = SwapSchedule.from_lengths([3, 1, 2], batch_size=2, bptt=2)
        >>> for block in schedule.blocks():
        ...     print(block.index.tolist(), block.resets.tolist())
        [[0, 3], [1, 4]] [[True, True], [False, True]]
        [[2, 5]] [[False, False]]
        """
        lengths = _checked(lengths, batch_size=batch_size, bptt=bptt, drain=drain, order=order)
        queue = np.arange(len(lengths))
        if generator is not None:
            queue = torch.randperm(len(lengths), generator=generator, device=generator.device).cpu().numpy()
        if order == "longest":
            queue = queue[np.argsort(-lengths[queue], kind="stable")]
        if order == "balanced":
            loads, steps = _balanced(lengths, queue, batch_size)
        elif drain is True:
            loads, steps = _drained(lengths, queue, batch_size)
        else:
            loads, steps = _wrapped(lengths, queue, batch_size, bptt, as_written=drain == "notes")
        sequence, slot, start = np.array(loads, dtype=np.int64).reshape(-1, 3).T
        return cls(lengths, batch_size, bptt, steps, sequence, slot, start)

    def __len__(self) -> int:
        """Return the number of blocks, which is the number of steps of the optimizer."""
        return -(-self.steps // self.bptt)

    def blocks(self) -> Iterator[Block]:
        """Yield the epoch block by block.

        One block, at most (bptt, batch_size), is in memory at a time.
        """
        pieces = self._pieces()
        bounds = np.searchsorted(pieces["block"], np.arange(len(self) + 1))
        for first, last in pairwise(bounds):
            yield _block({name: column[first:last] for name, column in pieces.items()})

    def uses(self) -> np.ndarray:
        """Count how often the epoch uses each element: int64 array of shape (sum of lengths,)."""
        counts = np.zeros(self.lengths.sum(), dtype=np.int64)
        for block in self.blocks():
            np.add.at(counts, block.index[block.valid], 1)
        return counts

    def _pieces(self) -> dict[str, np.ndarray]:
        """Cut every load at the block boundaries; one row per piece, sorted by block."""
        length = np.minimum(self.lengths[self.sequence], self.steps - self.start)
        kept = length > 0
        # row of the first element of each load
        first = (np.cumsum(self.lengths) - self.lengths)[self.sequence]
        slot, start, length, first = (column[kept] for column in (self.slot, self.start, length, first))
        entered = start // self.bptt
        count = (start + length - 1) // self.bptt - entered + 1  # pieces of each load
        load = np.repeat(np.arange(len(count)), count)
        # number of the piece within its load
        number = np.arange(len(load)) - np.repeat(np.cumsum(count) - count, count)
        block = entered[load] + number
        begin = np.maximum(start[load], block * self.bptt)
        end = np.minimum(start[load] + length[load], (block + 1) * self.bptt)
        by_block = np.argsort(block, kind="stable")
        columns = {
            "block": block,
            "slot": slot[load],
            "time": begin - block * self.bptt,
            "index": first[load] + begin - start[load],
            "length": end - begin,
            "fresh": number == 0,
        }
        return {name: column[by_block] for name, column in columns.items()}


def _block(pieces: dict[str, np.ndarray]) -> Block:
    """Build the dense arrays of one block."""
    slots, column = np.unique(pieces["slot"], return_inverse=True)
    time, length = pieces["time"], pieces["length"]
    shape = int((time + length).max()), len(slots)
    index = np.full(shape, NOTHING, dtype=np.int64)
    resets = np.zeros(shape, dtype=bool)
    within = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
    index[np.repeat(time, length) + within, np.repeat(column, length)] = np.repeat(pieces["index"], length) + within
    resets[time[pieces["fresh"]], column[pieces["fresh"]]] = True
    return Block(slots, index, resets)


Loads = list[tuple[int, int, int]]  # sequence, slot, start


def _drained(lengths: np.ndarray, queue: np.ndarray, batch_size: int) -> tuple[Loads, int]:
    """Give the next sequence to the slot that is free first (the lowest of several)."""
    free = [(0, slot) for slot in range(batch_size)]
    loads: Loads = []
    for sequence in queue.tolist():
        start, slot = free[0]
        loads.append((sequence, slot, start))
        heapq.heapreplace(free, (start + int(lengths[sequence]), slot))
    return loads, max(end for end, _ in free)


def _balanced(lengths: np.ndarray, queue: np.ndarray, batch_size: int) -> tuple[Loads, int]:
    """Deal the longest sequence first to the emptiest slot; each slot keeps the queue's order."""
    longest_first = queue[np.argsort(-lengths[queue], kind="stable")]
    dealt, steps = _drained(lengths, longest_first, batch_size)
    slot_of = {sequence: slot for sequence, slot, _ in dealt}
    filled = [0] * batch_size
    loads: Loads = []
    for sequence in queue.tolist():
        slot = slot_of[sequence]
        loads.append((sequence, slot, filled[slot]))
        filled[slot] += int(lengths[sequence])
    return loads, steps


def _wrapped(
    lengths: np.ndarray, queue: np.ndarray, batch_size: int, bptt: int, *, as_written: bool
) -> tuple[Loads, int]:
    """Load sequences again from the start of the data when all are loaded; whole blocks only.

    The epoch ends as `from_lengths` describes for `drain`.
    """
    n = len(queue)
    if as_written and batch_size >= n:
        raise InputError(
            f'drain="notes" never starts with {batch_size} slots and {n} sequences; '
            f"it needs fewer slots than sequences, or drain=False"
        )
    loads: Loads = []
    free: list[tuple[int, int]] = []
    for slot in range(batch_size):
        sequence = int(queue[slot % n])
        loads.append((sequence, slot, 0))
        free.append((int(lengths[sequence]), slot))
    heapq.heapify(free)
    marker = batch_size
    # the notes' code ends with the block that wraps around; otherwise the run ends with the block
    # in which each sequence has been used once
    end = None if as_written else max([int(lengths[load[0]]) for load in loads[:n]])
    while True:
        start, slot = free[0]
        over = end is not None and (as_written or marker >= n)
        if over and start >= -(-end // bptt) * bptt:  # type: ignore[operator]
            return loads, -(-end // bptt) * bptt  # type: ignore[operator]
        if as_written:
            marker += 1  # before the load, so that sequence number batch_size is skipped
        sequence = int(queue[marker % n])
        loads.append((sequence, slot, start))
        heapq.heapreplace(free, (start + int(lengths[sequence]), slot))
        if as_written and marker == n:
            end = start
        if not as_written:
            if marker < n:
                end = max(end or 0, start + int(lengths[sequence]))
            marker += 1


def _checked(lengths: Any, *, batch_size: int, bptt: int, drain: Drain, order: Order) -> np.ndarray:
    """Return the lengths as int64; InputError if lengths, sizes or options are wrong."""
    array = np.asarray(lengths)
    if array.ndim != 1 or len(array) == 0:
        raise InputError(f"lengths must be a row of at least one number, got shape {array.shape}")
    if array.dtype.kind not in "iu":
        raise InputError(f"lengths must be whole numbers, got {array.dtype}")
    if (array < 1).any():
        number = int(np.argmax(array < 1))
        raise InputError(f"sequence {number} has length {array[number]}; lengths are at least 1: leave it out")
    if batch_size < 1 or bptt < 1:
        raise InputError(f"batch_size and bptt must be at least 1, got {batch_size} and {bptt}")
    if not (drain is True or drain is False or drain == "notes"):
        raise InputError(f'drain must be True, False or "notes", got {drain!r}')
    if order not in ("given", "longest", "balanced"):
        raise InputError(f'order must be "given", "longest" or "balanced", got {order!r}')
    if order == "balanced" and drain is not True:
        raise InputError(f'order="balanced" needs drain=True, got drain={drain!r}')
    return array.astype(np.int64)
