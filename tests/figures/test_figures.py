"""Figures: their bytes repeat, labels do not cover one another, any number of latent dimensions is
shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from relatent.figures import planes as vae
from relatent.figures import ranking, timing

POINTS = np.random.default_rng(0).normal(size=(60, 5))
LABELS = np.arange(60) % 10


def draw_svm(path: Path) -> None:
    keys = [(machine, layout) for machine in ("libsvm", "liblinear") for layout in ("dense", "sparse")]
    rows = [(machine, layout, items) for machine, layout in keys for items in (10, 20)]
    table = [
        {"machine": m, "layout": y, "items": str(n), "seconds": str(n / 9), "peak_bytes": str(n * 999)}
        for m, y, n in rows
    ]
    timing.svm(path, table)


CURVE = [{"recall": str(r / 10), "precision": str(1 - r / 10)} for r in range(11)]
MANY = [
    "pixels",
    "pca",
    *(f"vae_{network}_{size}d_seed0" for size in (2, 10, 50) for network in ("mlp", "lstm", "gru")),
]
FIGURES = {
    "ranking": lambda path: ranking.precision_recall(path, {"pixels": CURVE}),
    "ranking of many": lambda path: ranking.precision_recall(path, dict.fromkeys(MANY, CURVE)),
    "svm": draw_svm,
}


@pytest.mark.parametrize("name", FIGURES)
def test_the_same_numbers_give_the_same_bytes(tmp_path: Path, name: str) -> None:
    """A PNG of at most 300 KB, drawn twice."""
    for file in ("a.png", "b.png"):
        FIGURES[name](tmp_path / file)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.png").stat().st_size < 300_000


@pytest.mark.parametrize("latent_dim", [1, 2, 5])
def test_points_of_any_dimension_become_planar(latent_dim: int) -> None:
    """Two dimensions stay as they are; more are shown along their principal components."""
    points = POINTS[:, :latent_dim]
    plane, _ = vae.planar(points)
    assert plane.shape == (60, 2)
    if latent_dim > 2:
        spreads = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
        np.testing.assert_allclose(np.linalg.norm(plane, axis=0), spreads[:2])


def test_spread_labels_keep_their_distance_and_lone_ones_stay() -> None:
    """Two that coincide nearly are moved apart, one far away is not."""
    points = np.array([[0.0, 0.0], [0.01, 0.0], [5.0, 5.0]])
    moved = vae.spread(points, 0.5)
    assert np.linalg.norm(moved[0] - moved[1]) >= 0.499
    np.testing.assert_array_equal(moved[2], points[2])
