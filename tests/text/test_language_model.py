"""The language model: it learns an order of words, its surprises are those of each document alone,
its bounds hold."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from relatent.errors import InputError
from relatent.text import language_model as lm
from tests.support.flat import flat

N_TOKENS = 7
OPTIONS = {"n_tokens": N_TOKENS, "hidden": 12, "epochs": 4, "batch_size": 8, "bptt": 9, "learning_rate": 0.1}


def documents(count: int, seed: int = 0) -> list[np.ndarray]:
    """Tokens that count up round a circle from a drawn one, of drawn lengths from 1 to 40."""
    rng = np.random.default_rng(seed)
    return [(rng.integers(N_TOKENS) + np.arange(rng.integers(1, 41))) % N_TOKENS for _ in range(count)]


@pytest.fixture(scope="module")
def fitted():
    return flat(lm.train)(documents(150), documents(20, 1), generator=torch.Generator().manual_seed(0), **OPTIONS)


def test_it_learns_what_follows(fitted) -> None:
    """Only the first token of a document is a surprise; a unigram model is surprised by all."""
    model, _, history = fitted
    test = documents(30, 2)
    found = lm.perplexities(lm.surprises(model, test))
    unigram = lm.perplexities(lm.unigram_surprises(documents(150), documents(20, 1), test, n_tokens=N_TOKENS))
    assert found["perplexity"] < 2
    assert unigram["perplexity"] == pytest.approx(N_TOKENS, rel=0.02)
    assert history.history[-1]["validation_cross_entropy"] < np.log(2)


def test_surprises_are_those_of_each_document_alone(fitted, monkeypatch: pytest.MonkeyPatch) -> None:
    """Step by step with the plain GRU, whatever the slots and the blocks."""
    model, test = fitted[0], documents(13, 3)
    monkeypatch.setattr(lm, "SLOTS", 4)
    monkeypatch.setattr(lm, "STEPS", 6)
    for document, surprise in zip(test, lm.surprises(model, test), strict=True):
        seen = torch.tensor([N_TOKENS, *document[:-1]])
        with torch.inference_mode():
            logits = model.readout(model.rnn(model.embeddings[seen])[0])
            expected = -logits.log_softmax(1)[torch.arange(len(seen)), torch.from_numpy(document)]
        np.testing.assert_allclose(surprise, expected.numpy(), rtol=1e-4, atol=1e-5)


def test_probabilities_of_the_next_token_sum_to_one(fitted) -> None:
    """Over all tokens that can come first: exp(-surprise) of one-token documents."""
    every = [np.array([token]) for token in range(N_TOKENS)]
    assert sum(float(np.exp(-s[0])) for s in lm.surprises(fitted[0], every)) == pytest.approx(1, rel=1e-5)


def test_training_repeats_and_weights_come_back() -> None:
    """One seed, one result."""
    (one, shape, _), (two, _, _) = (
        flat(lm.train)(
            documents(20), documents(5, 1), generator=torch.Generator().manual_seed(3), **OPTIONS | {"epochs": 1}
        )
        for _ in range(2)
    )
    loaded = lm.load(one.state_dict(), shape)
    for name, value in two.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], value, rtol=0, atol=0)


def test_limited_keeps_the_frequent_words_and_the_stop_words() -> None:
    """Five words, two stop words, unknown; two words kept."""
    tokens = np.array([0, 1, 2, 4, 5, 6, 7])
    found = lm.limited(tokens, n_words=2, first_stop_word=5, unknown=7)
    assert found.tolist() == [0, 1, 4, 4, 2, 3, 4]
    np.testing.assert_array_equal(lm.limited(tokens, n_words=5, first_stop_word=5, unknown=7), tokens)


@pytest.mark.parametrize(
    ("faulty", "message"),
    [
        (lambda model: lm.surprises(model, [np.array([0, 7])]), "from 0 to 6, got 0 to 7"),
        (lambda model: lm.load(model.state_dict(), {"model": "row_rnn"}), "of 'row_rnn', not of a language_model"),
        (lambda model: lm.limited(np.array([0]), n_words=9, first_stop_word=5, unknown=7), "of 5 words 1 to 5"),
        (
            lambda model: flat(lm.train)([np.zeros(0, np.int64)], documents(1), generator=torch.Generator(), **OPTIONS),
            "1 empty",
        ),
    ],
)
def test_bad_input_is_one_line(fitted, faulty, message: str) -> None:
    """What was given, what is allowed."""
    with pytest.raises(InputError, match=message):
        faulty(fitted[0])
