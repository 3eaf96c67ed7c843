"""Figures of documents are written, repeat to the byte and stay small."""

import numpy as np

from latents.figures import text

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


def test_planes_are_drawn_for_any_number_of_families(tmp_path):
    """More families of groups than colours share the last one."""
    points = np.random.default_rng(0).standard_normal((3000, 2)).astype(np.float32)
    groups = [f"f{number}.x" for number in range(12)]
    labels = np.arange(3000) % 12
    small_and_repeating(tmp_path, text.planes, {"mlp": (points, labels), "gru": (points, labels)}, groups)


def test_hashing_is_drawn_from_our_rows(tmp_path):
    """Real-valued rows are a line; published rows are left to the table."""
    small_and_repeating(tmp_path, text.hashing, TABLE)
