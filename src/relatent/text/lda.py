"""Fit the peers of a neural topic model: one distribution of words, and latent Dirichlet
allocation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.special import gammaln, psi

SMOOTHING = 0.1  # added to each word's training count


def unigram(counts: sparse.csr_array) -> np.ndarray:
    """Return each word's log probability, float64 (n_words,), from counts (n, n_words) smoothed by
    .1 per word.

    Examples
    --------
    >>> unigram(sparse.csr_array(np.array([[9.9, 0.0], [0.0, 9.9]])))
    array([-0.69314718, -0.69314718])
    """
    frequency = np.asarray(counts.sum(axis=0), np.float64).ravel() + SMOOTHING
    return np.log(frequency / frequency.sum())


@dataclass(frozen=True)
class LDA:
    """Latent Dirichlet allocation with its topics at their posterior mean.

    Attributes
    ----------
    topics : float64 (n_topics, n_words), each row a distribution over words.
    alpha : the symmetric Dirichlet prior of a document's topics.
    model : scikit-learn's fitted model.
    """

    topics: np.ndarray
    alpha: float
    model: object

    def proportions(self, counts: sparse.csr_array) -> np.ndarray:
        """Return expected topic proportions of documents, float64 (n, n_topics)."""
        return np.asarray(self.model.transform(sparse.csr_matrix(counts)))  # type: ignore[attr-defined]

    def bound(self, counts: sparse.csr_array) -> np.ndarray:
        """Return the variational bound on each document's log likelihood given the topics, float64
        (n,), in nats.

        The analogue of an ELBO: E_q[log p(words | theta)] - KL(q(theta) || p(theta)), q a Dirichlet
        per document and the words' topics at their optimum; the topics themselves are point
        estimates, as a decoder's weights are.

        References
        ----------
        Blei, Ng & Jordan 2003, eq. 15.
        """
        n_topics, n_words = self.topics.shape[0], np.asarray(counts.sum(axis=1), np.float64).ravel()
        # q's parameters sum to the prior's plus the number of words, so the proportions give them
        # back
        # (n, n_topics)
        gamma = self.proportions(counts) * (n_topics * self.alpha + n_words)[:, None]
        log_theta = psi(gamma) - psi(gamma.sum(axis=1, keepdims=True))
        rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
        mixed = np.einsum("ik,ik->i", np.exp(log_theta)[rows], self.topics.T[counts.indices])
        words = np.bincount(rows, counts.data * np.log(mixed), counts.shape[0])
        prior = gammaln(n_topics * self.alpha) - n_topics * gammaln(self.alpha)
        posterior = gammaln(gamma.sum(axis=1)) - gammaln(gamma).sum(axis=1)
        return words + prior - posterior + ((self.alpha - gamma) * log_theta).sum(axis=1)


def fit_lda(counts: sparse.csr_array, *, topics: int, passes: int, batch_size: int, seed: int) -> LDA:
    """Fit LDA by online variational Bayes (Hoffman, Blei & Bach 2010), scikit-learn's, with its
    default priors.

    Parameters
    ----------
    counts : CSR (n, n_words).
    topics, passes, batch_size : int, topics, passes over the documents, documents per step.
    """
    from sklearn.decomposition import LatentDirichletAllocation

    model = LatentDirichletAllocation(
        topics, learning_method="online", max_iter=passes, batch_size=batch_size, random_state=seed
    ).fit(sparse.csr_matrix(counts))
    components = model.components_
    return LDA(components / components.sum(axis=1, keepdims=True), 1 / topics, model)
