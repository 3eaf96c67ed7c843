"""Figures of faces: tiles at their place, every figure drawn, small, and the same bytes each
time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from relatent.errors import InputError
from relatent.figures import faces as figures


def pictures(count: int) -> np.ndarray:
    """Smooth as faces are, with a little noise: float32 (count, 64, 64) in [-1, 1]."""
    rng = np.random.default_rng(0)
    coarse = gaussian_filter(rng.normal(size=(count, 64, 64)), (0, 3, 3))
    values = 0.29 * coarse / coarse.std() + rng.normal(0, 0.05, coarse.shape)
    return values.clip(-1, 1).astype(np.float32)


FACES = pictures(11)
ERRORS = [{"step": f"layer {n}", "values": str(8192 // n), "held_out_mse": str(1e-5 * 10**n)} for n in range(1, 4)]
HISTORY = [
    {"step": "fine-tuned", "epoch": str(n), "train_l2": str(9 / n), "validation_l2": str(10 / n)} for n in range(1, 6)
]

DRAWN: dict[str, Callable[[Path], None]] = {
    "grid": lambda path: figures.grid(path, FACES, columns=4),
    "interpolation": lambda path: figures.interpolation(
        path,
        FACES[:4],
        FACES[4:8],
        {"cnn": FACES[None, :4], "rbm": FACES[None, 2:6], "deep_rbm": FACES[None, 3:7]},
        names=("George_W_Bush", "Tony_Blair"),
        shares=(0.5,),
    ),
    "contact": lambda path: figures.contact(path, np.stack([FACES] * 4, axis=1), columns=11),
    "strip": lambda path: figures.strip(path, FACES[:3], np.stack([FACES[:3]] * 5), (1, 0.75, 0.5, 0.25, 0)),
    "errors": lambda path: figures.errors(path, ERRORS, 0.002),
    "curves": lambda path: figures.curves(path, HISTORY),
    "mixing": lambda path: figures.mixing(
        path, {name: [1, 0.5 / n, 0.2] for n, name in enumerate(("beta", "gaussian", "r3bm", "exact_beta", "new"), 1)}
    ),
}


@pytest.mark.parametrize("name", list(DRAWN))
def test_a_figure_repeats_to_the_byte_and_is_small(name: str, tmp_path: Path) -> None:
    """At most 300 KB, since it is kept in git."""
    for path in (tmp_path / "a.png", tmp_path / "b.png"):
        DRAWN[name](path)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.png").stat().st_size <= 300_000


def test_a_grid_of_64_real_sized_faces_is_small(tmp_path: Path) -> None:
    """The largest of the figures."""
    figures.grid(tmp_path / "a.png", pictures(64))
    assert (tmp_path / "a.png").stat().st_size <= 300_000


def test_tiles_lie_in_rows_and_columns_with_white_between() -> None:
    """Every pixel of every tile is where it belongs."""
    rows = np.arange(2 * 3 * 4 * 5, dtype=float).reshape(2, 3, 4, 5)
    picture = figures._tiled(rows, gap=1)
    assert picture.shape == (2 * 4 + 1, 3 * 5 + 2)
    np.testing.assert_array_equal(picture[5:9, 6:11], rows[1, 1])
    assert (picture[4] == figures.LIMIT).all()
    assert (picture[:, [5, 11]] == figures.LIMIT).all()


def test_a_strip_of_other_shares_is_one_line(tmp_path: Path) -> None:
    """Shapes expected and got; nothing is written."""
    with pytest.raises(InputError, match=r"mixed faces must be \(2, 3, 64, 64\), got \(1, 3, 64, 64\)"):
        figures.strip(tmp_path / "a.png", FACES[:3], FACES[None, :3], (0, 1))
    with pytest.raises(InputError, match="must have a row for each of"):
        figures.interpolation(
            tmp_path / "a.png", FACES[:2], FACES[2:4], {"cnn": FACES[None, :2]}, names=("A", "B"), shares=(0, 1)
        )
    with pytest.raises(InputError, match="no step 'layer 9', only fine-tuned"):
        figures.curves(tmp_path / "a.png", HISTORY, step="layer 9")
    assert list(tmp_path.iterdir()) == []
