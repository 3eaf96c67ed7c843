"""Codes are thresholded at training medians; the plain methods are what their papers say."""

import numpy as np
import pytest
from scipy import sparse

from relatent.hashing.plain import binarise, itq_rotation, latent_semantic_axes, project, unit


def rows(n=40, seed=0):
    dense = np.abs(np.random.default_rng(seed).standard_normal((n, 12))) * (
        np.random.default_rng(seed + 1).random((n, 12)) < 0.5
    )
    return sparse.csr_array(unit(dense))


def test_a_bit_is_set_for_half_of_the_training_documents_whatever_the_others_are():
    """The median is that of training; test values far above it set every bit."""
    train = np.random.default_rng(0).standard_normal((101, 5))
    first, second = binarise(train, train + 100)
    assert (first.sum(axis=0) == 50).all()
    assert second.all()


def test_the_rotation_of_itq_is_orthogonal_and_lowers_the_quantisation_error():
    """Against the identity, on data of which a rotation is known to be better."""
    generator = np.random.default_rng(0)
    corners = np.where(generator.standard_normal((200, 4)) > 0, 1.0, -1.0)
    turn = np.linalg.qr(generator.standard_normal((4, 4)))[0]
    data = corners @ turn
    rotation = itq_rotation(data, generator=np.random.default_rng(1))
    np.testing.assert_allclose(rotation.T @ rotation, np.eye(4), atol=1e-10)

    def error(values):
        return np.square(values - np.where(values > 0, 1.0, -1.0)).sum()

    assert error(data @ rotation) < 0.5 * error(data)


@pytest.mark.parametrize("method", ["lsh", "lsa", "itq"])
def test_projections_repeat_and_treat_each_row_by_itself(method):
    """The same seed, the same values; a test row's values do not depend on the other test rows."""
    train, test = rows(), rows(seed=5)
    first, second = project(method, train, test, bits=6, seed=0)
    again = project(method, train, test, bits=6, seed=0)
    np.testing.assert_array_equal(first, again[0])
    assert second.shape == (40, 6)
    np.testing.assert_allclose(project(method, train, test[:1], bits=6, seed=0)[1], second[:1], atol=1e-10)


def test_hyperplanes_agree_in_proportion_to_the_angle():
    """LSH (Charikar 2002): the share of differing bits is angle / pi, before the median shifts
    it."""
    pair = sparse.csr_array(np.array([[1.0, 0.0], [np.cos(1.0), np.sin(1.0)]]))
    (values,) = project("lsh", pair, bits=20_000, seed=0)
    assert np.mean((values[0] > 0) != (values[1] > 0)) == pytest.approx(1 / np.pi, abs=0.02)


def test_axes_are_the_singular_vectors_and_missing_ones_are_zero():
    """More axes than the matrix has dimensions: zeros, so a code has its length; an empty document
    stays at zero."""
    train = rows()
    axes = latent_semantic_axes(train, count=3, seed=0)
    _, _, exact = np.linalg.svd(train.toarray(), full_matrices=False)
    np.testing.assert_allclose(np.abs((axes * exact[:3].T).sum(axis=0)), 1, atol=1e-3)
    wide = latent_semantic_axes(train, count=20, seed=0)
    assert wide.shape == (12, 20)
    assert (wide[:, 12:] == 0).all()
    empty = sparse.csr_array((1, 12))
    assert np.isfinite(project("lsa", train, empty, bits=20, seed=0)[1]).all()
