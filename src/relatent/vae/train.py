"""Train a VAE of digits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from relatent.digits.binarise import How, reader
from relatent.errors import InputError
from relatent.networks.objectives import bound_only, kl_warm_up
from relatent.networks.recipe import Journal, Recipe
from relatent.networks.schedules import one_cycle
from relatent.networks.streams import spawn
from relatent.networks.training import NOWHERE, Fitted, fit
from relatent.vae.model import VAE, architecture, build, to_unit

# of Adam; 0.99 for its usual 0.999 gains about a nat in 12 epochs, by validation
BETAS = (0.9, 0.99)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a VAE of digits is and how it is trained.

    Attributes
    ----------
    encoder, latent_dim, encoder_widths, decoder_widths : see `relatent.vae.model.architecture`.
    epochs, batch_size : int, passes over the digits, and digits per step.
    learning_rate : float, the peak of the one-cycle schedule.
    warm_up_epochs : int, default 0, epochs over which the weight of the KL rises from 0 to 1; 0: it
        is 1 throughout.
    free_bits : float, default 0, nats that each latent dimension may use before its KL counts, see
        `VAE.elbo_parts`.
    draws : int, default 1, draws of z per digit; above 1 the objective is the importance-weighted
        bound, see `VAE.bound_parts`.
    patience : int, default 0, of early stopping on the validation ELBO, see
        `relatent.networks.recipe.Recipe`.

    Raises
    ------
    InputError
        When the bound is asked for together with an option that needs the KL apart.
    """

    encoder: str
    latent_dim: int
    encoder_widths: Sequence[int]
    decoder_widths: Sequence[int]
    epochs: int
    batch_size: int
    learning_rate: float
    warm_up_epochs: int = 0
    free_bits: float = 0.0
    draws: int = 1
    patience: int = 0

    def __post_init__(self) -> None:
        if self.draws > 1 and (self.warm_up_epochs or self.free_bits or self.patience):
            raise InputError("the importance-weighted bound has no KL apart to weigh, nor an ELBO to stop on: draws 1")


def train(
    images: np.ndarray,
    validation: np.ndarray,
    options: Options,
    *,
    binarisation: How,
    seed: int,
    initial: Mapping[str, Tensor] | None = None,
    device: str = "cpu",
    journal: Journal = NOWHERE,
) -> tuple[VAE, dict[str, Any], Fitted]:
    """Train a VAE with Adam and a one-cycle rate.

    Parameters
    ----------
    images : uint8 (n, 784), grey training digits, binarised as `binarisation` says.
    validation : uint8 (m, 784), in {0, 1}: validation digits under their fixed draw.
    options : the architecture and the training.
    seed : int; weights, order and draws have a stream each, spawned from it.
    initial : weights of a model of the same architecture to start from; None, the default: drawn
        from the seed.
    device : str, default "cpu".
    journal : checkpoint and probe, see `relatent.networks.recipe.Journal`; default: none.

    Returns
    -------
    model, architecture, history
        The model in eval mode, the input of `build`, and its history in nats per digit.

    Raises
    ------
    InputError
        When the initial weights do not fit.
    """
    weights, stream, fixed = spawn(seed, 3, device)
    shape = architecture(
        n_visible=images.shape[1],
        latent_dim=options.latent_dim,
        encoder=options.encoder,
        encoder_widths=options.encoder_widths,
        decoder_widths=options.decoder_widths,
    )
    model = build(shape, generator=weights)
    if initial is not None:
        start_from(model, initial)
    grey, binary = torch.from_numpy(images).to(device), torch.from_numpy(validation).to(device)
    read = reader(grey, how=binarisation, generator=fixed)

    def loss_parts(rows: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        # (batch, 784)
        x = read(rows, generator) if model.training else to_unit(binary[rows], binarisation)
        if options.draws > 1 and model.training:
            return model.bound_parts(x, draws=options.draws, generator=generator)
        return model.elbo_parts(x, generator=generator, free_bits=options.free_bits if model.training else 0.0)

    steps = -(-len(grey) // options.batch_size)  # per epoch
    fitted = fit(
        model,
        torch.optim.Adam(model.parameters(), lr=options.learning_rate, betas=BETAS, fused=True),
        loss_parts,
        train_rows=torch.arange(len(grey)),
        validation_rows=torch.arange(len(binary)),
        recipe=Recipe(
            epochs=options.epochs,
            batch_size=options.batch_size,
            objective=bound_only if options.draws > 1 else kl_warm_up(options.warm_up_epochs * steps),
            schedule=one_cycle(total_steps=options.epochs * steps),
            patience=options.patience,
        ),
        generator=stream,
        journal=replace(journal, name=f"{options.encoder} {options.latent_dim}-D seed {seed}"),
    )
    return model.eval(), shape, fitted


def start_from(model: VAE, initial: Mapping[str, Tensor]) -> None:
    """Copy another model's weights into this one; InputError when names or shapes differ."""
    own, given = (
        {name: tuple(value.shape) for name, value in state.items()} for state in (model.state_dict(), initial)
    )
    if own != given:
        differing = sorted(name for name in own.keys() | given.keys() if own.get(name) != given.get(name))
        raise InputError(f"a warm start needs weights of the same architecture; {differing[0]} differs")
    model.load_state_dict(initial)
