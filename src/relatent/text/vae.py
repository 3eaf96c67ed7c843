"""A variational autoencoder of documents: z ~ N(0, I), every word drawn from softmax(z R + b).

NVDM (Miao, Yu & Blunsom 2016) with any of the inference networks of `relatent.text.encoders`.
Likelihoods are those of a document's words in their order, without the multinomial coefficient, so
perplexities compare.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 torch's own name for it

from relatent.networks.initialisation import initialise, initialise_cells, restored
from relatent.text.encoders import Batch, Documents, trunk
from relatent.vae.encoders import InferenceNetwork
from relatent.vae.model import gaussian_kl

# |log variance| of q(z | x): a document of thousands of words must not overflow it
LOGVAR_BOUND = 10.0


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
        """Return mean and log variance of q(z | x), each (batch, latent_dim)."""
        mu, logvar = self.encoder(batch)
        return mu, logvar.clamp(-LOGVAR_BOUND, LOGVAR_BOUND)

    def log_likelihood(self, *, counts: Tensor, z: Tensor) -> Tensor:
        """Return log p(x | z) in nats: counts (batch, n_words), z (..., batch, latent_dim) -> (...,
        batch)."""
        return (counts * F.log_softmax(self.decoder(z), dim=-1)).sum(-1)

    def elbo_parts(self, batch: Batch, *, generator: torch.Generator) -> dict[str, Tensor]:
        """Return the negative ELBO in its two parts, (batch,) each in nats, from one draw of z per
        document."""
        mu, logvar = self.encode(batch)
        noise = torch.randn(mu.shape, generator=generator, device=mu.device)
        reconstruction = -self.log_likelihood(counts=batch.counts, z=mu + torch.exp(0.5 * logvar) * noise)
        return {"reconstruction": reconstruction, "kl": gaussian_kl(mu=mu, logvar=logvar).sum(-1)}


def architecture(
    *, n_words: int, latent_dim: int, encoder: str, encoder_widths: Sequence[int], embedding: int, n_units: int
) -> dict[str, Any]:
    """Return the input of `build`, in JSON's types, to be kept beside the weights.

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
    """Build the model of an architecture, its weights drawn from `generator`, on the generator's
    device."""
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
    """Return a trained model on the CPU, in eval mode, from its weights and its architecture."""
    return restored(build(shape, generator=torch.Generator()), state)


def with_words(documents: Documents) -> Tensor:
    """Return the rows, int64, of the documents that have a known word."""
    return torch.from_numpy(np.flatnonzero(np.diff(documents.counts.indptr)))
