"""The hashing network: encoder, decoder, draws and word loss."""

from __future__ import annotations

import numpy as np
import torch
from scipy import sparse
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 torch's own name for it

from relatent.vae.model import gaussian_kl

INPUT_SCALE = 4.0  # length of the rows that the encoder reads; tf-idf rows have length 1
INPUT_STD = 0.05  # of the first weights of each word
LOGVAR_BOUND = 10.0
SMOOTHING = 0.01  # added to each word's tf-idf mass before its logarithm starts the decoder's bias


class HashingNetwork(nn.Module):
    """Encoder, decoder and classifier of one code length.

    Parameters
    ----------
    n_words, width, bits, n_groups : sizes; two layers of `width` ReLU units.
    private : bool, whether there is a private latent of `bits` dimensions beside z.
    """

    def __init__(self, *, n_words: int, width: int, bits: int, n_groups: int, dropout: float, private: bool) -> None:
        super().__init__()
        self.words = nn.EmbeddingBag(n_words, width, mode="sum")  # a linear layer on sparse rows
        self.bias = nn.Parameter(torch.zeros(width))
        self.hidden = nn.Sequential(nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.dropout = dropout
        self.head = nn.Linear(width, 2 * bits)
        self.private = nn.Linear(width, 2 * bits) if private else None
        self.decoder = nn.Linear(bits, n_words)
        self.classifier = nn.Linear(bits, n_groups)

    def features(self, rows: sparse.csr_array, generator: torch.Generator | None = None) -> Tensor:
        """Return hidden units of sparse rows, (batch, width); in training the generator draws the
        dropped ones."""
        parts = [torch.from_numpy(part.astype(np.int64)) for part in (rows.indices, rows.indptr[:-1])]
        weights = torch.from_numpy(INPUT_SCALE * rows.data.astype(np.float32))
        device = self.bias.device
        bag = self.words(*(part.to(device) for part in parts), per_sample_weights=weights.to(device))
        hidden = self.hidden(bag + self.bias)
        if not self.training:
            return hidden
        kept = torch.rand(hidden.shape, generator=generator, device=device) >= self.dropout
        return hidden * kept / (1 - self.dropout)

    def means(self, rows: sparse.csr_array) -> Tensor:
        """Return the values to threshold: the mean of a Gaussian z, the logit of a Bernoulli one,
        (batch, bits)."""
        return self.head(self.features(rows)).chunk(2, dim=-1)[0]


def gaussian_draw(parameters: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw z from (batch, 2 * bits) means and log variances; return it and its KL from N(0, I),
    (batch,)."""
    mu, logvar = parameters.chunk(2, dim=-1)
    logvar = logvar.clamp(-LOGVAR_BOUND, LOGVAR_BOUND)
    noise = torch.randn(mu.shape, generator=generator, device=mu.device)
    return mu + torch.exp(0.5 * logvar) * noise, gaussian_kl(mu=mu, logvar=logvar).sum(-1)


def bernoulli_kl(logits: Tensor) -> Tensor:
    """Return the KL of independent bits from fair ones, summed over the last axis, in nats.

    Examples
    --------
    >>> bernoulli_kl(torch.tensor([[0.0, 0.0], [50.0, 0.0]]))
    tensor([0.0000, 0.6931])
    """
    p = torch.sigmoid(logits)
    entropy = F.softplus(logits) - p * logits  # of one bit, in nats
    return (np.log(2) - entropy).sum(-1)


def bernoulli_draw(parameters: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Return the bits with a straight-through gradient, the noisy bits for the decoder, and the
    KL."""
    logits, spread = parameters.chunk(2, dim=-1)
    p = torch.sigmoid(logits)
    z = (p > 0.5).to(p.dtype) + p - p.detach()
    noise = torch.randn(p.shape, generator=generator, device=p.device)
    # the noise's size is learned, as in NASH
    return z, z + F.softplus(spread - 1) * noise, bernoulli_kl(logits)


def word_loss(logits: Tensor, rows: sparse.csr_array) -> Tensor:
    """Return -sum_w weight_w log softmax(logits)_w of each row, (batch,), from sparse weights
    (batch, n_words)."""
    document = torch.from_numpy(np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))).to(logits.device)
    word = torch.from_numpy(rows.indices.astype(np.int64)).to(logits.device)
    weight = torch.from_numpy(rows.data.astype(np.float32)).to(logits.device)
    zeros = logits.new_zeros(len(logits))
    total = zeros.index_add(0, document, weight)
    return total * torch.logsumexp(logits, dim=-1) - zeros.index_add(0, document, weight * logits[document, word])
