"""Recurrent inference networks read ragged documents exactly, whatever they are batched with."""

import numpy as np
import pytest
import torch

from relatent.errors import InputError
from relatent.networks.initialisation import initialise_cells
from relatent.text.corpus import Ragged, counts
from relatent.text.encoders import Documents, RecurrentTrunk, stepwise, trunk

N_WORDS = 12


def documents(lengths=(3, 0, 7, 1, 5), *, max_tokens=50, seed=0):
    generator = np.random.default_rng(seed)
    sequences = Ragged.of(generator.integers(0, N_WORDS, length).astype(np.int32) for length in lengths)
    return Documents(counts(sequences, n_words=N_WORDS), sequences, max_tokens=max_tokens)


def network(encoder):
    built, n_features = trunk(encoder, n_words=N_WORDS, widths=[6, 5], embedding=4, n_units=3)
    return built.double(), n_features


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_the_trunk_is_the_mean_state_of_torchs_own_network(cell):
    """Each document read alone by nn.GRU or nn.LSTM with the same weights gives the same mean
    state."""
    built = RecurrentTrunk(cell, N_WORDS, embedding=4, n_units=3)
    peer = {"gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[cell](4, 3)
    peer.load_state_dict({f"{name}_l0": value for name, value in built.cell.state_dict().items()})
    some = documents()
    ours = built(some.batch(torch.arange(5)))
    for row, length in enumerate((3, 0, 7, 1, 5)):
        if length == 0:
            assert (ours[row] == 0).all()
            continue
        words = some.values[some.starts[row] : some.starts[row] + length]
        states, _ = peer(built.embedding(words)[:, None])
        torch.testing.assert_close(ours[row], states[:, 0].mean(0))


@pytest.mark.parametrize("encoder", ["mlp", "lstm", "gru", "both"])
def test_a_document_does_not_depend_on_what_it_is_batched_with(encoder):
    """Alone, in a batch, or in another order: the same features, and they have the stated width."""
    built, n_features = network(encoder)
    some = documents()

    def features(rows):
        batch = some.batch(torch.tensor(rows))
        return built(type(batch)(batch.counts.double(), batch.words, batch.running, batch.order))

    whole = features([0, 1, 2, 3, 4])
    assert whole.shape == (5, n_features)
    torch.testing.assert_close(features([4, 2, 1, 0, 3]), whole[[4, 2, 1, 0, 3]])
    for row in range(5):
        torch.testing.assert_close(features([row]), whole[[row]])


def test_steps_hold_every_word_once_and_no_padding():
    """As many entries as words; each document's words in order, the longest documents first."""
    lengths = torch.tensor([2, 0, 4, 1])
    starts = torch.tensor([0, 2, 2, 6])
    words, running, order = stepwise(torch.arange(7), starts, lengths)
    assert order.tolist() == [2, 0, 3, 1]
    assert running == [3, 2, 1, 1]
    assert words.tolist() == [2, 0, 6, 3, 1, 4, 5]


def test_words_beyond_the_cap_are_not_read_and_cost_nothing():
    """50,000 words capped at 4 are 4 steps; the counts stay whole."""
    some = documents((50_000, 2), max_tokens=4)
    batch = some.batch(torch.arange(2))
    assert batch.running == [2, 2, 1, 1]
    assert batch.counts.sum(1).tolist() == [50_000, 2]


def test_documents_without_a_word_alone_give_finite_features():
    """A batch of nothing but empty documents."""
    batch = documents((0, 0)).batch(torch.arange(2))
    for encoder in ("mlp", "gru", "both"):
        built, _ = trunk(encoder, n_words=N_WORDS, widths=[6], embedding=4, n_units=3)
        assert torch.isfinite(built(batch)).all()


def test_faulty_sizes_and_names_are_one_line():
    """What was given, what is allowed."""
    with pytest.raises(InputError, match="one of mlp, lstm, gru, both, got 'cnn'"):
        trunk("cnn", n_words=3, widths=[2], embedding=2, n_units=2)
    with pytest.raises(InputError, match="max_tokens must be at least 1, got 0"):
        documents(max_tokens=0)


def test_weights_come_from_the_generator_alone():
    """The same generator, the same weights, whatever torch's global one is at."""
    found = []
    for _ in range(2):
        built, _ = network("both")
        initialise_cells(built, generator=torch.Generator().manual_seed(3))
        found.append(built.trunks[1])
    torch.testing.assert_close(found[0].cell.weight_hh, found[1].cell.weight_hh)
    torch.testing.assert_close(found[0].embedding.weight, found[1].embedding.weight)
