"""Measure how evenly an epoch uses the elements of its sequences."""

from __future__ import annotations

import numpy as np

from relatent.bptt.schedule import SwapSchedule


def sampling_bias(schedule: SwapSchedule) -> dict[str, float]:
    """Measure how unevenly an epoch uses the elements (footnote 1 of the notes).

    Returns
    -------
    dict of float
        `elements` is their number; `unused_share`, `once_share` and `repeated_share` are the shares
        of elements used never, once and more than once. `most_uses` is the largest number of uses
        of one element. `extra_share` is the share of all uses that are not the first use of their
        element. `first_sequences_uses` and `last_sequences_uses` are the mean uses per element of
        the first and the last `batch_size` sequences of the data (of all sequences if there are
        fewer); `short_uses` and `long_uses` those of sequences up to the lower quartile and from
        the upper quartile of the lengths. In an exact drain, each element is used once.

    Examples
    --------
    >>> lengths = [2, 5, 1, 3, 1]
    >>> sampling_bias(SwapSchedule.from_lengths(lengths, batch_size=2, bptt=4))["once_share"]
    1.0
    >>> # the notes' code skips sequence number 2 and does not reach number 4
    >>> schedule = SwapSchedule.from_lengths(lengths, batch_size=2, bptt=1, drain="notes")
    >>> round(sampling_bias(schedule)["unused_share"], 3)
    0.167
    """
    uses, lengths = schedule.uses(), schedule.lengths
    sequence = np.repeat(np.arange(len(lengths)), lengths)
    low, high = np.quantile(lengths, [0.25, 0.75])
    groups = {
        "first_sequences": sequence < schedule.batch_size,
        "last_sequences": sequence >= len(lengths) - schedule.batch_size,
        "short": lengths[sequence] <= low,
        "long": lengths[sequence] >= high,
    }
    return {
        "elements": float(len(uses)),
        "unused_share": float(np.mean(uses == 0)),
        "once_share": float(np.mean(uses == 1)),
        "repeated_share": float(np.mean(uses > 1)),
        "most_uses": float(uses.max()),
        "extra_share": float((uses - 1).clip(min=0).sum() / uses.sum()),
    } | {f"{name}_uses": float(uses[group].mean()) for name, group in groups.items()}
