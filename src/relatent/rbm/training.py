"""Train an RBM by contrastive divergence: a loss with its gradient, for the one epoch loop.

The free energy of data less that of negatives, which are drawn without gradients, has exactly this
gradient (Hinton 2002; Tieleman 2008 for chains that persist). The free energies also show
over-fitting: that of validation rows then rises above that of training rows.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from relatent.errors import InputError
from relatent.networks.recipe import Journal, Recipe
from relatent.networks.schedules import linear_decay
from relatent.networks.training import NOWHERE, Fitted, fit
from relatent.rbm.model import RBM, reconstruction_error

Read = Callable[[Tensor, torch.Generator], Tensor]

START_ROWS = 10_000  # training rows, drawn at random, that set biases and centres before training


@dataclass(frozen=True, kw_only=True)
class Options:
    """How an RBM is trained.

    Attributes
    ----------
    epochs, batch_size : int, passes over the rows, and rows per step; default of the second 100.
    learning_rate, final_rate : float, default 0.05 and 0; the rate falls linearly from the first to
        `final_rate` times it.
    optimizer : "sgd" (the default, with `momentum`) or "adam" (without).
    momentum : float in [0, 1), default 0.
    weight_decay : float, default 0, L2 penalty on the weights, not on the biases.
    steps : int, default 1, k of CD-k.
    chains : int, default 0, of persistent contrastive divergence; 0 starts each chain at the data
        (CD).
    mean_field_visible, mean_field_hidden : bool, default False, means in place of draws in the
        negative phase.
    centring : float in [0, 1), default 0.01, rate at which the hidden centre follows the hidden
        means of data; 0 leaves it where it is.
    averaging : float in [0, 1), default 0, decay of the exponential average of the parameters that
        is kept and returned; 0: no average.

    Raises
    ------
    InputError
        When steps, chains, centring or averaging is out of range.
    """

    epochs: int
    batch_size: int = 100
    learning_rate: float = 0.05
    final_rate: float = 0.0
    optimizer: str = "sgd"
    momentum: float = 0.0
    weight_decay: float = 0.0
    steps: int = 1
    chains: int = 0
    mean_field_visible: bool = False
    mean_field_hidden: bool = False
    centring: float = 0.01
    averaging: float = 0.0

    def __post_init__(self) -> None:
        if self.steps < 1 or self.chains < 0 or not 0 <= self.centring < 1 or not 0 <= self.averaging < 1:
            given = f"steps {self.steps}, chains {self.chains}, centring {self.centring}, averaging {self.averaging}"
            raise InputError(f"need steps >= 1, chains >= 0, centring and averaging in [0, 1), got {given}")


class ContrastiveDivergence(nn.Module):
    """The RBM in training and all states of its loss, as a module so that a checkpoint holds them.

    Parameters
    ----------
    rbm : initialised; trained in place.
    read : (rows (batch,) int64, generator) -> training values (batch, n_visible).
    options : its steps, chains, mean fields, centring and averaging are used.
    generator : draws the first states of the chains.
    workers : int, default 1, threads of Beta draws; they change no result.
    """

    def __init__(self, rbm: RBM, read: Read, options: Options, *, generator: torch.Generator, workers: int = 1) -> None:
        super().__init__()
        self.rbm, self.read, self.options, self.workers = rbm, read, options, workers
        self.centring = options.centring if rbm.visible.centred else 0.0
        self.average = copy.deepcopy(rbm).requires_grad_(False) if options.averaging else None
        states = torch.rand(options.chains, rbm.n_hidden, generator=generator, device=generator.device)
        # of the hidden layer: saves a product per step
        self.register_buffer("states", (states < 0.5).float())
        self.states: Tensor

    @property
    def trained(self) -> RBM:
        """Return the averaged RBM where one is kept, else the RBM itself."""
        return self.rbm if self.average is None else self.average

    def loss_parts(self, rows: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Return free energies of data and, negated, of negatives; in evaluation free energy and
        squared error.

        Returns
        -------
        dict
            Each (batch,): `free_energy`, in nats; in training `negative`, whose mean is that over
            the negatives; in evaluation `reconstruction`, squared error per unit.
        """
        v = self.read(rows, generator)  # (batch, n_visible)
        if not self.training:
            return {
                "free_energy": self.trained.free_energy(v),
                "reconstruction": reconstruction_error(self.trained, v),
            }
        self._average()
        negatives = self._chain(self._start(v, generator), generator)  # (chains, n_visible)
        # one product forwards and one backwards serve data and negatives
        both = torch.cat([v, negatives])
        x = self.rbm.hidden_input(both)  # (batch + chains, n_hidden)
        self._centre(x[: len(v)].detach())
        if len(self.states):
            self.states = self._hidden(x[len(v) :].detach(), generator)
        free_energy, negative = self.rbm.free_energy_of(both, x).split([len(v), len(negatives)])
        return {"free_energy": free_energy, "negative": -negative.mean().expand(len(rows))}

    @torch.no_grad()
    def _start(self, v: Tensor, generator: torch.Generator) -> Tensor:
        """Return the first hidden states of the chains: persistent ones, or draws given the
        data."""
        return self.states if len(self.states) else self._hidden(self.rbm.hidden_input(v), generator)

    def _chain(self, h: Tensor, generator: torch.Generator) -> Tensor:
        """Draw visible units from hidden states, `steps` times down and, between, up."""
        v = self._visible(h, generator)
        for _ in range(self.options.steps - 1):
            with torch.no_grad():
                x = self.rbm.hidden_input(v)
            v = self._visible(self._hidden(x, generator), generator)
        return v

    @torch.no_grad()
    def _hidden(self, x: Tensor, generator: torch.Generator) -> Tensor:
        if self.options.mean_field_hidden:
            return self.rbm.hidden.mean(x)
        return self.rbm.hidden.sample(x, generator=generator, workers=self.workers)

    def _visible(self, h: Tensor, generator: torch.Generator) -> Tensor:
        if self.options.mean_field_visible:
            return self.rbm.mean_visible(h)
        return self.rbm.sample_visible(h, generator=generator, workers=self.workers)

    @torch.no_grad()
    def _centre(self, x: Tensor) -> None:
        """Move the hidden centre towards the hidden means; the bias takes it up, so the model stays
        the same."""
        if self.centring:
            move = self.centring * (self.rbm.hidden.mean(x).mean(0) - self.rbm.hidden_centre)
            self.rbm.hidden_centre.add_(move)
            self.rbm.visible_bias.add_(self.rbm.weight @ move)

    @torch.no_grad()
    def _average(self) -> None:
        if self.average is not None:
            for name, kept in self.average.state_dict().items():
                kept.lerp_(self.rbm.state_dict()[name], 1 - self.options.averaging)


def train(
    rbm: RBM,
    read: Read,
    options: Options,
    *,
    n_train: int,
    n_validation: int = 0,
    generator: torch.Generator,
    workers: int = 1,
    journal: Journal = NOWHERE,
) -> tuple[RBM, Fitted]:
    """Train an initialised RBM by contrastive divergence.

    Parameters
    ----------
    rbm : initialised; changed in place.
    read : (rows (batch,) int64, generator) -> values (batch, n_visible); rows from `n_train` on are
        validation.
    options : the training.
    n_train, n_validation : int, numbers of rows; default of the second 0.
    generator : draws the order of the rows, the negatives and what `read` draws.
    workers : int, default 1, threads of Beta draws; they change no result.
    journal : checkpoint, probe and name, see `relatent.networks.recipe.Journal`; default: none.

    Returns
    -------
    rbm, fitted
        The averaged RBM if there is `averaging`, else `rbm` itself; in eval mode. History in nats
        and squared error.

    Raises
    ------
    InputError
        When an option is out of range, or training diverges.
    """
    divergence = ContrastiveDivergence(rbm, read, options, generator=generator, workers=workers)
    fitted = fit(
        divergence,
        make_optimizer([rbm], options),
        divergence.loss_parts,
        train_rows=torch.arange(n_train),
        validation_rows=torch.arange(n_train, n_train + n_validation) if n_validation else None,
        recipe=recipe(options, n_train),
        generator=generator,
        journal=replace(journal, name=journal.name or "rbm"),
    )
    return divergence.trained.eval(), fitted


def recipe(options: Options, n_train: int) -> Recipe:
    """Return the recipe of the options, whose rate falls linearly over all steps."""
    steps = options.epochs * -(-n_train // options.batch_size)
    schedule = linear_decay(total_steps=steps, end=options.final_rate)
    return Recipe(epochs=options.epochs, batch_size=options.batch_size, schedule=schedule)


def make_optimizer(rbms: list[RBM], options: Options) -> torch.optim.Optimizer:
    """Return SGD with momentum, or Adam, over the parameters of RBMs; weight decay acts on weights
    only."""
    groups: list[dict[str, Any]] = [
        {"params": [rbm.weight for rbm in rbms], "weight_decay": options.weight_decay},
        {"params": [bias for rbm in rbms for bias in (rbm.visible_bias, rbm.hidden_bias)]},
    ]
    if options.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=options.learning_rate, momentum=options.momentum, fused=True)
    if options.optimizer == "adam":
        return torch.optim.Adam(groups, lr=options.learning_rate, fused=True)
    raise InputError(f"optimizer must be one of sgd, adam, got {options.optimizer!r}")
