"""Semantic hashing: short binary codes of documents, learned by variational autoencoders.

VDSH (Chaidaroon & Fang, SIGIR 2017): Gaussian z, each word drawn from softmax(z R + b). VDSH-S adds the label's
likelihood given z, VDSH-SP decodes z + v with a private v of its own, labels from z alone. NASH (Shen et al., ACL
2018): Bernoulli z with a straight-through gradient, and noise on what the decoder reads. With neighbours the decoder
also predicts the words of a near training document (Chaidaroon, Ebesu & Fang, SIGIR 2018); near documents are sought
in two rounds, the second with the diffusion map of the graph that the first gave.
A code's bits are the encoder's means above their medians over training documents.

The pitfalls of public code are mended: words are weighed as w log p, not log(p w), and the softmax is over the whole
vocabulary; ranking is by `latents.ranking`, with ties in expectation and NDCG's ideal from the whole database.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 torch's own name for it

from latents.codes import unit
from latents.errors import InputError
from latents.models.encoders import initialise
from latents.models.vae import gaussian_kl
from latents.models.vae_digits import spawn
from latents.probes import Probe
from latents.training import Fitted, fit, one_cycle

INPUT_SCALE = 4.0  # length of the rows that the encoder reads; tf-idf rows have length 1
INPUT_STD = 0.05  # of the first weights of each word
LOGVAR_BOUND = 10.0
ROWS = 1000  # documents encoded at once; no result depends on it
EIGEN_TOLERANCE = 1e-3  # of the eigenvalues, relative; neighbours need no more
SMOOTHING = 0.01  # added to each word's tf-idf mass before its logarithm starts the decoder's bias


@dataclass(frozen=True)
class Method:
    """What distinguishes the methods.

    Attributes
    ----------
    prior : "gaussian" (VDSH) or "bernoulli" (NASH).
    label_weight : of the label's log likelihood; 0 is unsupervised.
    private : decode z + v with a private Gaussian v.
    neighbours : a decoder that also predicts one of so many nearest training documents; 0: none.
    words : a document's word weights are scaled to this sum, the number of words that it counts as.
    """

    prior: str
    label_weight: float
    private: bool
    neighbours: int
    words: float

    def __post_init__(self) -> None:
        if self.prior not in ("gaussian", "bernoulli"):
            raise InputError(f"prior must be gaussian or bernoulli, got {self.prior!r}")
        if self.private and self.prior != "gaussian":
            raise InputError("a private variable needs the gaussian prior")


class HashingNetwork(nn.Module):
    """Encoder, decoder and classifier of one code length.

    Parameters
    ----------
    n_words, width, bits, n_groups : sizes; two layers of `width` ReLU units.
    private : has a private latent of `bits` dimensions beside z.
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
        """Hidden units of sparse rows, (batch, width); in training the generator draws which ones are dropped."""
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
        """What is thresholded: the mean of a Gaussian z, the logit of a Bernoulli one, (batch, bits)."""
        return self.head(self.features(rows)).chunk(2, dim=-1)[0]


def gaussian_draw(parameters: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """One draw of z, and its KL from N(0, I), (batch,), from (batch, 2 * bits) means and log variances."""
    mu, logvar = parameters.chunk(2, dim=-1)
    logvar = logvar.clamp(-LOGVAR_BOUND, LOGVAR_BOUND)
    noise = torch.randn(mu.shape, generator=generator, device=mu.device)
    return mu + torch.exp(0.5 * logvar) * noise, gaussian_kl(mu=mu, logvar=logvar).sum(-1)


def bernoulli_kl(logits: Tensor) -> Tensor:
    """KL of independent bits from fair ones, summed over the last axis, in nats.

    Examples
    --------
    >>> bernoulli_kl(torch.tensor([[0.0, 0.0], [50.0, 0.0]]))
    tensor([0.0000, 0.6931])
    """
    p = torch.sigmoid(logits)
    entropy = F.softplus(logits) - p * logits  # of one bit, in nats
    return (np.log(2) - entropy).sum(-1)


def bernoulli_draw(parameters: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """The bits by a straight-through gradient, what the decoder reads of them (with noise), and the KL."""
    logits, spread = parameters.chunk(2, dim=-1)
    p = torch.sigmoid(logits)
    z = (p > 0.5).to(p.dtype) + p - p.detach()
    noise = torch.randn(p.shape, generator=generator, device=p.device)
    return z, z + F.softplus(spread - 1) * noise, bernoulli_kl(logits)  # the noise's size is learned, as in NASH


def word_loss(logits: Tensor, rows: sparse.csr_array) -> Tensor:
    """-sum_w weight_w log softmax(logits)_w of each row, (batch,), from sparse weights (batch, n_words)."""
    document = torch.from_numpy(np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))).to(logits.device)
    word = torch.from_numpy(rows.indices.astype(np.int64)).to(logits.device)
    weight = torch.from_numpy(rows.data.astype(np.float32)).to(logits.device)
    zeros = logits.new_zeros(len(logits))
    total = zeros.index_add(0, document, weight)
    return total * torch.logsumexp(logits, dim=-1) - zeros.index_add(0, document, weight * logits[document, word])


def weights(tfidf: sparse.csr_array, *, words: float) -> sparse.csr_array:
    """Rows scaled to the sum `words`; an empty row stays empty."""
    sums = np.asarray(tfidf.sum(axis=1)).ravel()
    scaled = tfidf.astype(np.float32)
    scaled.data = (scaled.data * np.repeat(words / np.maximum(sums, 1e-12), np.diff(tfidf.indptr))).astype(np.float32)
    return scaled


def nearest(tfidf: sparse.csr_array, dense: np.ndarray, *, count: int) -> np.ndarray:
    """The nearest rows of each row but itself, int64 (n, count), by the sum of the representations' cosines.

    Parameters
    ----------
    tfidf, dense : sparse (n, n_words) and dense (n, d) rows of unit length, or several dense ones side by side.
    count : at most n - 1 are given.
    """
    count = min(count, len(dense) - 1)
    found = []
    for start in range(0, len(dense), ROWS):
        block = slice(start, start + ROWS)
        similar = (tfidf[block] @ tfidf.T).toarray() + dense[block] @ dense.T
        similar[np.arange(len(similar)), np.arange(start, start + len(similar))] = -np.inf
        near = np.argpartition(-similar, count - 1, axis=1)[:, :count]
        order = np.argsort(-np.take_along_axis(similar, near, axis=1), axis=1, kind="stable")
        found.append(np.take_along_axis(near, order, axis=1))
    return np.concatenate(found)


def diffusion_map(near: np.ndarray, *, count: int, generator: np.random.Generator) -> np.ndarray:
    """Where a random walk on the graph of neighbours leads, float64 (n, count): rows of unit length.

    Documents that share no neighbour, but neighbours of neighbours, are near each other here.

    Parameters
    ----------
    near : int64 (n, k) neighbours of each row, from `nearest`; edges hold both ways, twice where mutual.
    count : leading axes but the constant one, at most n - 1 are given.
    generator : draws where the iteration for the eigenvectors starts.

    References
    ----------
    Coifman & Lafon 2006, after one step.
    """
    n, k = near.shape
    edges = sparse.csr_array((np.ones(n * k), near.ravel(), np.arange(0, n * k + 1, k)), shape=(n, n))
    edges = edges + edges.T
    root = np.sqrt(edges.sum(axis=1))
    scale, constant = sparse.diags_array(1 / root), root / np.linalg.norm(root)
    steps = scale @ edges @ scale
    walk = LinearOperator((n, n), matvec=lambda x: steps @ x - constant * (constant @ x), dtype=np.float64)
    start = generator.standard_normal(n)
    values, vectors = eigsh(walk, k=min(count, n - 1), which="LA", v0=start, tol=EIGEN_TOLERANCE)
    return unit(vectors * np.maximum(values, 0) / root[:, None])


def train(
    tfidf: sparse.csr_array,
    labels: np.ndarray,
    validation: sparse.csr_array,
    validation_labels: np.ndarray,
    *,
    method: Method,
    bits: int,
    neighbours: np.ndarray | None,
    width: int,
    dropout: float,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    warm_up: float,
    seed: int,
    device: str = "cpu",
    checkpoint: Path | None = None,
    probe: Probe | None = None,
) -> tuple[HashingNetwork, Fitted]:
    """Train one code length with Adam and a one-cycle rate.

    Parameters
    ----------
    tfidf, validation : CSR (n, n_words), rows of unit length or empty.
    labels, validation_labels : int64 (n,); those of training are read only if the method's label_weight is above 0.
    neighbours : int64 (n, k) rows of `tfidf`, from `nearest`; needed when the method has them.
    warm_up : share of the steps over which the KL's weight rises from 0 to 1.
    probe : of the training, see `latents.probes`.

    Returns
    -------
    network, history
        In eval mode; the history's parts are nats a document: words, neighbour, label, kl.
    """
    first, draws = spawn(seed, 2, device)
    n_groups = int(labels.max()) + 1
    with torch.device("meta"):
        network = HashingNetwork(
            n_words=tfidf.shape[1], width=width, bits=bits, n_groups=n_groups, dropout=dropout, private=method.private
        )
    network = network.to_empty(device=device)
    prepare(network, tfidf, first)
    targets = {True: weights(tfidf, words=method.words), False: weights(validation, words=method.words)}
    inputs, groups = {True: tfidf, False: validation}, {True: labels, False: validation_labels}

    def loss_parts(rows: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        chosen, training = rows.cpu().numpy(), network.training
        hidden = network.features(inputs[training][chosen], generator)
        if method.prior == "bernoulli":
            z, read, kl = bernoulli_draw(network.head(hidden), generator)
        else:
            z, kl = gaussian_draw(network.head(hidden), generator)
            read = z
        if network.private is not None:
            v, private_kl = gaussian_draw(network.private(hidden), generator)
            read, kl = z + v, kl + private_kl
        logits = network.decoder(read)
        parts = {"words": word_loss(logits, targets[training][chosen]), "kl": kl}
        if neighbours is not None and training:
            pick = torch.randint(neighbours.shape[1], rows.shape, generator=generator, device=rows.device).cpu()
            near = neighbours[chosen, pick.numpy()]
            parts["neighbour"] = word_loss(logits, targets[True][near])
        if method.label_weight:
            group = torch.from_numpy(groups[training][chosen]).to(z.device)
            parts["label"] = F.cross_entropy(network.classifier(z), group, reduction="none")
        return parts

    steps = epochs * -(-len(labels) // batch_size)

    def objective(parts: Mapping[str, Tensor], step: int) -> Tensor:
        scale = {"kl": min(1.0, step / (warm_up * steps)) if warm_up else 1.0, "label": method.label_weight}
        return torch.stack([scale.get(name, 1.0) * part.mean() for name, part in parts.items()]).sum()

    fitted = fit(
        network,
        torch.optim.Adam(network.parameters(), lr=learning_rate, fused=True),
        loss_parts,
        train_rows=torch.arange(len(labels)),
        validation_rows=torch.arange(len(validation_labels)),
        epochs=epochs,
        batch_size=batch_size,
        generator=draws,
        objective=objective,
        schedule=one_cycle(total_steps=steps),
        checkpoint=checkpoint,
        probe=probe,
        digest=checkpoint.stem if checkpoint else "",
        name=f"{bits} bits",
    )
    return network.eval(), fitted


def prepare(network: HashingNetwork, tfidf: sparse.csr_array, generator: torch.Generator) -> None:
    """Draw the weights; start the decoder's bias at the words' log share of the tf-idf mass."""
    initialise(network, generator=generator)
    mass = np.asarray(tfidf.sum(axis=0), np.float64).ravel() + SMOOTHING
    with torch.no_grad():
        nn.init.normal_(network.words.weight, std=INPUT_STD, generator=generator)
        network.bias.zero_()
        network.decoder.bias.copy_(torch.from_numpy(np.log(mass / mass.sum())))


@torch.no_grad()
def encode(network: HashingNetwork, tfidf: sparse.csr_array) -> np.ndarray:
    """What is thresholded, float32 (n, bits), of all rows in order."""
    blocks = [network.means(tfidf[start : start + ROWS]).cpu() for start in range(0, tfidf.shape[0], ROWS)]
    return torch.cat(blocks).numpy()
