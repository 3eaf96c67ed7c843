"""Measures of how faces look: against closed forms and slow loops."""

from __future__ import annotations

import numpy as np
import pytest

from relatent.errors import InputError
from relatent.face_models import looks


def test_distance_to_the_mean_is_rms_a_pixel() -> None:
    """By hand."""
    faces = np.stack([np.full((2, 2), 0.5), np.array([[1.0, 0], [0, 0]])]).astype(np.float32)
    np.testing.assert_allclose(looks.distance_to(faces, np.zeros((2, 2), np.float32)), [0.5, 0.5])
    with pytest.raises(InputError, match="different sizes"):
        looks.distance_to(faces, np.zeros((2, 3)))


def test_distinctness_is_a_ratio_of_pairwise_distances() -> None:
    """Against the loop over pairs; shrinking towards any face by a half halves it."""
    rng = np.random.default_rng(0)
    originals, faces = rng.normal(size=(7, 3, 3)), rng.normal(size=(5, 3, 3))

    def squared(rows: np.ndarray) -> float:
        return np.mean([np.square(rows[i] - rows[j]).sum() for i in range(len(rows)) for j in range(i)])

    expected = np.sqrt(squared(faces) / squared(originals))
    assert looks.distinctness(faces, originals) == pytest.approx(expected)
    assert looks.distinctness(0.5 * originals + 3, originals) == pytest.approx(0.5)
    assert looks.distinctness(np.ones((4, 9)), originals) == 0


def test_pixelwise_means_of_independent_pairs_are_at_one_over_root_two() -> None:
    """As the docstring says."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 2000, 20))
    assert looks.distinctness((a + b) / 2, np.concatenate([a, b])) == pytest.approx(0.5**0.5, rel=0.02)


def test_originals_that_are_all_the_same_are_one_line() -> None:
    """No division by zero."""
    with pytest.raises(InputError, match="all the same"):
        looks.distinctness(np.zeros((2, 3)), np.ones((2, 3)))
    with pytest.raises(InputError, match="two faces at least, got 1 and 2"):
        looks.distinctness(np.zeros((1, 3)), np.ones((2, 3)))


def test_the_laplacian_of_a_wave_is_its_wave_number_squared() -> None:
    """sin(k x) has the discrete Laplacian (2 cos k - 2) sin(k x)."""
    x = np.arange(66)
    k = 2 * np.pi / 16
    wave = np.tile(np.sin(k * x), (66, 1))[None]
    assert looks.roughness(wave)[0] == pytest.approx((2 * np.cos(k) - 2) ** 2 / 2)


def test_detail_is_what_a_blur_takes_away() -> None:
    """Nearly all of fine noise, nearly nothing of a slow wave."""
    noise = np.random.default_rng(0).normal(size=(1, 64, 64))
    slow = np.tile(np.sin(2 * np.pi * np.arange(64) / 64), (64, 1))[None]
    assert looks.detail(noise, 2.0)[0] == pytest.approx(1 - 3 / (4 * np.pi * 2.0**2), rel=0.05)
    assert looks.detail(slow, 2.0)[0] < 1e-3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: looks.roughness(np.zeros((2, 2, 8))), "at least 3x3"),
        (lambda: looks.detail(np.zeros((2, 8, 8)), 0.0), "above 0"),
    ],
)
def test_bad_input_of_the_looks_is_one_line(call, message) -> None:
    with pytest.raises(InputError, match=message) as raised:
        call()
    assert "\n" not in str(raised.value)
