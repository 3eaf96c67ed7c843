"""Read text: a multilayer perceptron on counts, recurrent cells over word embeddings, or both.

Recurrent cells read ragged sequences, at each step only the documents that have not ended: nothing
is padded, and the features of a document do not depend on the other documents of its batch.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 torch's own name for it

from relatent.errors import InputError
from relatent.text.corpus import Ragged

SCALE = 10.0  # length of the perceptron's input rows, near the length of raw rows


@dataclass(frozen=True)
class Batch:
    """A few documents in both forms.

    Attributes
    ----------
    counts : float32 (batch, n_words).
    words : int64 (n_tokens,), step by step: the first word of each document, longest first, then
        the second, ...
    running : number of documents with a word at each step, descending; its sum is n_tokens.
    order : int64 (batch,), documents from the longest to the shortest.
    """

    counts: Tensor
    words: Tensor
    running: list[int]
    order: Tensor

    def __len__(self) -> int:
        return len(self.counts)


class Documents:
    """Counts and sequences of documents, from which batches are made.

    Parameters
    ----------
    counts : CSR (n, n_words).
    sequences : the words of each document in order, numbers below n_words.
    max_tokens : int, most words of a document that recurrent networks read.
    """

    def __init__(self, counts: sparse.csr_array, sequences: Ragged, *, max_tokens: int) -> None:
        if len(sequences) != counts.shape[0]:
            raise InputError(f"sequences must be of {counts.shape[0]} documents, got {len(sequences)}")
        if max_tokens < 1:
            raise InputError(f"max_tokens must be at least 1, got {max_tokens}")
        self.counts = counts
        self.values = torch.from_numpy(sequences.values).long()
        self.starts = torch.from_numpy(sequences.offsets[:-1])
        self.lengths = torch.from_numpy(sequences.lengths).clamp(max=max_tokens)

    def __len__(self) -> int:
        return self.counts.shape[0]

    def batch(self, rows: Tensor, device: torch.device | str = "cpu") -> Batch:
        """Return the documents of row numbers, int64 (batch,)."""
        rows = rows.cpu()
        dense = torch.from_numpy(self.counts[rows.numpy()].toarray().astype(np.float32))
        words, running, order = stepwise(self.values, self.starts[rows], self.lengths[rows])
        return Batch(dense.to(device), words.to(device), running, order.to(device))


def stepwise(values: Tensor, starts: Tensor, lengths: Tensor) -> tuple[Tensor, list[int], Tensor]:
    """Lay ragged sequences out step by step, longest first, without padding: see `Batch`.

    Examples
    --------
    >>> words, running, order = stepwise(torch.tensor([7, 8, 9]), torch.tensor([0, 1]), torch.tensor([1, 2]))
    >>> words.tolist(), running, order.tolist()
    ([8, 7, 9], [2, 1], [1, 0])
    """
    sorted_lengths, order = lengths.sort(descending=True, stable=True)
    steps = torch.arange(int(lengths.max()) if len(lengths) else 0)
    running = torch.searchsorted(-sorted_lengths, -steps)  # documents longer than the step
    step = torch.repeat_interleave(steps, running)
    first = torch.repeat_interleave(running.cumsum(0) - running, running)
    document = order[torch.arange(len(step)) - first]
    return values[starts[document] + step], running.tolist(), order


class BagTrunk(nn.Module):
    """A perceptron with softplus units on log(1 + counts), rows scaled to one length; gives (batch,
    widths[-1])."""

    def __init__(self, n_words: int, widths: Sequence[int]) -> None:
        super().__init__()
        sizes = itertools.pairwise((n_words, *widths))
        layers = [(nn.Linear(inputs, outputs), nn.Softplus()) for inputs, outputs in sizes]
        self.layers = nn.Sequential(*itertools.chain.from_iterable(layers))

    def forward(self, batch: Batch) -> Tensor:
        """Return features of the documents; a document without a word has an input of zeros."""
        return self.layers(SCALE * F.normalize(torch.log1p(batch.counts), dim=-1))


class RecurrentTrunk(nn.Module):
    """A recurrent cell over word embeddings trained with it; gives the mean of its states, (batch,
    n_units)."""

    def __init__(self, cell: str, n_words: int, *, embedding: int, n_units: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(n_words, embedding)
        self.cell: nn.GRUCell | nn.LSTMCell = CELLS[cell](embedding, n_units)

    def forward(self, batch: Batch) -> Tensor:
        """Return the mean state of each document over its words; zeros for one without a word."""
        size = self.cell.hidden_size
        # split, not slices: its gradient is one copy
        inputs = self.embedding(batch.words).split(batch.running)
        hidden = batch.counts.new_zeros(batch.running[0] if batch.running else 0, size)
        memory, states = hidden, []
        for step in inputs:
            if isinstance(self.cell, nn.LSTMCell):
                hidden, memory = self.cell(step, (hidden[: len(step)], memory[: len(step)]))
            else:
                hidden = self.cell(step, hidden[: len(step)])
            states.append(hidden)
        return self._means(batch, states, size)

    def _means(self, batch: Batch, states: list[Tensor], size: int) -> Tensor:
        n_words = torch.zeros(len(batch), device=batch.counts.device)
        total = batch.counts.new_zeros(len(batch), size)
        if states:
            running = torch.tensor(batch.running)
            place = torch.arange(int(running.sum())) - torch.repeat_interleave(running.cumsum(0) - running, running)
            document = batch.order[place.to(batch.order.device)]
            total = total.index_add(0, document, torch.cat(states))
            n_words = n_words.index_add(0, document, torch.ones(len(document), device=n_words.device))
        return total / n_words.clamp(min=1)[:, None]


class JoinedTrunk(nn.Module):
    """Features of several trunks, side by side."""

    def __init__(self, *trunks: nn.Module) -> None:
        super().__init__()
        self.trunks = nn.ModuleList(trunks)

    def forward(self, batch: Batch) -> Tensor:
        """Return (batch, sum of the trunks' features)."""
        return torch.cat([trunk(batch) for trunk in self.trunks], dim=-1)


CELLS: dict[str, type[nn.GRUCell] | type[nn.LSTMCell]] = {"gru": nn.GRUCell, "lstm": nn.LSTMCell}
ENCODERS = ("mlp", "lstm", "gru", "both")


def trunk(encoder: str, *, n_words: int, widths: Sequence[int], embedding: int, n_units: int) -> tuple[nn.Module, int]:
    """Return the trunk of an inference network and the number of its features; "both" joins
    perceptron and GRU.

    Raises
    ------
    InputError
        When the encoder is unknown.
    """
    if encoder not in ENCODERS:
        raise InputError(f"encoder must be one of {', '.join(ENCODERS)}, got {encoder!r}")
    if encoder == "mlp":
        return BagTrunk(n_words, widths), widths[-1]
    recurrent = RecurrentTrunk("gru" if encoder == "both" else encoder, n_words, embedding=embedding, n_units=n_units)
    if encoder == "both":
        return JoinedTrunk(BagTrunk(n_words, widths), recurrent), widths[-1] + n_units
    return recurrent, n_units
