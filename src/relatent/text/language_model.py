"""Train a small language model on documents of any length: the next word from the words so far."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, linear

from relatent.bptt import RecurrentDecoder, SwapSchedule, swapped
from relatent.bptt.epochs import Steps, train_epochs
from relatent.errors import InputError
from relatent.networks.initialisation import restored
from relatent.networks.recipe import Journal
from relatent.networks.training import NOWHERE, Fitted

# documents at once and words per block in `surprises`; no result depends on them
SLOTS, STEPS = 100, 50
# candidates per token in the unigram model; the best on validation is used
PSEUDO_COUNTS = (0.01, 0.03, 0.1, 0.3, 1.0)


class LanguageModel(RecurrentDecoder):
    """A GRU over embedded tokens that gives logits of the next token; the output weights are the
    embeddings.

    Parameters
    ----------
    n_tokens : int, distinct tokens; the number `n_tokens` itself marks the start of a document.
    hidden : units of the GRU and dimensions of an embedding.
    """

    def __init__(self, *, n_tokens: int, hidden: int) -> None:
        super().__init__(nn.GRU(hidden, hidden))
        self.embeddings = nn.Parameter(torch.zeros(n_tokens + 1, hidden))
        self.bias = nn.Parameter(torch.zeros(n_tokens))
        self.register_buffer("hidden_seed", torch.zeros(1, hidden), persistent=False)
        self.register_buffer("visible_seed", torch.tensor(n_tokens), persistent=False)
        self.hidden_seed: Tensor
        self.visible_seed: Tensor

    @property
    def n_tokens(self) -> int:
        """Return the number of distinct tokens that can be predicted."""
        return len(self.bias)

    def embed(self, visible: Tensor, context: Tensor) -> Tensor:
        """Return embeddings of token numbers (time, batch) -> (time, batch, hidden); there is no
        context."""
        return self.embeddings[visible]

    def readout(self, outputs: Tensor) -> Tensor:
        """Return logits of the next token, (..., hidden) -> (..., n_tokens)."""
        return linear(outputs, self.embeddings[:-1], self.bias)


def architecture(*, n_tokens: int, hidden: int) -> dict[str, Any]:
    """Return the input of `build`, in JSON's types; see `LanguageModel`."""
    return {"model": "language_model", "n_tokens": n_tokens, "hidden": hidden}


def build(shape: Mapping[str, Any], *, generator: torch.Generator) -> LanguageModel:
    """Build a model; weights are drawn from U(-1/sqrt(hidden), 1/sqrt(hidden)), embeddings from a
    tenth of it.

    Raises
    ------
    InputError
        When `shape` is not the architecture of a language model.
    """
    if shape.get("model") != "language_model":
        raise InputError(f"the weights are of {shape.get('model', 'another model')!r}, not of a language_model")
    model = LanguageModel(n_tokens=shape["n_tokens"], hidden=shape["hidden"]).to(generator.device)
    bound = 1 / math.sqrt(shape["hidden"])
    for name, parameter in model.named_parameters():
        if name != "bias":
            scale = 0.1 * bound if name == "embeddings" else bound
            nn.init.uniform_(parameter, -scale, scale, generator=generator)
    return model


def load(state: Mapping[str, Tensor], shape: Mapping[str, Any]) -> LanguageModel:
    """Return a trained model on the CPU, in eval mode: `load(*read_weights(path))`."""
    return restored(build(shape, generator=torch.Generator()), state)


def token_cost(predicted: Tensor, actual: Tensor) -> Tensor:
    """Return -log p of each token, in nats: logits (n, n_tokens), tokens (n,) -> (n,)."""
    return cross_entropy(predicted, actual, reduction="none")


def limited(tokens: np.ndarray, *, n_words: int, first_stop_word: int, unknown: int) -> np.ndarray:
    """Keep only the first words of a vocabulary among tokens.

    Parameters
    ----------
    tokens : int (n,): words from 0 by falling frequency, stop words from `first_stop_word`,
        `unknown` last.
    n_words : int, words that are kept.

    Returns
    -------
    int64 (n,)
        Words from 0, stop words from n_words, and one last number for every other token.

    Examples
    --------
    >>> limited(np.array([0, 3, 9, 10, 12]), n_words=2, first_stop_word=9, unknown=12)
    array([0, 5, 2, 3, 5])
    """
    if not 1 <= n_words <= first_stop_word:
        raise InputError(f"of {first_stop_word} words 1 to {first_stop_word} can be kept, got {n_words}")
    shift = first_stop_word - n_words
    moved = np.where(tokens >= first_stop_word, tokens - shift, tokens).astype(np.int64)
    moved[(tokens >= n_words) & (tokens < first_stop_word)] = unknown - shift
    return moved


@dataclass(frozen=True, kw_only=True)
class Options(Steps):
    """What a language model is and how it is trained.

    Attributes
    ----------
    hidden : int, see `LanguageModel`.
    """

    hidden: int


def train(
    documents: Sequence[np.ndarray],
    validation: Sequence[np.ndarray],
    options: Options,
    *,
    n_tokens: int,
    generator: torch.Generator,
    device: str = "cpu",
    journal: Journal = NOWHERE,
) -> tuple[LanguageModel, dict[str, Any], Fitted]:
    """Train a model by truncated backpropagation, with ended documents swapped for the next, and
    Adagrad.

    Parameters
    ----------
    documents, validation : int64 (length,) each, tokens from 0 to n_tokens - 1; none empty.
    options : the model and its training.
    n_tokens : int, distinct tokens.
    generator : draws weights and order; on the CPU.
    device : str, default "cpu".
    journal : checkpoint and probe, see `relatent.networks.recipe.Journal`; default: none.

    Returns
    -------
    model, architecture, history
        The model in eval mode on the CPU, the input of `build`, and nats per token.
    """
    shape = architecture(n_tokens=n_tokens, hidden=options.hidden)
    model = build(shape, generator=generator).to(device)
    fitted = train_epochs(
        model,
        [torch.from_numpy(document).to(device) for document in documents],
        options,
        cost=token_cost,
        validate=lambda count: float(np.concatenate(surprises(model, validation[:count])).mean()),
        generator=generator,
        journal=replace(journal, name="language model"),
    )
    return model.cpu().eval(), shape, fitted


@torch.inference_mode()
def surprises(model: LanguageModel, documents: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return -log p of every token given those before it, in nats: float32 (length,) per document.

    Raises
    ------
    InputError
        For a token that the model does not know.
    """
    tokens = np.concatenate([np.zeros(0, np.int64), *documents])
    if len(tokens) and not 0 <= tokens.min() <= tokens.max() < model.n_tokens:
        raise InputError(f"tokens must be from 0 to {model.n_tokens - 1}, got {tokens.min()} to {tokens.max()}")
    device = model.bias.device
    values, cost = torch.from_numpy(tokens).to(device), np.zeros(len(tokens), np.float32)
    lengths = [len(document) for document in documents]
    schedule = SwapSchedule.from_lengths(lengths, batch_size=min(SLOTS, len(documents)), bptt=STEPS)
    state: Any = None
    slots = np.arange(0)
    for block in schedule.blocks():
        # drops slots without a further document
        if state is not None and len(slots) != len(block.slots):
            state = state[:, torch.from_numpy(np.searchsorted(slots, block.slots)).to(device)]
        index = torch.from_numpy(block.index.clip(min=0)).to(device)
        begins = torch.from_numpy(block.resets).to(device)
        visible = torch.where(begins, model.visible_seed, values[(index - 1).clamp(min=0)])
        outputs, state = swapped(model.rnn, model.embed(visible, visible), block.resets, state)
        slots, valid = block.slots, block.valid
        there = torch.from_numpy(valid).to(device)
        cost[block.index[valid]] = token_cost(model.readout(outputs[there]), values[index[there]]).cpu().numpy()
    return np.split(cost, np.cumsum(lengths)[:-1])


def perplexities(surprise: Sequence[np.ndarray]) -> dict[str, float]:
    """Return the perplexity over tokens, exp of their mean, and over documents, exp of the mean of
    their means.

    Examples
    --------
    >>> found = perplexities([np.log([2.0, 2.0, 2.0]), np.log([8.0])])
    >>> [round(value, 2) for value in found.values()]
    [2.83, 4.0]
    """
    means = [np.mean(document, dtype=np.float64) for document in surprise]
    return {
        "perplexity": float(np.exp(np.concatenate(surprise).mean(dtype=np.float64))),
        "perplexity_documents": float(np.exp(np.mean(means))),
    }


def unigram_surprises(
    train: Sequence[np.ndarray],
    validation: Sequence[np.ndarray],
    test: Sequence[np.ndarray],
    *,
    n_tokens: int,
) -> list[np.ndarray]:
    """Return -log p of every test token by its share of training tokens, with the pseudo-count that
    is best on validation documents."""
    counts = np.bincount(np.concatenate(train), minlength=n_tokens).astype(np.float64)
    costs = [-np.log((counts + a) / (counts.sum() + a * n_tokens)) for a in PSEUDO_COUNTS]
    held = np.concatenate(validation)
    best = min(costs, key=lambda cost: float(cost[held].mean()))
    return [best[document] for document in test]
