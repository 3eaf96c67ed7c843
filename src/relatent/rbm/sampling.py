"""Run Gibbs chains of RBMs and of deep RBMs; both models have the kernel `step`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import torch
from torch import Tensor


class State(NamedTuple):
    """The state of a chain: visible values (n, n_visible) and, in a deep RBM after its first step,
    draws of the top."""

    visible: Tensor
    top: Tensor | None = None


class Kernel(Protocol):
    """A model whose step draws the next state of a chain; workers (threads) change no draw."""

    def step(self, state: State, *, generator: torch.Generator, workers: int = 1) -> State: ...


def chain(model: Kernel, v: Tensor, *, generator: torch.Generator, workers: int = 1) -> Iterator[Tensor]:
    """Yield the visible values (n, n_visible) of Gibbs chains that start at v, step by step,
    without end."""
    state = State(v)
    while True:
        state = model.step(state, generator=generator, workers=workers)
        yield state.visible


def gibbs(model: Kernel, v: Tensor, steps: int, *, generator: torch.Generator, workers: int = 1) -> Tensor:
    """Return the visible values (n, n_visible) after `steps` steps of Gibbs chains that start at
    v."""
    state = State(v)
    for _ in range(steps):
        state = model.step(state, generator=generator, workers=workers)
    return state.visible
