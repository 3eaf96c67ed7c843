"""Train a deep RBM: greedily, the top under a fixed bottom, then both layers jointly."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from relatent.errors import InputError
from relatent.networks.initialisation import fill
from relatent.networks.recipe import Journal
from relatent.networks.training import NOWHERE, Fitted, fit
from relatent.rbm.deep import DeepRBM, reconstruction_error
from relatent.rbm.model import RBM, build
from relatent.rbm.training import START_ROWS, Options, Read, make_optimizer, recipe, train


def stack(
    bottom: RBM,
    read: Read,
    options: Options,
    *,
    n_hidden: int,
    n_train: int,
    n_validation: int = 0,
    generator: torch.Generator,
    journal: Journal = NOWHERE,
) -> tuple[DeepRBM, Fitted]:
    """Train a top greedily on the middle layer's means under a trained bottom.

    Parameters
    ----------
    bottom : trained; copied, so it stays as it is.
    read : (rows, generator) -> visible values (batch, n_visible).
    n_hidden : int, units of the top.
    options, n_train, n_validation, generator, journal : see `relatent.rbm.training.train`.

    Returns
    -------
    deep, fitted
        The stack before its joint training, and the history of the top's.
    """
    top = RBM(bottom.n_hidden, n_hidden, visible=bottom.hidden.name, sigma=bottom.sigma)

    def read_middle(rows: Tensor, draws: torch.Generator) -> Tensor:
        return bottom.mean_hidden(read(rows, draws))

    start = torch.randperm(n_train, generator=generator, device=generator.device)[:START_ROWS]
    top.initialise(read_middle(start, generator), generator=generator)
    rows: dict[str, int] = {"n_train": n_train, "n_validation": n_validation}
    top, fitted = train(top, read_middle, options, generator=generator, journal=journal, **rows)
    deep = DeepRBM(build(bottom.architecture()), top)
    fill(deep.bottom, bottom.state_dict())
    return deep, fitted


class _Joint(nn.Module):
    """The deep RBM in training with its persistent chains, kept as states of the middle layer."""

    def __init__(self, deep: DeepRBM, read: Read, *, states: Tensor, steps: int, workers: int) -> None:
        super().__init__()
        self.deep, self.read, self.steps, self.workers = deep, read, steps, workers
        self.register_buffer("states", states)
        self.states: Tensor

    def loss_parts(self, rows: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Return energies of data and, negated, of chains; in evaluation the squared error per
        unit."""
        v = self.read(rows, generator)
        h1, h2 = self.deep.up(v)
        if not self.training:
            return {"reconstruction": reconstruction_error(self.deep, v)}
        negative = -self.deep.energy(*self._chain(generator)).mean()
        return {"energy": self.deep.energy(v, h1, h2), "negative": negative.expand(len(rows))}

    def _chain(self, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        draw: dict[str, Any] = {"generator": generator, "workers": self.workers}
        for _ in range(self.steps):
            v, h2 = self.deep.sample_outer(self.states, **draw)
            self.states = self.deep.sample_middle(v, h2, **draw)
        return v, self.states, h2


def train_jointly(
    deep: DeepRBM,
    read: Read,
    options: Options,
    *,
    n_train: int,
    n_validation: int = 0,
    generator: torch.Generator,
    workers: int = 1,
    journal: Journal = NOWHERE,
) -> Fitted:
    """Train both layers together, in place, with chains that persist.

    Parameters
    ----------
    options : of `relatent.rbm.training.train`, at least one chain; mean fields, centring and
        averaging are not used.
    read, n_train, n_validation, generator, workers, journal : see `relatent.rbm.training.train`.

    Returns
    -------
    Fitted
        History: mean energies in nats; `validation_reconstruction` is the squared error after a
        pass to the top and down again.

    Raises
    ------
    InputError
        When an option is out of range, or training diverges.
    """
    if options.chains < 1:
        raise InputError(f"chains must be at least 1, got {options.chains}")
    rows = torch.randint(n_train, (options.chains,), generator=generator, device=generator.device)
    states = deep.bottom.sample_hidden(read(rows, generator), generator=generator, workers=workers)
    joint = _Joint(deep, read, states=states, steps=options.steps, workers=workers)
    fitted = fit(
        joint,
        make_optimizer([deep.bottom, deep.top], options),
        joint.loss_parts,
        train_rows=torch.arange(n_train),
        validation_rows=torch.arange(n_train, n_train + n_validation) if n_validation else None,
        recipe=recipe(options, n_train),
        generator=generator,
        journal=replace(journal, name="deep rbm"),
    )
    deep.eval()
    return fitted
