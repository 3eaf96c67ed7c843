"""Contrastive divergence through the one epoch loop: a loss whose gradient is that of contrastive divergence.

The free energy of data less that of negatives, which are drawn without gradients, has exactly this gradient
(Hinton 2002; Tieleman 2008 for chains that persist). The free energies also tell over-fitting: that of validation
rows rises away from that of training rows.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from latents.errors import InputError
from latents.networks.probes import Probe
from latents.networks.schedules import linear_decay
from latents.networks.training import Fitted, fit
from latents.rbm.model import RBM, reconstruction_error

Read = Callable[[Tensor, torch.Generator], Tensor]

START_ROWS = 10_000  # training rows, drawn at random, that set biases and centres before training


class ContrastiveDivergence(nn.Module):
    """The RBM in training with all that its loss keeps from step to step, so that a checkpoint holds it.

    Parameters
    ----------
    rbm : initialised; trained in place.
    read : (rows (batch,) int64, generator) -> training values (batch, n_visible).
    steps : k of CD-k.
    chains : of persistent contrastive divergence; 0 starts each chain at the data (CD).
    mean_field_visible, mean_field_hidden : means in place of draws in the negative phase.
    centring : rate at which the hidden centre follows the hidden means of data; 0 leaves it where it is.
    averaging : decay of the exponential average of the parameters that is kept as `average`; 0 for none.
    generator : draws the first states of the chains.
    workers : threads of Beta draws; they change no result.
    """

    def __init__(
        self,
        rbm: RBM,
        read: Read,
        *,
        steps: int = 1,
        chains: int = 0,
        mean_field_visible: bool = False,
        mean_field_hidden: bool = False,
        centring: float = 0.0,
        averaging: float = 0.0,
        generator: torch.Generator,
        workers: int = 1,
    ) -> None:
        super().__init__()
        if steps < 1 or chains < 0 or not 0 <= centring < 1 or not 0 <= averaging < 1:
            given = f"steps {steps}, chains {chains}, centring {centring}, averaging {averaging}"
            raise InputError(f"need steps >= 1, chains >= 0, centring and averaging in [0, 1), got {given}")
        self.rbm, self.read, self.steps, self.workers = rbm, read, steps, workers
        self.mean_field_visible, self.mean_field_hidden = mean_field_visible, mean_field_hidden
        self.centring = centring if rbm.visible.centred else 0.0
        self.averaging = averaging
        self.average = copy.deepcopy(rbm).requires_grad_(False) if averaging else None
        states = torch.rand(chains, rbm.n_hidden, generator=generator, device=generator.device)
        self.register_buffer("states", (states < 0.5).float())  # of the hidden layer: one product less a step
        self.states: Tensor

    @property
    def trained(self) -> RBM:
        """The averaged RBM where one is kept, else the RBM itself."""
        return self.rbm if self.average is None else self.average

    def loss_parts(self, rows: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Training: free energies of data and, negated, of negatives; else free energy and squared error.

        Returns
        -------
        dict
            Each (batch,): `free_energy`, in nats; in training `negative`, whose mean is that over the negatives;
            in evaluation `reconstruction`, squared error a unit.
        """
        v = self.read(rows, generator)  # (batch, n_visible)
        if not self.training:
            return {
                "free_energy": self.trained.free_energy(v),
                "reconstruction": reconstruction_error(self.trained, v),
            }
        self._average()
        negatives = self._chain(self._start(v, generator), generator)  # (chains, n_visible)
        both = torch.cat([v, negatives])  # one product forwards and one backwards serve data and negatives
        x = self.rbm.hidden_input(both)  # (batch + chains, n_hidden)
        self._centre(x[: len(v)].detach())
        if len(self.states):
            self.states = self._hidden(x[len(v) :].detach(), generator)
        free_energy, negative = self.rbm.free_energy_of(both, x).split([len(v), len(negatives)])
        return {"free_energy": free_energy, "negative": -negative.mean().expand(len(rows))}

    @torch.no_grad()
    def _start(self, v: Tensor, generator: torch.Generator) -> Tensor:
        """Hidden states from which the chains go on: their own where they persist, else drawn given the data."""
        return self.states if len(self.states) else self._hidden(self.rbm.hidden_input(v), generator)

    def _chain(self, h: Tensor, generator: torch.Generator) -> Tensor:
        """From hidden states, `steps` times down and, between, up."""
        v = self._visible(h, generator)
        for _ in range(self.steps - 1):
            with torch.no_grad():
                x = self.rbm.hidden_input(v)
            v = self._visible(self._hidden(x, generator), generator)
        return v

    @torch.no_grad()
    def _hidden(self, x: Tensor, generator: torch.Generator) -> Tensor:
        if self.mean_field_hidden:
            return self.rbm.hidden.mean(x)
        return self.rbm.hidden.sample(x, generator=generator, workers=self.workers)

    def _visible(self, h: Tensor, generator: torch.Generator) -> Tensor:
        if self.mean_field_visible:
            return self.rbm.mean_visible(h)
        return self.rbm.sample_visible(h, generator=generator, workers=self.workers)

    @torch.no_grad()
    def _centre(self, x: Tensor) -> None:
        """Move the hidden centre towards the hidden means; the bias takes it up, so the model stays the same."""
        if self.centring:
            move = self.centring * (self.rbm.hidden.mean(x).mean(0) - self.rbm.hidden_centre)
            self.rbm.hidden_centre.add_(move)
            self.rbm.visible_bias.add_(self.rbm.weight @ move)

    @torch.no_grad()
    def _average(self) -> None:
        if self.average is not None:
            for name, kept in self.average.state_dict().items():
                kept.lerp_(self.rbm.state_dict()[name], 1 - self.averaging)


def train(
    rbm: RBM,
    read: Read,
    *,
    n_train: int,
    n_validation: int = 0,
    epochs: int,
    batch_size: int = 100,
    learning_rate: float = 0.05,
    final_rate: float = 0.0,
    optimizer: str = "sgd",
    momentum: float = 0.0,
    weight_decay: float = 0.0,
    steps: int = 1,
    chains: int = 0,
    mean_field_visible: bool = False,
    mean_field_hidden: bool = False,
    centring: float = 0.01,
    averaging: float = 0.0,
    generator: torch.Generator,
    workers: int = 1,
    checkpoint: Path | None = None,
    probe: Probe | None = None,
    digest: str = "",
    name: str = "rbm",
) -> tuple[RBM, Fitted]:
    """Train an initialised RBM by contrastive divergence.

    Parameters
    ----------
    rbm : initialised; changed in place.
    read : (rows (batch,) int64, generator) -> values (batch, n_visible); rows from `n_train` on are validation.
    n_train, n_validation : numbers of rows.
    learning_rate, final_rate : the rate falls linearly from the first to `final_rate` times it.
    optimizer : "sgd" (with `momentum`) or "adam" (without).
    weight_decay : L2 penalty on the weights, not on the biases.
    steps, chains, mean_field_visible, mean_field_hidden, centring, averaging, workers : see
        `ContrastiveDivergence`.
    generator : draws the order of the rows, the negatives and what `read` draws.
    checkpoint, probe, digest, name : see `latents.networks.training.fit`.

    Returns
    -------
    rbm, fitted
        The averaged RBM if `averaging`, else `rbm` itself; in eval mode. History in nats and squared error.

    Raises
    ------
    InputError
        When an option is out of range, or training diverges.
    """
    divergence = ContrastiveDivergence(
        rbm,
        read,
        steps=steps,
        chains=chains,
        mean_field_visible=mean_field_visible,
        mean_field_hidden=mean_field_hidden,
        centring=centring,
        averaging=averaging,
        generator=generator,
        workers=workers,
    )
    fitted = fit(
        divergence,
        make_optimizer([rbm], optimizer, learning_rate=learning_rate, momentum=momentum, weight_decay=weight_decay),
        divergence.loss_parts,
        train_rows=torch.arange(n_train),
        validation_rows=torch.arange(n_train, n_train + n_validation) if n_validation else None,
        epochs=epochs,
        batch_size=batch_size,
        generator=generator,
        schedule=linear_decay(total_steps=epochs * -(-n_train // batch_size), end=final_rate),
        checkpoint=checkpoint,
        probe=probe,
        digest=digest,
        name=name,
    )
    return divergence.trained.eval(), fitted


def make_optimizer(
    rbms: list[RBM], kind: str, *, learning_rate: float, momentum: float, weight_decay: float
) -> torch.optim.Optimizer:
    """SGD with momentum, or Adam, over the parameters of RBMs; weight decay on weights only."""
    groups: list[dict[str, Any]] = [
        {"params": [rbm.weight for rbm in rbms], "weight_decay": weight_decay},
        {"params": [bias for rbm in rbms for bias in (rbm.visible_bias, rbm.hidden_bias)]},
    ]
    if kind == "sgd":
        return torch.optim.SGD(groups, lr=learning_rate, momentum=momentum, fused=True)
    if kind == "adam":
        return torch.optim.Adam(groups, lr=learning_rate, fused=True)
    raise InputError(f"optimizer must be one of sgd, adam, got {kind!r}")
