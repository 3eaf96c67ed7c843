"""Plain representations: what is learned comes from training items only, and the results repeat."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from sklearn.decomposition import PCA

from relatent.errors import InputError
from relatent.files import hdf5 as storage
from relatent.representations import plain as representations


def test_pixels_are_intensities_in_rows() -> None:
    """255 is one, the order is that of the image's rows."""
    images = np.array([[[0, 255], [51, 102]]], dtype=np.uint8)
    np.testing.assert_allclose(representations.pixels(images), [[0, 1, 0.2, 0.4]])


def test_principal_components_are_scikit_learns_up_to_sign() -> None:
    """Training and test coordinates, the training mean taken from both."""
    rng = np.random.default_rng(0)
    train, test = rng.normal(size=(200, 12)) @ rng.normal(size=(12, 12)) + 3, rng.normal(size=(20, 12))
    ours = representations.principal_components(train, test, count=5)
    peer = PCA(5).fit(train)
    for side, rows in zip(ours, (train, test), strict=True):
        assert side.dtype == np.float32
        np.testing.assert_allclose(np.abs(side), np.abs(peer.transform(rows)), atol=1e-4)


def test_tfidf_learns_words_from_training_only() -> None:
    """A word of the test documents alone is unknown; a document with no known word is a row of
    zeros."""
    train = ["apple pear", "apple plum", "plum pear pear"]
    rows = representations.tfidf(train, ["apple", "quince"], vocabulary=10, min_documents=1, max_share=1.0)
    assert rows[0].shape == (3, 3)
    np.testing.assert_allclose(sparse.linalg.norm(rows[0], axis=1), 1)
    np.testing.assert_allclose(sparse.linalg.norm(rows[1], axis=1), [1, 0])


def test_sparse_rows_are_stored_and_read_back(tmp_path: Path) -> None:
    """Beside dense data sets in one file; the name of a missing one is answered by those there
    are."""
    rows = sparse.random_array((7, 5), density=0.4, format="csr", rng=np.random.default_rng(0))
    with storage.create_hdf5(tmp_path / "a.h5") as file:
        storage.add_csr(file, "rows", rows)
        storage.add_dataset(file, "labels", (7,), np.int64)[...] = np.arange(7)
    read, labels = storage.read_hdf5(tmp_path / "a.h5", "rows", "labels")
    assert (read != rows).nnz == 0
    assert labels.tolist() == list(range(7))
    with pytest.raises(InputError, match="no data set 'none'; it has labels, rows"):
        storage.read_hdf5(tmp_path / "a.h5", "none")


def test_gallery_and_probes_share_every_photograph_between_them() -> None:
    """No photograph is on both sides, a person's are dealt in turn, and every probe's person is in
    the gallery."""
    person = np.random.default_rng(3).integers(0, 30, 100)
    gallery, probes = representations.gallery_and_probes(person)
    np.testing.assert_array_equal(np.sort(np.concatenate([gallery, probes])), np.arange(100))
    for who in np.unique(person):
        assert 0 <= (person[gallery] == who).sum() - (person[probes] == who).sum() <= 1
