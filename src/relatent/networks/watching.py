"""Take the marks of a training while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from relatent.networks import checkpoints
from relatent.networks.probes import STEPS, Probe


@contextmanager
def watched(
    probe: Probe | None,
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
    *,
    validate: Callable[[], Any] | None = None,
) -> Iterator[None]:
    """Mark the states of the training in the block after its first steps, then validation and
    measures.

    Parameters
    ----------
    probe : None: nothing is marked.
    module, optimizer, generator : the training's state, which stays as it is.
    validate : () -> the results of validation on one batch; called in eval mode, draws from its own
        streams.
    """
    if probe is None or probe.complete:
        yield
        return

    def stepped(*_: Any) -> None:
        probe.steps += 1
        if probe.steps in STEPS[0 if probe.whole else 1 :]:
            probe.mark(f"step {probe.steps}", checkpoints.contents(module, optimizer, generator))
        if probe.steps == STEPS[-1]:
            _complete(probe, module, optimizer, generator, validate)

    hook = optimizer.register_step_post_hook(stepped)
    try:
        yield
        if not probe.complete:  # a training of fewer steps
            _complete(probe, module, optimizer, generator, validate)
    finally:
        hook.remove()


def _complete(
    probe: Probe,
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
    validate: Callable[[], Any] | None,
) -> None:
    """Mark validation, the measures after the training, and a checkpoint that is written and read
    back."""
    with _evaluating(module):
        if validate is not None:
            probe.mark("validation", validate())
        if probe.after is not None:
            probe.mark("measured", probe.after(module))
    if probe.whole:
        probe.mark("saved", checkpoints.round_trip(module, optimizer, generator))
    probe.complete = True
    probe.end()


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Set eval mode without gradients; restore each module's own mode."""
    modes = {part: part.training for part in module.modules()}
    module.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for part, mode in modes.items():
            part.training = mode
