"""What the project does with a VAE of digits: train it, measure it, embed digits with it, generate digits from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latents.digits.binarise import How, reader
from latents.errors import InputError
from latents.networks.objectives import Objective, bound_only, kl_warm_up
from latents.networks.probes import Probe
from latents.networks.schedules import one_cycle
from latents.networks.streams import spawn
from latents.networks.training import Fitted, fit
from latents.vae.model import VAE, architecture, build, to_unit

BETAS = (0.9, 0.99)  # of Adam; 0.99 for its usual 0.999 gains about a nat in 12 epochs, by validation


def train(
    images: np.ndarray,
    validation: np.ndarray,
    *,
    binarisation: How,
    encoder: str,
    latent_dim: int,
    encoder_widths: Sequence[int],
    decoder_widths: Sequence[int],
    epochs: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
    warm_up_epochs: int = 0,
    free_bits: float = 0.0,
    draws: int = 1,
    patience: int = 0,
    initial: Mapping[str, Tensor] | None = None,
    device: str = "cpu",
    checkpoint: Path | None = None,
    probe: Probe | None = None,
) -> tuple[VAE, dict[str, Any], Fitted]:
    """Train a VAE with Adam and a one-cycle rate.

    Parameters
    ----------
    images : uint8 (n, 784), grey training digits, binarised as `binarisation` says.
    validation : uint8 (m, 784), in {0, 1}: validation digits under their fixed draw.
    encoder, latent_dim, encoder_widths, decoder_widths : see `latents.vae.model.architecture`.
    learning_rate : the peak of the one-cycle schedule.
    seed : weights, order and draws have a stream each, spawned from it.
    warm_up_epochs : over which the weight of the KL rises from 0 to 1; 0: it is 1 throughout.
    free_bits : nats that each latent dimension may use before its KL counts, see `VAE.elbo_parts`.
    draws : of z a digit; above 1 the objective is the importance-weighted bound, see `VAE.bound_parts`.
    patience : of early stopping on the validation ELBO, see `latents.networks.training.fit`; 0: none.
    initial : weights of a model of the same architecture to start from; None: drawn from the seed.
    checkpoint : written each epoch and resumed from; its name says what it belongs to.
    probe : of the training, see `latents.networks.probes`.

    Returns
    -------
    model, architecture, history
        The model in eval mode, what `build` needs to build it again, and its history in nats a digit.

    Raises
    ------
    InputError
        When the bound is asked together with what needs the KL apart, or the initial weights do not fit.
    """
    if draws > 1 and (warm_up_epochs or free_bits or patience):
        raise InputError("the importance-weighted bound has no KL apart to weigh, nor an ELBO to stop on: draws 1")
    weights, stream, fixed = spawn(seed, 3, device)
    shape = architecture(
        n_visible=images.shape[1],
        latent_dim=latent_dim,
        encoder=encoder,
        encoder_widths=encoder_widths,
        decoder_widths=decoder_widths,
    )
    model = build(shape, generator=weights)
    if initial is not None:
        start_from(model, initial)
    grey, binary = torch.from_numpy(images).to(device), torch.from_numpy(validation).to(device)
    read = reader(grey, how=binarisation, generator=fixed)

    def loss_parts(rows: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        x = read(rows, generator) if model.training else to_unit(binary[rows], binarisation)  # (batch, 784)
        if draws > 1 and model.training:
            return model.bound_parts(x, draws=draws, generator=generator)
        return model.elbo_parts(x, generator=generator, free_bits=free_bits if model.training else 0.0)

    steps = -(-len(grey) // batch_size)  # an epoch
    fitted = fit(
        model,
        torch.optim.Adam(model.parameters(), lr=learning_rate, betas=BETAS, fused=True),
        loss_parts,
        train_rows=torch.arange(len(grey)),
        validation_rows=torch.arange(len(binary)),
        epochs=epochs,
        batch_size=batch_size,
        generator=stream,
        objective=chosen_objective(draws=draws, warm_up_steps=warm_up_epochs * steps),
        schedule=one_cycle(total_steps=epochs * steps),
        patience=patience,
        checkpoint=checkpoint,
        probe=probe,
        digest=checkpoint.stem if checkpoint else "",
        name=f"{encoder} {latent_dim}-D seed {seed}",
    )
    return model.eval(), shape, fitted


def chosen_objective(*, draws: int, warm_up_steps: int) -> Objective:
    """What to minimise: the bound alone, the ELBO's parts with a rising weight of the KL, or their plain sum."""
    if draws > 1:
        return bound_only
    return kl_warm_up(warm_up_steps)


def start_from(model: VAE, initial: Mapping[str, Tensor]) -> None:
    """Put another model's weights into this one; InputError when they are not of the same names and shapes."""
    own, given = (
        {name: tuple(value.shape) for name, value in state.items()} for state in (model.state_dict(), initial)
    )
    if own != given:
        differing = sorted(name for name in own.keys() | given.keys() if own.get(name) != given.get(name))
        raise InputError(f"a warm start needs weights of the same architecture; {differing[0]} differs")
    model.load_state_dict(initial)
