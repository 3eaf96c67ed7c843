"""The peers of the neural topic models: their likelihoods are likelihoods."""

import numpy as np
from scipy import sparse

from relatent.text.lda import fit_lda, unigram


def corpus(seed=0):
    generator = np.random.default_rng(seed)
    topics = np.repeat(np.eye(2), 4, axis=1) / 4  # words 0 to 3, words 4 to 7
    return sparse.csr_array(np.stack([generator.multinomial(20, topics[n % 2]) for n in range(60)]).astype(np.float32))


def test_unigram_sums_to_one_and_follows_the_counts():
    """Words that never occur keep a little."""
    log_p = unigram(sparse.csr_array(np.array([[3.0, 0.0, 1.0]])))
    np.testing.assert_allclose(np.exp(log_p), np.array([3.1, 0.1, 1.1]) / 4.3)


def test_the_bound_of_lda_is_below_the_likelihood_by_sampling_and_near_it():
    """log p(words) by importance sampling from the prior over proportions, for each of a few
    documents."""
    train, test = corpus(), corpus(seed=1)[[0, 1, 2, 3]]
    model = fit_lda(train, topics=2, passes=20, batch_size=20, seed=0)
    theta = np.random.default_rng(0).dirichlet([model.alpha] * 2, 200_000)
    log_words = np.log(theta @ model.topics + 1e-300) @ test.toarray().T  # (draws, documents)
    exact = np.logaddexp.reduce(log_words, axis=0) - np.log(len(theta))
    bound = model.bound(test)
    assert (bound <= exact + 0.05).all()
    np.testing.assert_allclose(bound, exact, atol=1.5)


def test_lda_finds_the_topics_and_proportions_sum_to_one():
    """Each topic holds four words."""
    model = fit_lda(corpus(), topics=2, passes=20, batch_size=20, seed=0)
    found = sorted(tuple(sorted(np.argsort(-topic)[:4].tolist())) for topic in model.topics)
    assert found == [(0, 1, 2, 3), (4, 5, 6, 7)]
    np.testing.assert_allclose(model.proportions(corpus()).sum(axis=1), 1)
