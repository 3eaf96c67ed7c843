"""Describe a training to `relatent.networks.training.fit`: its recipe and its journal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from relatent.networks.objectives import Objective, summed
from relatent.networks.probes import Probe
from relatent.networks.schedules import Schedule


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The length and the objective of a training.

    Attributes
    ----------
    epochs : int, passes over the training rows.
    batch_size : int, rows per step.
    objective : (parts, step) -> scalar to minimise; default: the sum of the parts' means.
    schedule : step -> factor on the rate; None, the default, leaves the rate as it is.
    patience : int, default 0, epochs without a lower validation loss (the sum of its parts) after
        which training ends; the module then has the weights of the best epoch, as it has after the
        last one. 0: all epochs, and the last weights.
    """

    epochs: int
    batch_size: int
    objective: Objective = summed
    schedule: Schedule | None = None
    patience: int = 0


@dataclass(frozen=True)
class Journal:
    """Where a training is recorded while it runs; no result depends on it.

    Attributes
    ----------
    checkpoint : file that is written each epoch and resumed from; the caller removes it when it has
        stored the results. Its name must differ for other parameters, inputs or code. None, the
        default: none.
    probe : gets the marks of the first steps, see `relatent.networks.probes`; None, the default:
        nothing.
    name : str, what the progress bar is called; "" takes the name that the training has by default.
    """

    checkpoint: Path | None = None
    probe: Probe | None = None
    name: str = ""

    @property
    def digest(self) -> str:
        """The name of the checkpoint: a renamed one is ignored."""
        return self.checkpoint.stem if self.checkpoint else ""
