"""A variational autoencoder of documents: z ~ N(0, I), every word drawn from softmax(z R + b).

NVDM (Miao, Yu & Blunsom 2016) with any of the inference networks of `latents.text.encoders`. Likelihoods are
those of a document's words in their order, without the multinomial coefficient, so perplexities compare.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 torch's own name for it

from latents.networks.initialisation import initialise, initialise_cells
from latents.networks.objectives import kl_warm_up
from latents.networks.recipe import Journal, Recipe
from latents.networks.schedules import one_cycle
from latents.networks.streams import spawn
from latents.networks.training import NOWHERE, Fitted, fit
from latents.text.encoders import Batch, Documents, trunk
from latents.vae.encoders import InferenceNetwork
from latents.vae.model import gaussian_kl

LOGVAR_BOUND = 10.0  # |log variance| of q(z | x): a document of thousands of words must not overflow it
SMOOTHING = 0.1  # added to each word's count before its logarithm starts the decoder's bias
ROWS = 500  # documents measured or embedded at once; no result depends on it
STEP = 2.0  # standard deviations of the prior, the step along a dimension that shows what it means


class TextVAE(nn.Module):
    """An inference network over `Batch`es and a linear softmax decoder.

    Parameters
    ----------
    encoder : Batch -> mu, logvar, each (batch, latent_dim).
    latent_dim, n_words : sizes of z and of the vocabulary.
    """

    def __init__(self, encoder: nn.Module, *, latent_dim: int, n_words: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = nn.Linear(latent_dim, n_words)
        self.latent_dim = latent_dim

    def encode(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Mean and log variance of q(z | x), each (batch, latent_dim)."""
        mu, logvar = self.encoder(batch)
        return mu, logvar.clamp(-LOGVAR_BOUND, LOGVAR_BOUND)

    def log_likelihood(self, *, counts: Tensor, z: Tensor) -> Tensor:
        """log p(x | z) in nats: counts (batch, n_words), z (..., batch, latent_dim) -> (..., batch)."""
        return (counts * F.log_softmax(self.decoder(z), dim=-1)).sum(-1)

    def elbo_parts(self, batch: Batch, *, generator: torch.Generator) -> dict[str, Tensor]:
        """The negative ELBO in its two parts, (batch,) each in nats, from one draw of z a document."""
        mu, logvar = self.encode(batch)
        noise = torch.randn(mu.shape, generator=generator, device=mu.device)
        reconstruction = -self.log_likelihood(counts=batch.counts, z=mu + torch.exp(0.5 * logvar) * noise)
        return {"reconstruction": reconstruction, "kl": gaussian_kl(mu=mu, logvar=logvar).sum(-1)}


def architecture(
    *, n_words: int, latent_dim: int, encoder: str, encoder_widths: Sequence[int], embedding: int, n_units: int
) -> dict[str, Any]:
    """What `build` needs, in JSON's types, to be kept beside the weights.

    Examples
    --------
    >>> shape = architecture(
    ...     n_words=20, latent_dim=2, encoder="gru", encoder_widths=[8], embedding=4, n_units=6
    ... )
    >>> build(shape, generator=torch.Generator().manual_seed(0)).decoder
    Linear(in_features=2, out_features=20, bias=True)
    """
    return {
        "model": "vae_text",
        "n_words": n_words,
        "latent_dim": latent_dim,
        "encoder": encoder,
        "encoder_widths": list(encoder_widths),
        "embedding": embedding,
        "n_units": n_units,
    }


def build(architecture: Mapping[str, Any], *, generator: torch.Generator) -> TextVAE:
    """The model of an architecture, its weights drawn from `generator`, on the generator's device."""
    n_words, latent_dim = architecture["n_words"], architecture["latent_dim"]
    with torch.device("meta"):  # no weights yet, so nothing is drawn from torch's global generator
        reader, n_features = trunk(
            architecture["encoder"],
            n_words=n_words,
            widths=architecture["encoder_widths"],
            embedding=architecture["embedding"],
            n_units=architecture["n_units"],
        )
        encoder = InferenceNetwork(reader, n_features=n_features, latent_dim=latent_dim)
        model = TextVAE(encoder, latent_dim=latent_dim, n_words=n_words)
    model = model.to_empty(device=generator.device)
    initialise(model, generator=generator)
    initialise_cells(model, generator=generator)
    return model


def load(state: Mapping[str, Tensor], shape: Mapping[str, Any]) -> TextVAE:
    """A trained model on the CPU, in eval mode, from its weights and its architecture."""
    model = build(shape, generator=torch.Generator())
    model.load_state_dict(state)
    return model.eval()


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a VAE of documents is and how it is trained.

    Attributes
    ----------
    encoder, latent_dim, encoder_widths, embedding, n_units : see `latents.text.encoders.trunk`.
    epochs, batch_size : int, passes over the documents, and documents per step.
    warm_up_epochs : float, epochs over which the weight of the KL rises from 0 to 1; 0: it is 1 throughout.
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

    The loss is each document's negative ELBO over its number of words: what the perplexity averages over documents.
    Documents without a word have no likelihood to maximise and are left out.

    Parameters
    ----------
    training, validation : documents.
    options : the architecture and the training.
    device : str, default "cpu".
    journal : checkpoint and probe, see `latents.networks.recipe.Journal`; default: none.

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
    steps = -(-len(rows) // options.batch_size)  # an epoch
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


def with_words(documents: Documents) -> Tensor:
    """Rows, int64, of the documents that have a known word."""
    return torch.from_numpy(np.flatnonzero(np.diff(documents.counts.indptr)))


@torch.no_grad()
def measure(
    model: TextVAE, documents: Documents, *, elbo_samples: int, bound_samples: int, generator: torch.Generator
) -> dict[str, np.ndarray]:
    """The ELBO, its KL and the importance-weighted bound of each document with a word.

    Parameters
    ----------
    elbo_samples, bound_samples : draws of z a document.

    Returns
    -------
    dict of float64 arrays (n,)
        `elbo`, `kl`, `bound` in nats, and `words`, the number of words; see `perplexity`.
    """
    # `latents.vae.bounds` draws from a stream per block of 50 rows; here one generator draws for `ROWS` documents
    # at once, sample by sample: the bounds are the same in expectation, but not the recorded numbers
    rows = with_words(documents)
    found: dict[str, list[Tensor]] = {"elbo": [], "kl": [], "bound": [], "words": []}
    for some in rows.split(ROWS):
        batch = documents.batch(some)
        mu, logvar = model.encode(batch)
        kl = gaussian_kl(mu=mu, logvar=logvar).sum(-1)
        likelihood, weights = [], []
        for sample in range(max(elbo_samples, bound_samples)):
            noise = torch.randn(mu.shape, generator=generator)
            z = mu + torch.exp(0.5 * logvar) * noise
            log_p = model.log_likelihood(counts=batch.counts, z=z).double()
            if sample < elbo_samples:
                likelihood.append(log_p)
            if sample < bound_samples:
                log_ratio = 0.5 * (noise.square() + logvar - z.square()).sum(-1)  # log p(z) - log q(z | x)
                weights.append(log_p + log_ratio)
        found["elbo"].append(torch.stack(likelihood).mean(0) - kl)
        found["kl"].append(kl.double())
        found["bound"].append(torch.logsumexp(torch.stack(weights), 0) - math.log(bound_samples))
        found["words"].append(batch.counts.sum(-1).double())
    return {name: torch.cat(parts).numpy() for name, parts in found.items()}


def perplexity(log_likelihood: np.ndarray, words: np.ndarray) -> dict[str, float]:
    """Perplexity a word, averaged in both usual ways.

    Parameters
    ----------
    log_likelihood : float (n,), of each document in nats, or a bound on it.
    words : float (n,), number of words of each, at least 1.

    Returns
    -------
    dict
        `documents`: exp of the mean over documents of -log p / words, as NVDM (every document counts the same);
        `words`: exp of the sum of -log p over the sum of words (every word counts the same).

    Examples
    --------
    >>> averages = perplexity(np.log([0.5, 0.25]), np.array([1.0, 2.0]))
    >>> round(averages["documents"], 9), round(averages["words"], 9)
    (2.0, 2.0)
    """
    return {
        "documents": float(np.exp(-(log_likelihood / words).mean())),
        "words": float(np.exp(-log_likelihood.sum() / words.sum())),
    }


@torch.no_grad()
def embed(model: TextVAE, documents: Documents) -> np.ndarray:
    """Posterior means of all documents, float32 (n, latent_dim), in their order."""
    blocks = torch.arange(len(documents)).split(ROWS)
    return torch.cat([model.encode(documents.batch(rows))[0] for rows in blocks]).numpy()


@torch.no_grad()
def gains(model: TextVAE) -> np.ndarray:
    """What each word gains when z moves from 0 by 2 along a dimension, up, then down: (p - p_0) / sqrt(p_0).

    Weights alone would name rare words and p - p_0 the commonest ones; this is the gain in the units of a count's
    standard deviation. A Gaussian latent has no preferred axes, so directions are less clean than LDA's topics.

    Returns
    -------
    float32 (2 * latent_dim, n_words)
        Rows 2k and 2k + 1 are dimension k upwards and downwards.
    """
    steps = STEP * torch.eye(model.latent_dim).repeat_interleave(2, dim=0)
    steps[1::2] *= -1
    at_zero = model.decoder(torch.zeros(1, model.latent_dim)).softmax(-1)
    return ((model.decoder(steps).softmax(-1) - at_zero) / at_zero.sqrt()).numpy()


def top_words(weights: np.ndarray, words: Sequence[str], *, count: int) -> list[list[str]]:
    """The words that each topic raises most: weights (n_topics, n_words), best first, equal ones by their number."""
    best = np.argsort(-weights, axis=1, kind="stable")[:, :count]
    return [[words[word] for word in row] for row in best]


def summary(parts: Mapping[str, np.ndarray], *, prefix: str = "") -> dict[str, float]:
    """Perplexities of what `measure` gives, by the ELBO (`perplexity_*`) and by the tighter bound (`bound_*`)."""
    found = {f"perplexity_{name}": value for name, value in perplexity(parts["elbo"], parts["words"]).items()}
    found |= {f"bound_{name}": value for name, value in perplexity(parts["bound"], parts["words"]).items()}
    found |= {"kl": float(parts["kl"].mean()), "elbo": float(parts["elbo"].mean()), "documents": len(parts["words"])}
    return {f"{prefix}{name}": value for name, value in found.items()}
