"""Figures of RBMs: what is drawn is what the numbers say, and bytes repeat."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from relatent.errors import InputError
from relatent.figures import rbm

TABLE = [
    {"direction": direction, "temperatures": str(count)}
    | {key: str(log_z + shift) for key, shift in (("log_z", 0), ("low", -1), ("high", 1))}
    for direction, base in (("ais", 100.0), ("reverse-ais", 104.0))
    for count, log_z in ((1000, base), (2000, base + 1), (4000, base + 2))
]


def grey(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("L")).astype(float)


def test_a_filter_is_dark_where_its_weights_are_negative(tmp_path: Path) -> None:
    weight = np.ones((16, 1))
    weight[:8] = -1  # upper half of a 4 x 4 image
    rbm.filters(tmp_path / "a.png", weight, columns=1)
    picture = grey(tmp_path / "a.png")
    upper, lower = np.array_split(picture, 2)
    assert np.median(upper) < 50
    assert np.median(lower) > 200


def test_zero_weights_are_mid_grey_on_every_scale(tmp_path: Path) -> None:
    weight = np.zeros((16, 4))
    weight[0, 0], weight[1, 0] = 3.0, -1.0
    rbm.filters(tmp_path / "a.png", weight, columns=2)
    assert 115 < np.median(grey(tmp_path / "a.png")) < 140


def test_visible_units_that_are_no_square_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"got \(15, 4\)"):
        rbm.filters(tmp_path / "a.png", np.zeros((15, 4)))


def test_figures_repeat_to_the_byte_and_are_small(tmp_path: Path) -> None:
    weight = np.random.default_rng(0).normal(size=(784, 120))
    for name in ("a", "b"):
        rbm.filters(tmp_path / f"{name}.png", weight)
        rbm.convergence(tmp_path / f"{name}-convergence.png", TABLE)
    for figure in ("{}.png", "{}-convergence.png"):
        first, second = ((tmp_path / figure.format(name)).read_bytes() for name in ("a", "b"))
        assert first == second
        assert len(first) < 300_000


def test_other_estimates_give_another_picture(tmp_path: Path) -> None:
    rbm.convergence(tmp_path / "a.png", TABLE)
    rbm.convergence(tmp_path / "b.png", [row | {"high": str(float(row["high"]) + 1)} for row in TABLE])
    assert (grey(tmp_path / "a.png") != grey(tmp_path / "b.png")).any()
