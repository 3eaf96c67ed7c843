"""Count how unevenly epochs that wrap around use their sequences, over orders of the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from relatent.bptt.evenness import sampling_bias
from relatent.bptt.schedule import SwapSchedule
from relatent.stats.seeds import over_seeds

KEPT = ("unused_share", "extra_share", "first_sequences_uses", "last_sequences_uses", "short_uses", "long_uses")


def document_lengths(offsets: np.ndarray, *, longest: int) -> np.ndarray:
    """Return the lengths of the sequences between offsets, without empty ones, cut at `longest`.

    Examples
    --------
    >>> document_lengths(np.array([0, 3, 3, 10]), longest=5)
    array([3, 5])
    """
    found = np.diff(offsets)
    return found[found > 0].clip(max=longest)


def bias_over_seeds(
    lengths: np.ndarray, *, slots: int, bptt: int, batches: int, seeds: int, epochs: int
) -> dict[str, Any]:
    """Return mean and standard error of `sampling_bias` over random draws and orders of sequences.

    Parameters
    ----------
    lengths : int (n,), each at least 1.
    slots, bptt : batch size and steps per block of the schedule.
    batches : an epoch has `slots * batches` sequences, or all sequences if there are fewer.
    seeds : number of random draws of the sequences.
    epochs : number of shuffled epochs over which the uses are averaged.

    Returns
    -------
    dict
        Result of `relatent.stats.seeds.over_seeds` with the keys `<how>_<measure>`. `how` is notes
        (the notes' code as written), wrapped (until every sequence has ended), shuffled (the notes'
        code, averaged over epochs that are each shuffled) or drained; the measures are those of
        `sampling_bias`. The key `alike_batches` is the share of random batches in which all
        sequences have the same length.
    """
    return over_seeds(
        [
            _of_one_draw(lengths, slots=slots, bptt=bptt, batches=batches, seed=seed, epochs=epochs)
            for seed in range(seeds)
        ]
    )


def _of_one_draw(
    lengths: np.ndarray, *, slots: int, bptt: int, batches: int, seed: int, epochs: int
) -> dict[str, float]:
    order = np.random.default_rng(seed).permutation(len(lengths))[: slots * batches]
    drawn = np.asarray(lengths, np.int64)[order]
    layout: dict[str, Any] = {"batch_size": slots, "bptt": bptt}
    found: dict[str, float] = {}
    for how, drain in (("notes", "notes"), ("wrapped", False), ("drained", True)):
        counted = sampling_bias(SwapSchedule.from_lengths(drawn, drain=drain, **layout))  # type: ignore[arg-type]
        found |= {f"{how}_{key}": counted[key] for key in KEPT}
    shuffle = torch.Generator().manual_seed(seed)
    shuffled = [SwapSchedule.from_lengths(drawn, drain="notes", generator=shuffle, **layout) for _ in range(epochs)]
    averaged = _Averaged(drawn, slots, np.mean([schedule.uses() for schedule in shuffled], axis=0))
    counted = sampling_bias(averaged)  # type: ignore[arg-type]
    found |= {f"shuffled_{key}": counted[key] for key in KEPT}
    whole = drawn[: len(drawn) // slots * slots].reshape(-1, slots)
    return found | {"alike_batches": float((whole == whole[:, :1]).all(axis=1).mean())}


@dataclass(frozen=True)
class _Averaged:
    """Mean uses over schedules of the same sequences, in the form that `sampling_bias` reads."""

    lengths: np.ndarray
    batch_size: int
    mean_uses: np.ndarray

    def uses(self) -> np.ndarray:
        return self.mean_uses
