"""Train a VAE of documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from relatent.networks.objectives import kl_warm_up
from relatent.networks.recipe import Journal, Recipe
from relatent.networks.schedules import one_cycle
from relatent.networks.streams import spawn
from relatent.networks.training import NOWHERE, Fitted, fit
from relatent.text.encoders import Documents
from relatent.text.vae import TextVAE, architecture, build, with_words

SMOOTHING = 0.1  # added to each word's count before its logarithm starts the decoder's bias


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a VAE of documents is and how it is trained.

    Attributes
    ----------
    encoder, latent_dim, encoder_widths, embedding, n_units : see `relatent.text.encoders.trunk`.
    epochs, batch_size : int, passes over the documents, and documents per step.
    warm_up_epochs : float, epochs over which the weight of the KL rises from 0 to 1; 0: it is 1
        throughout.
    learning_rate : float, the peak of the one-cycle schedule.
    seed : int; weights and draws have a stream each, spawned from it.
    """

    encoder: str
    latent_dim: int
    encoder_widths: Sequence[int]
    embedding: int
    n_units: int
    epochs: int
    warm_up_epochs: float
    batch_size: int
    learning_rate: float
    seed: int


def train(
    training: Documents,
    validation: Documents,
    options: Options,
    *,
    device: str = "cpu",
    journal: Journal = NOWHERE,
) -> tuple[TextVAE, dict[str, Any], Fitted]:
    """Train with Adam and a one-cycle rate, every document counting the same.

    The loss is each document's negative ELBO over its number of words: what the perplexity averages
    over documents. Documents without a word have no likelihood to maximise and are left out.

    Parameters
    ----------
    training, validation : documents.
    options : the architecture and the training.
    device : str, default "cpu".
    journal : checkpoint and probe, see `relatent.networks.recipe.Journal`; default: none.

    Returns
    -------
    model, architecture, history
        The model in eval mode, and its history in nats per word.
    """
    weights, draws = spawn(options.seed, 2, device)
    shape = architecture(
        n_words=training.counts.shape[1],
        latent_dim=options.latent_dim,
        encoder=options.encoder,
        encoder_widths=options.encoder_widths,
        embedding=options.embedding,
        n_units=options.n_units,
    )
    model = build(shape, generator=weights)
    frequency = torch.from_numpy(training.counts.sum(axis=0)).double() + SMOOTHING
    with torch.no_grad():
        model.decoder.bias.copy_((frequency / frequency.sum()).log())

    def loss_parts(rows: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        batch = (training if model.training else validation).batch(rows, device)
        n_tokens = batch.counts.sum(-1)
        return {part: value / n_tokens for part, value in model.elbo_parts(batch, generator=generator).items()}

    rows = with_words(training)
    steps = -(-len(rows) // options.batch_size)  # per epoch
    fitted = fit(
        model,
        torch.optim.Adam(model.parameters(), lr=options.learning_rate, fused=True),
        loss_parts,
        train_rows=rows,
        validation_rows=with_words(validation),
        recipe=Recipe(
            epochs=options.epochs,
            batch_size=options.batch_size,
            objective=kl_warm_up(options.warm_up_epochs * steps),
            schedule=one_cycle(total_steps=options.epochs * steps),
        ),
        generator=draws,
        journal=replace(journal, name=f"{options.encoder} {options.latent_dim}-D"),
    )
    return model.eval(), shape, fitted
