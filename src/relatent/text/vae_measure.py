"""Measure a VAE of documents: bounds, perplexities, embeddings, and the words of each latent
dimension."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from relatent.text.encoders import Documents
from relatent.text.vae import TextVAE, with_words
from relatent.vae.model import gaussian_kl

ROWS = 500  # documents measured or embedded at once; no result depends on it

STEP = 2.0  # standard deviations of the prior, the step along a dimension in `gains`


@torch.no_grad()
def measure(
    model: TextVAE, documents: Documents, *, elbo_samples: int, bound_samples: int, generator: torch.Generator
) -> dict[str, np.ndarray]:
    """Measure the ELBO, its KL and the importance-weighted bound of each document with a word.

    Parameters
    ----------
    elbo_samples, bound_samples : int, draws of z per document.

    Returns
    -------
    dict of float64 arrays (n,)
        `elbo`, `kl`, `bound` in nats, and `words`, the number of words; see `perplexity`.
    """
    # `relatent.vae.bounds` draws from a stream per block of 50 rows; here one generator draws for
    # `ROWS` documents at once, sample by sample: the bounds are the same in expectation, but not
    # the recorded numbers
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
                # log p(z) - log q(z | x)
                log_ratio = 0.5 * (noise.square() + logvar - z.square()).sum(-1)
                weights.append(log_p + log_ratio)
        found["elbo"].append(torch.stack(likelihood).mean(0) - kl)
        found["kl"].append(kl.double())
        found["bound"].append(torch.logsumexp(torch.stack(weights), 0) - math.log(bound_samples))
        found["words"].append(batch.counts.sum(-1).double())
    return {name: torch.cat(parts).numpy() for name, parts in found.items()}


def perplexity(log_likelihood: np.ndarray, words: np.ndarray) -> dict[str, float]:
    """Return the perplexity per word, averaged in both usual ways.

    Parameters
    ----------
    log_likelihood : float (n,), of each document in nats, or a bound on it.
    words : float (n,), number of words of each, at least 1.

    Returns
    -------
    dict
        `documents`: exp of the mean over documents of -log p / words, as NVDM (every document
        counts the same); `words`: exp of the sum of -log p over the sum of words (every word counts
        the same).

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
    """Return posterior means of all documents, float32 (n, latent_dim), in their order."""
    blocks = torch.arange(len(documents)).split(ROWS)
    return torch.cat([model.encode(documents.batch(rows))[0] for rows in blocks]).numpy()


@torch.no_grad()
def gains(model: TextVAE) -> np.ndarray:
    """Return each word's gain (p - p_0) / sqrt(p_0) when z moves from 0 by 2 along a dimension, up,
    then down.

    Weights alone would name rare words and p - p_0 the commonest ones; this is the gain in the
    units of a count's standard deviation. A Gaussian latent has no preferred axes, so directions
    are less clean than LDA's topics.

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
    """List the words of highest weight of each topic: weights (n_topics, n_words); ties by their
    number."""
    best = np.argsort(-weights, axis=1, kind="stable")[:, :count]
    return [[words[word] for word in row] for row in best]


def summary(parts: Mapping[str, np.ndarray], *, prefix: str = "") -> dict[str, float]:
    """Summarise `measure`: perplexities by the ELBO (`perplexity_*`) and by the tighter bound
    (`bound_*`)."""
    found = {f"perplexity_{name}": value for name, value in perplexity(parts["elbo"], parts["words"]).items()}
    found |= {f"bound_{name}": value for name, value in perplexity(parts["bound"], parts["words"]).items()}
    found |= {"kl": float(parts["kl"].mean()), "elbo": float(parts["elbo"].mean()), "documents": len(parts["words"])}
    return {f"{prefix}{name}": value for name, value in found.items()}
