"""Semantic hashing: short binary codes of documents, learned by variational autoencoders.

VDSH (Chaidaroon & Fang, SIGIR 2017): Gaussian z, each word drawn from softmax(z R + b). VDSH-S adds
the label's likelihood given z, VDSH-SP decodes z + v with a private v of its own, labels from z
alone. NASH (Shen et al., ACL 2018): Bernoulli z with a straight-through gradient, and noise on what
the decoder reads. With neighbours the decoder also predicts the words of a near training document
(Chaidaroon, Ebesu & Fang, SIGIR 2018); near documents are found in two rounds, the second with the
diffusion map of the first round's graph. A code's bits are the encoder's means above their medians
over training documents.

Unlike in public code, words are weighed as w log p, not log(p w), and the softmax is over the whole
vocabulary; ranking is by `relatent.ranking`, with ties in expectation and NDCG's ideal from the
whole database.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy import sparse
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 torch's own name for it

from relatent.errors import InputError
from relatent.hashing.graph import weights
from relatent.hashing.network import INPUT_STD, SMOOTHING, HashingNetwork, bernoulli_draw, gaussian_draw, word_loss
from relatent.networks.initialisation import initialise
from relatent.networks.objectives import kl_warm_up
from relatent.networks.recipe import Journal, Recipe
from relatent.networks.schedules import one_cycle
from relatent.networks.streams import spawn
from relatent.networks.training import NOWHERE, Fitted, fit

ROWS = 1000  # documents encoded at once; no result depends on it


@dataclass(frozen=True)
class Method:
    """The differences between the methods.

    Attributes
    ----------
    prior : "gaussian" (VDSH) or "bernoulli" (NASH).
    label_weight : of the label's log likelihood; 0 is unsupervised.
    private : decode z + v with a private Gaussian v.
    neighbours : int, nearest training documents of which the decoder also predicts one; 0: none.
    words : float, sum of a document's scaled word weights: its length in words.
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


@dataclass(frozen=True, kw_only=True)
class Options:
    """How every learned method is trained.

    Attributes
    ----------
    width : int, units of each hidden layer.
    dropout : float in [0, 1), share of the hidden units that a training step drops.
    epochs, batch_size : int, passes over the documents, and documents per step.
    learning_rate : float, the peak of the one-cycle schedule.
    warm_up : float in [0, 1], share of the steps over which the weight of the KL rises from 0 to 1.
    seed : int; weights and draws have a stream each, spawned from it.
    """

    width: int
    dropout: float
    epochs: int
    batch_size: int
    learning_rate: float
    warm_up: float
    seed: int


def train(
    tfidf: sparse.csr_array,
    labels: np.ndarray,
    validation: sparse.csr_array,
    validation_labels: np.ndarray,
    *,
    method: Method,
    bits: int,
    neighbours: np.ndarray | None,
    options: Options,
    device: str = "cpu",
    journal: Journal = NOWHERE,
) -> tuple[HashingNetwork, Fitted]:
    """Train one code length with Adam and a one-cycle rate.

    Parameters
    ----------
    tfidf, validation : CSR (n, n_words), rows of unit length or empty.
    labels, validation_labels : int64 (n,); those of training are read only if the method's
        label_weight is above 0.
    neighbours : int64 (n, k) rows of `tfidf`, from `nearest`; needed when the method has them.
    options : the training.
    device : str, default "cpu".
    journal : checkpoint and probe, see `relatent.networks.recipe.Journal`; default: none.

    Returns
    -------
    network, history
        In eval mode; the history's parts are nats per document: words, neighbour, label, kl.
    """
    first, draws = spawn(options.seed, 2, device)
    n_groups = int(labels.max()) + 1
    with torch.device("meta"):
        network = HashingNetwork(
            n_words=tfidf.shape[1],
            width=options.width,
            bits=bits,
            n_groups=n_groups,
            dropout=options.dropout,
            private=method.private,
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

    steps = options.epochs * -(-len(labels) // options.batch_size)
    fitted = fit(
        network,
        torch.optim.Adam(network.parameters(), lr=options.learning_rate, fused=True),
        loss_parts,
        train_rows=torch.arange(len(labels)),
        validation_rows=torch.arange(len(validation_labels)),
        recipe=Recipe(
            epochs=options.epochs,
            batch_size=options.batch_size,
            objective=kl_warm_up(options.warm_up * steps, weights={"label": method.label_weight}),
            schedule=one_cycle(total_steps=steps),
        ),
        generator=draws,
        journal=replace(journal, name=f"{bits} bits"),
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
    """Return the values to threshold, float32 (n, bits), of all rows in order."""
    blocks = [network.means(tfidf[start : start + ROWS]).cpu() for start in range(0, tfidf.shape[0], ROWS)]
    return torch.cat(blocks).numpy()
