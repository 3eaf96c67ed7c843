"""Figures of documents are written, repeat to the byte and stay small."""

import numpy as np

from relatent.figures import text

MODELS = {
    "unigram": {"perplexity_documents": 1200.0},
    "mlp": {"perplexity_documents": 800.0, "bound_documents": 700.0},
}
TABLE = [
    {"source": source, "protocol": protocol, "method": method, "bits": str(bits), "precision@100": "0.5"}
    for source, protocol in (("ours", "random"), ("ours", "bydate"), ("published, from memory", "as published"))
    for method, lengths in (("vdsh", (8, 32)), ("tfidf", (0,)))
    for bits in lengths
]


def small_and_repeating(tmp_path, draw, *given):
    for name in ("a.png", "b.png"):
        draw(tmp_path / name, *given)
    data = (tmp_path / "a.png").read_bytes()
    assert data == (tmp_path / "b.png").read_bytes()
    assert len(data) < 300_000


def test_perplexities_are_drawn(tmp_path):
    """Models with and without the tighter bound."""
    small_and_repeating(tmp_path, text.perplexities, MODELS, {"NVDM": 836.0})


def test_topics_are_drawn_and_each_has_a_direction_of_its_own(tmp_path):
    """A topic that shares words with two directions leaves the one to another topic; more rows than
    are shown."""
    topics = [[f"t{number}w{word}" for word in range(10)] for number in range(30)]
    directions = [topic[:5] + ["other"] * 5 for topic in topics]
    directions += [["none"] * 10] * 10
    pairs = text.overlaps(topics, directions)
    assert [(topic, shared) for topic, _, shared in pairs] == [(number, 5) for number in range(30)]
    assert len({direction for _, direction, _ in pairs}) == 30
    assert text.overlaps([["a", "b"], ["a", "c"]], [["a", "b", "c"], ["b"]]) == [(1, 0, 2), (0, 1, 1)]
    small_and_repeating(tmp_path, text.topics, topics, directions)


def test_topics_are_drawn_when_there_are_few(tmp_path):
    """Two topics, three directions of three words."""
    small_and_repeating(tmp_path, text.topics, [["a", "b"], ["c", "d"]], [["a", "x", "y"], ["b"], ["c", "d", "z"]])


def test_planes_are_drawn_for_any_number_of_families(tmp_path):
    """More families of groups than colours share the last one."""
    points = np.random.default_rng(0).standard_normal((3000, 2)).astype(np.float32)
    groups = [f"f{number}.x" for number in range(12)]
    labels = np.arange(3000) % 12
    small_and_repeating(tmp_path, text.planes, {"mlp": (points, labels), "gru": (points, labels)}, groups)


def test_hashing_is_drawn_from_our_rows(tmp_path):
    """Real-valued rows are a line; published rows are left to the table."""
    small_and_repeating(tmp_path, text.hashing, TABLE)
