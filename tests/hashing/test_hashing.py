"""Semantic hashing: each method learns, its losses are what they are called, odd documents do no
harm."""

import math

import numpy as np
import pytest
import torch
from scipy import sparse

from relatent.errors import InputError
from relatent.hashing import graph, training
from relatent.hashing import network as hashing_network
from relatent.hashing.plain import binarise, unit
from tests.support.flat import flat

UNSUPERVISED = {"prior": "gaussian", "label_weight": 0.0, "private": False, "neighbours": 0, "words": 20.0}
METHODS = {
    "vdsh": UNSUPERVISED,
    "vdsh_s": UNSUPERVISED | {"label_weight": 5.0},
    "vdsh_sp": UNSUPERVISED | {"label_weight": 5.0, "private": True},
    "nash": UNSUPERVISED | {"prior": "bernoulli"},
    "nash_neighbours": UNSUPERVISED | {"prior": "bernoulli", "neighbours": 5},
}
TRAINING = {
    "width": 30, "dropout": 0.0, "epochs": 30, "batch_size": 20, "learning_rate": 1e-2, "warm_up": 0.5, "seed": 0,
}  # fmt: skip


def corpus(seed=0, n=120):
    """Three groups of documents with words of their own and common ones, tf-idf rows of unit
    length."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 3, n)
    shares = np.full((3, 15), 0.02)
    for label in range(3):
        shares[label, 4 * label : 4 * label + 4] = 0.18
    dense = np.stack([generator.multinomial(20, shares[label] / shares[label].sum()) for label in labels])
    return sparse.csr_array(unit(dense.astype(float)).astype(np.float32)), labels


def trained(name, *, bits=8, train=None, **changed):
    rows, labels = train or corpus()
    method = training.Method(**METHODS[name])
    near = graph.nearest(rows, rows.toarray(), count=method.neighbours) if method.neighbours else None
    held, held_labels = corpus(1)
    settings = TRAINING | changed
    return flat(training.train)(rows, labels, held, held_labels, method=method, bits=bits, neighbours=near, **settings)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_brings_documents_of_a_group_together(name):
    """Codes of held-out documents differ less within a group than between groups."""
    network, fitted = trained(name)
    (train, _), (test, labels) = corpus(), corpus(2)
    codes = binarise(training.encode(network, train), training.encode(network, test))[1]
    distance = (codes[:, None] != codes[None]).sum(axis=-1)
    same = labels[:, None] == labels[None]
    assert distance[same & ~np.eye(len(same), dtype=bool)].mean() < 0.75 * distance[~same].mean()
    parts = {"words", "kl"} | ({"label"} if METHODS[name]["label_weight"] else set())
    assert {f"validation_{part}" for part in parts} <= set(fitted.history[0])


def test_the_words_loss_is_weights_times_log_softmax_not_log_of_weighted():
    """Against the dense formula, empty rows included."""
    rows = sparse.csr_array(np.array([[0.5, 0.0, 1.5], [0.0, 0.0, 0.0]]))
    logits = torch.tensor([[1.0, -1.0, 0.5], [0.3, 0.2, 0.1]])
    expected = -(torch.tensor(rows.toarray()) * torch.log_softmax(logits.double(), -1)).sum(-1)
    torch.testing.assert_close(hashing_network.word_loss(logits, rows).double(), expected)


def test_the_kl_of_bits_is_that_of_torch():
    """For logits small and large; a fair bit costs nothing."""
    logits = torch.tensor([[0.0], [1.3], [-40.0], [200.0]])
    fair = torch.distributions.Bernoulli(0.5)
    own = torch.distributions.Bernoulli(logits=logits[:2].double())
    torch.testing.assert_close(
        hashing_network.bernoulli_kl(logits[:2]).double(), torch.distributions.kl_divergence(own, fair)[:, 0]
    )
    torch.testing.assert_close(hashing_network.bernoulli_kl(logits[2:]), torch.full((2,), math.log(2)))


def test_the_straight_through_bits_are_bits_and_pass_gradients():
    """Values 0 or 1 forward, the sigmoid's slope backward."""
    parameters = torch.tensor([[2.0, -1.0, 0.0, 0.0]], requires_grad=True)
    z, _, _ = hashing_network.bernoulli_draw(parameters, torch.Generator().manual_seed(0))
    torch.testing.assert_close(z, torch.tensor([[1.0, 0.0]]))
    z.sum().backward()
    p = torch.sigmoid(torch.tensor([2.0, -1.0]))
    torch.testing.assert_close(parameters.grad[0, :2], p * (1 - p))


def test_neighbours_are_the_most_similar_others_by_brute_force(monkeypatch):
    """Never the document itself; blocks do not matter."""
    rows, _ = corpus(n=30)
    dense = unit(np.random.default_rng(0).standard_normal((30, 4)))
    similar = (rows @ rows.T).toarray() + dense @ dense.T
    np.fill_diagonal(similar, -np.inf)
    expected = np.argsort(-similar, axis=1, kind="stable")[:, :3]
    np.testing.assert_array_equal(graph.nearest(rows, dense, count=3), expected)
    monkeypatch.setattr(graph, "ROWS", 7)
    np.testing.assert_array_equal(graph.nearest(rows, dense, count=3), expected)
    assert graph.nearest(rows[:2], dense[:2], count=10).shape == (2, 1)


def test_a_random_walk_joins_those_whose_neighbours_are_shared():
    """Two rings of documents, joined by one edge: each ring comes together, and the edge is the
    only way between."""
    ring = np.arange(20)
    near = np.stack([(ring + 1) % 20, (ring + 2) % 20], axis=1)
    near = np.concatenate([near, near + 20])
    near[0, 0] = 20
    walked = graph.diffusion_map(near, count=1, generator=np.random.default_rng(0))
    np.testing.assert_allclose(np.abs(walked), np.ones((40, 1)))
    same = walked @ walked.T
    assert same[1:20, 1:20].min() > 0 > same[2:20, 22:].max()


def test_the_diffusion_map_is_that_of_the_walk_s_eigenvectors():
    """Against the dense transition matrix: the axes span its leading eigenvectors but the constant
    one."""
    near = graph.nearest(sparse.csr_array(np.eye(40)), np.random.default_rng(0).standard_normal((40, 3)), count=6)
    edges = np.zeros((40, 40))
    np.add.at(edges, (np.arange(40)[:, None], near), 1)
    edges += edges.T
    walk = edges / edges.sum(axis=1, keepdims=True)
    values, vectors = np.linalg.eig(walk)
    order = np.argsort(-values.real)[1:4]
    expected = vectors.real[:, order] * values.real[order]
    expected /= np.sqrt(np.einsum("id,i,id->d", vectors.real[:, order], edges.sum(axis=1), vectors.real[:, order]))
    walked = graph.diffusion_map(near, count=3, generator=np.random.default_rng(0))
    np.testing.assert_allclose(walked @ walked.T, unit(expected) @ unit(expected).T, atol=1e-3)
    again = graph.diffusion_map(near, count=3, generator=np.random.default_rng(0))
    np.testing.assert_array_equal(walked, again)
    assert graph.diffusion_map(near[:5] % 5, count=10, generator=np.random.default_rng(0)).shape == (5, 4)


def test_the_same_seed_gives_the_same_codes_and_blocks_do_not_matter(monkeypatch):
    """Another seed gives others."""
    rows, _ = corpus(3)
    first, again, other = (training.encode(trained("vdsh_sp", epochs=2, seed=seed)[0], rows) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    network, _ = trained("vdsh_sp", epochs=2)
    monkeypatch.setattr(graph, "ROWS", 11)
    np.testing.assert_allclose(training.encode(network, rows), first, rtol=1e-4, atol=1e-5)


def test_labels_of_an_unsupervised_method_are_not_read():
    """Shuffled labels, the same codes."""
    rows, labels = corpus()
    shuffled = np.random.default_rng(0).permutation(labels)
    ours, theirs = (trained("nash_neighbours", epochs=2, train=(rows, given))[0] for given in (labels, shuffled))
    np.testing.assert_array_equal(training.encode(ours, rows), training.encode(theirs, rows))


def test_empty_documents_in_training_and_test_leave_everything_finite():
    """A row of zeros has no words to predict; its code is that of the biases."""
    rows, labels = corpus()
    holed = sparse.csr_array(sparse.vstack([rows, sparse.csr_array((3, 15), dtype=np.float32)]))
    network, fitted = trained("vdsh_sp", epochs=2, train=(holed, np.append(labels, [0, 1, 2])))
    assert np.isfinite(training.encode(network, holed)).all()
    assert all(math.isfinite(value) for row in fitted.history for value in row.values())
    assert graph.weights(holed, words=20.0).sum(axis=1)[-3:].tolist() == [0, 0, 0]


def test_faulty_methods_are_one_line():
    """What was given, what is allowed."""
    with pytest.raises(InputError, match="gaussian or bernoulli, got 'laplace'"):
        training.Method(**UNSUPERVISED | {"prior": "laplace"})
    with pytest.raises(InputError, match="needs the gaussian prior"):
        training.Method(**UNSUPERVISED | {"prior": "bernoulli", "private": True})
