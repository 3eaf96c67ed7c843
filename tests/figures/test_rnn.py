"""Figures of row-RNNs: drawn, small, byte-stable; errors are framed, tiles lie where they
belong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from relatent.figures import rnn

LIMIT_BYTES = 300 * 1024
RNG = np.random.default_rng(0)
LABELS = np.repeat(np.arange(10), 10)
ORIGINALS = RNG.integers(256, size=(100, 28, 28)).astype(np.uint8)
GREY = RNG.uniform(size=(100, 28, 28)).astype(np.float32)
UNITS = RNG.uniform(size=(169, 20, 28)).astype(np.float32)
COUNTS = {f"{kind}_{digit}": digit for kind in ("average", "best") for digit in range(10)}
RUNS = {"tied": {"cross_entropy": 0.11}, "gru": {"cross_entropy": 0.1}}
COMPLETED = {run: {"completed": 0.9} | {f"completed_{digit}": 0.9 for digit in range(10)} for run in RUNS}
BASELINES = {
    "all_mean_row": 0.27, "all_copy_last": 0.2, "all_logistic": 0.14, "whole": 0.99, "half_alone": 0.4, "nearest": 0.9,
}  # fmt: skip
HISTORY = [{"epoch": str(epoch), "validation_cross_entropy": str(1 / epoch)} for epoch in (1, 2, 3)]

FIGURES: dict[str, Callable[[Path], None]] = {
    "rows": lambda path: rnn.rows(path, ORIGINALS, GREY, LABELS),
    "completions": lambda path: rnn.completions(path, ORIGINALS, GREY, LABELS, LABELS, seen_rows=14),
    "ambiguous": lambda path: rnn.ambiguous(
        path, ORIGINALS[:10], GREY[:10], GREY[:80].reshape(10, 8, 28, 28), seen_rows=14
    ),
    "units": lambda path: rnn.units(path, UNITS, UNITS, COUNTS, unit_rows=10),
    "measured": lambda path: rnn.measured(path, RUNS, COMPLETED, BASELINES),
    "curves": lambda path: rnn.curves(path, {"tied": HISTORY, "gru": HISTORY}),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_drawn_twice_to_the_same_bytes(name: str, tmp_path: Path) -> None:
    """A PNG, also of noise that compresses badly; real ones are to stay below 300 KB."""
    first, second = tmp_path / "first.png", tmp_path / "second.png"
    FIGURES[name](first)
    FIGURES[name](second)
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes().startswith(b"\x89PNG")
    if name in ("measured", "curves"):
        assert first.stat().st_size < LIMIT_BYTES


def test_a_completion_that_is_seen_wrongly_is_framed(tmp_path: Path) -> None:
    """One changed number is the only difference, and it shows in the frame's colour."""
    from matplotlib.colors import to_rgb
    from matplotlib.pyplot import imread

    seen = LABELS.copy()
    seen[7] = 9
    rnn.completions(tmp_path / "right.png", ORIGINALS, GREY, LABELS, LABELS, seen_rows=14)
    rnn.completions(tmp_path / "wrong.png", ORIGINALS, GREY, LABELS, seen, seen_rows=14)
    right, wrong = (imread(tmp_path / f"{name}.png")[..., :3] for name in ("right", "wrong"))
    near = np.abs(wrong - np.array(to_rgb(rnn.WRONG))).max(2) < 0.1
    changed = np.abs(wrong - right).max(2) > 0.1
    assert (near & changed).sum() > 50
    y, x = np.nonzero(changed)
    assert np.ptp(x) < wrong.shape[1] / 15  # one tile of twenty
    assert np.ptp(y) < wrong.shape[0] / 8


def test_tiles_stand_in_rows_with_nothing_after_the_last() -> None:
    """Two rows of three tiles, gaps of nan between."""
    tiles = np.arange(6.0).reshape(2, 3, 1, 1) * np.ones((2, 3, 4, 5))
    picture = rnn.tiled(tiles)
    assert picture.shape == (2 * 4 + rnn.GAP_PX, 3 * 5 + 2 * rnn.GAP_PX)
    assert (picture[:4, :5] == 0).all()
    assert (picture[-4:, -5:] == 5).all()
    assert np.isnan(picture[4]).all()
