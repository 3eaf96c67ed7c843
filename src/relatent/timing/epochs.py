"""Time an epoch with each inference network, side by side."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

import numpy as np

from relatent.digits.binarise import How
from relatent.vae import train as vae_digits


def seconds_per_epoch(
    images: np.ndarray,
    validation: np.ndarray,
    settings: Mapping[str, Mapping[str, Any]],
    *,
    repeats: int,
    binarisation: How,
    device: str = "cpu",
) -> list[dict[str, Any]]:
    """Time the first epoch of several models in turns, so that all see the same load of the
    machine.

    Parameters
    ----------
    images, validation, binarisation, device : as in `relatent.vae.train.train`.
    settings : the `relatent.vae.train.Options` of each model, by name, without epochs.
    repeats : epochs of each model, of which the median counts.

    Returns
    -------
    list of dict
        A row a model: `run`, `encoder`, `seconds` (median of an epoch, validation included),
        `lowest`, `highest`, and `ratio` of the median to that of the first model.
    """
    seconds: dict[str, list[float]] = {name: [] for name in settings}
    where: dict[str, Any] = {"binarisation": binarisation, "device": device}
    for seed in range(repeats):
        for name, values in settings.items():
            options = vae_digits.Options(**values, epochs=1)
            _, _, fitted = vae_digits.train(images, validation, options, seed=seed, **where)
            seconds[name] += fitted.seconds_per_epoch
    first = statistics.median(next(iter(seconds.values())))
    return [
        {
            "run": name,
            "encoder": settings[name]["encoder"],
            "seconds": statistics.median(taken),
            "lowest": min(taken),
            "highest": max(taken),
            "ratio": statistics.median(taken) / first,
        }
        for name, taken in seconds.items()
    ]
