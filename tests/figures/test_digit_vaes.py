"""Figures of networks side by side: their bytes repeat, any number of runs fits, what is missing is
left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from relatent.figures import digit_vaes as networks
from relatent.figures import planes as vae

RNG = np.random.default_rng(0)
RUNS = ("mlp_2d", "lstm_2d", "gru_2d")
SUMMARY = {
    name: {"encoder": name.partition("_")[0], "latent_dim": 2, "elbo": -130.0, "elbo_se": 0.2, "bound": -128.0}
    | {"bound_se": None, "spread": 0.1, "spread_se": 0.01}
    | {f"spread_{label}": 0.01 * (1 + label) for label in range(3)}
    for name in RUNS
} | {"mlp_50d": {"encoder": "mlp", "latent_dim": 50, "elbo": -90.0, "bound": -86.0}}
HISTORY = [
    {"epoch": str(epoch), "validation_reconstruction": str(100 / epoch), "validation_kl": "5"} for epoch in (1, 2, 3)
]
TABLE = [
    {"run": name, "encoder": name.partition("_")[0], "seconds": "5", "lowest": "4", "highest": "7", "ratio": "1.3"}
    for name in RUNS
]
COUNTS = np.array([[90, 10, 0], [0, 100, 0], [33, 33, 34]])

FIGURES = {
    "embeddings": lambda path: networks.embeddings(
        path, {name: (RNG_POINTS[name], np.arange(60) % 10) for name in RUNS}
    ),
    "grids": lambda path: networks.grids(path, {name: np.linspace(0, 1, 16 * 49).reshape(4, 4, 49) for name in RUNS}),
    "confusions": lambda path: networks.confusions(path, dict.fromkeys(RUNS, COUNTS)),
    "spreads": lambda path: networks.spreads(path, {name: SUMMARY[name] for name in RUNS}),
    "bounds": lambda path: networks.bounds(path, SUMMARY),
    "curves": lambda path: networks.curves(path, dict.fromkeys([*RUNS, "mlp_50d"], HISTORY), SUMMARY),
    "seconds": lambda path: networks.seconds(path, TABLE),
}
RNG_POINTS = {name: RNG.normal(size=(60, dimensions)) for name, dimensions in zip(RUNS, (2, 1, 5), strict=True)}


@pytest.mark.parametrize("name", FIGURES)
def test_the_same_numbers_give_the_same_bytes(tmp_path: Path, name: str) -> None:
    """A PNG of at most 300 KB, drawn twice."""
    for file in ("a.png", "b.png"):
        FIGURES[name](tmp_path / file)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.png").stat().st_size < 300_000


def test_tiles_lie_edge_to_edge_in_the_grids_order() -> None:
    """Digit (row, column) fills its cell of the image."""
    digits = np.arange(4).repeat(9).reshape(2, 2, 9)
    image = vae.tiled(digits)
    assert image.shape == (6, 6)
    assert (image[:3, 3:] == 1).all()
    assert (image[3:, :3] == 2).all()


def test_a_null_or_missing_number_is_nan() -> None:
    """So that one seed draws a point without a bar."""
    np.testing.assert_array_equal(networks.column({"a": 1.0, "b": None}, ["a", "b", "c"]), [1.0, np.nan, np.nan])
