"""The VAE of documents: its bounds, its perplexities, and that it learns."""

import itertools
import math

import numpy as np
import pytest
import torch

from relatent.text import vae as vae_text
from relatent.text import vae_measure, vae_training
from relatent.text.corpus import Ragged, counts
from relatent.text.encoders import Documents
from relatent.vae.measure import active_units
from tests.support.flat import flat

SHAPE = {"latent_dim": 2, "encoder_widths": [16], "embedding": 6, "n_units": 8}


def corpus(n=60, seed=0, empty=0):
    """Documents of two topics, words 0 to 4 and 5 to 9, and some without a word."""
    generator = np.random.default_rng(seed)
    topics = generator.integers(0, 2, n)
    sequences = [generator.integers(5 * topic, 5 * topic + 5, generator.integers(4, 12)) for topic in topics]
    sequences += [np.empty(0, np.int64)] * empty
    ragged = Ragged.of(sequence.astype(np.int32) for sequence in sequences)
    return Documents(counts(ragged, n_words=10), ragged, max_tokens=20), topics


def trained(encoder, **changed):
    settings = {"epochs": 40, "warm_up_epochs": 0, "batch_size": 20, "learning_rate": 2e-2, "seed": 0} | changed
    return flat(vae_training.train)(corpus()[0], corpus(seed=1, empty=1)[0], encoder=encoder, **SHAPE, **settings)


@pytest.mark.parametrize("encoder", ["mlp", "lstm", "gru", "both"])
def test_every_encoder_finds_two_topics(encoder):
    """Perplexity near 5, the words of one topic, where a unigram model has 10."""
    model, _, fitted = trained(encoder)
    held_out, _ = corpus(seed=2)
    parts = vae_measure.measure(
        model, held_out, elbo_samples=10, bound_samples=50, generator=torch.Generator().manual_seed(0)
    )
    assert vae_measure.perplexity(parts["bound"], parts["words"])["words"] < 8.5
    assert len(fitted.history) == 40
    assert active_units(vae_measure.embed(model, held_out)) >= 1


def test_the_same_seed_gives_the_same_weights():
    """And another seed others."""
    first, again, other = (trained("both", epochs=2, seed=seed)[0].decoder.weight for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_bound_with_many_samples_is_the_likelihood_by_quadrature():
    """A 1-D latent: log p(x) by a fine grid over z, bound close to it, ELBO below it, KL as torch
    has it."""
    shape = vae_text.architecture(n_words=10, encoder="mlp", **SHAPE | {"latent_dim": 1})
    model = vae_text.build(shape, generator=torch.Generator().manual_seed(1)).eval()
    some, _ = corpus(n=5)
    parts = vae_measure.measure(
        model, some, elbo_samples=4000, bound_samples=4000, generator=torch.Generator().manual_seed(0)
    )
    grid = torch.linspace(-8, 8, 4001, dtype=torch.float64)
    batch = some.batch(torch.arange(5))
    with torch.no_grad():
        log_p = model.double().log_likelihood(counts=batch.counts.double(), z=grid[:, None, None].expand(-1, 5, 1))
        log_prior = torch.distributions.Normal(0, 1).log_prob(grid)[:, None]
        exact = torch.logsumexp(log_p + log_prior, 0) + math.log(16 / 4000)
        mu, logvar = model.float().encode(batch)
    prior, posterior = (torch.distributions.Normal(*at) for at in ((0.0, 1.0), (mu, torch.exp(0.5 * logvar))))
    np.testing.assert_allclose(parts["kl"], torch.distributions.kl_divergence(posterior, prior).sum(1), rtol=1e-5)
    np.testing.assert_allclose(parts["bound"], exact, atol=0.02)
    assert (parts["elbo"] < exact.numpy() + 0.02).all()


def test_block_size_and_order_do_not_matter_for_embeddings(monkeypatch):
    """Embedded one by one or all at once."""
    model, _, _ = trained("gru", epochs=1)
    some, _ = corpus(n=7, empty=2)
    whole = vae_measure.embed(model, some)
    monkeypatch.setattr(vae_measure, "ROWS", 1)
    np.testing.assert_allclose(vae_measure.embed(model, some), whole, rtol=1e-5, atol=1e-6)
    assert np.isfinite(whole).all()


def test_documents_without_a_word_are_left_out_of_perplexity():
    """They have no word to predict; everybody else stays."""
    model, _, _ = trained("mlp", epochs=1)
    parts = vae_measure.measure(
        model, corpus(n=6, empty=3)[0], elbo_samples=1, bound_samples=1, generator=torch.Generator().manual_seed(0)
    )
    assert len(parts["elbo"]) == 6
    assert (parts["words"] > 0).all()


def test_perplexity_averages_over_documents_or_over_words():
    """Two documents by hand: a short one of probability 1/2 a word, a long one of 1/8."""
    words = np.array([1.0, 3.0])
    found = vae_measure.perplexity(np.log([1 / 2, 1 / 8**3]), words)
    assert found["documents"] == pytest.approx(math.sqrt(2 * 8))
    assert found["words"] == pytest.approx((2 * 8**3) ** (1 / 4))


def test_a_huge_document_does_not_overflow():
    """50,000 words: finite loss and gradients."""
    ragged = Ragged.of([np.zeros(50_000, np.int32), np.array([1], np.int32)])
    some = Documents(counts(ragged, n_words=10), ragged, max_tokens=20)
    _, _, fitted = flat(vae_training.train)(
        some, some, encoder="both", **SHAPE, epochs=2, warm_up_epochs=1, batch_size=2, learning_rate=1e-2, seed=0
    )
    assert all(math.isfinite(value) for row in fitted.history for value in row.values())


def test_top_words_are_those_with_the_largest_weights():
    """Ties by the word's number."""
    weights = np.array([[0.0, 3.0, 1.0], [2.0, 2.0, -1.0]])
    assert vae_measure.top_words(weights, ["a", "b", "c"], count=2) == [["b", "c"], ["a", "b"]]


def test_gains_name_the_words_of_each_direction():
    """A dimension that raises one word and lowers another: each is the top word of its
    direction."""
    model, _, _ = trained("mlp", epochs=1)
    with torch.no_grad():
        model.decoder.weight.zero_()
        model.decoder.weight[3, 0], model.decoder.weight[7, 0] = 1.0, -1.0
    gained = vae_measure.gains(model)
    assert gained.argmax(axis=1)[:2].tolist() == [3, 7]
    at_zero = torch.softmax(model.decoder.bias, -1).detach().numpy()
    np.testing.assert_allclose((gained * np.sqrt(at_zero)).sum(axis=1), 0, atol=1e-5)


def test_collapse_is_seen():
    """A constant dimension is not active."""
    means = np.stack([np.zeros(50), np.linspace(-1, 1, 50)], axis=1)
    assert active_units(means) == 1
    assert list(itertools.chain(*vae_measure.top_words(np.eye(2), ["x", "y"], count=1))) == ["x", "y"]
