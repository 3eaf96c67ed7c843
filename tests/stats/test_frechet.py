"""Measures of faces: against closed forms, slow loops and chains of known correlation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import linalg

from latents.errors import InputError
from latents.face_models import looks
from latents.stats import chains as stats_chains
from latents.stats import frechet
from latents.stats.intervals import mean_interval


def correlated(n: int, d: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + rng.normal(size=d)


@pytest.mark.parametrize("n", [200, 6])
def test_the_distance_is_that_of_the_textbook(n: int) -> None:
    """By the matrix square root, with more rows than features and with fewer."""
    a, b = correlated(n, 8, 0), correlated(n + 3, 8, 1)
    cov_a, cov_b = np.cov(a.T), np.cov(b.T)
    # tr (C_a C_b)^(1/2) from the eigenvalues of the product, which are real and not negative
    overlap = np.sqrt(np.clip(linalg.eigvals(cov_a @ cov_b).real, 0, None)).sum()
    expected = np.square(a.mean(0) - b.mean(0)).sum() + np.trace(cov_a) + np.trace(cov_b) - 2 * overlap
    assert frechet.frechet_distance(a, b) == pytest.approx(expected, rel=1e-5)
    assert frechet.frechet_distance(b, a) == pytest.approx(expected, rel=1e-5)


def test_the_distance_of_diagonal_gaussians_is_closed_form() -> None:
    """sum (sigma_a - sigma_b)^2 for the same mean; zero from a set to itself."""
    cross = np.array([[1.0, 0], [-1, 0], [0, 2], [0, -2]])  # variances 2/3 and 8/3
    assert frechet.frechet_distance(cross, 3 * cross) == pytest.approx(4 * (2 / 3 + 8 / 3))
    points = correlated(500, 3, 0)
    assert frechet.frechet_distance(points, points) == pytest.approx(0, abs=1e-9)


def test_the_distance_grows_with_a_shift_by_its_square() -> None:
    """The mean's term."""
    a = correlated(100, 5, 0)
    shift = np.arange(5.0)
    assert frechet.frechet_distance(a, a + shift) == pytest.approx(30)


def test_bad_sets_of_a_distance_are_one_line() -> None:
    """Another width, one row, nan."""
    a = correlated(10, 3, 0)
    with pytest.raises(InputError, match=r"got \(10, 3\) and \(10, 2\)"):
        frechet.frechet_distance(a, a[:, :2])
    with pytest.raises(InputError, match="n >= 2"):
        frechet.frechet_distance(a, a[:1])
    with pytest.raises(InputError, match="must be finite"):
        frechet.frechet_distance(a, np.full_like(a, np.nan))


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


def test_the_autocorrelation_of_an_autoregression_is_its_coefficients_powers() -> None:
    """x_t = 0.8 x_{t-1} + noise; the effective share is (1 - 0.8) / (1 + 0.8)."""
    rng = np.random.default_rng(0)
    steps, chains, units = 2000, 20, 5
    x = np.zeros((steps, chains, units))
    x[0] = rng.normal(size=(chains, units)) / 0.6
    for step in range(1, steps):
        x[step] = 0.8 * x[step - 1] + rng.normal(size=(chains, units))
    rho = stats_chains.autocorrelation(x, 60)
    np.testing.assert_allclose(rho[:10], 0.8 ** np.arange(10), atol=0.02)
    assert stats_chains.effective_share(rho) == pytest.approx(0.2 / 1.8, rel=0.1)


def test_chains_that_stay_apart_count_as_badly_mixed() -> None:
    """Two chains of little noise around different means stay correlated at every lag."""
    noise = np.random.default_rng(0).normal(0, 0.01, (100, 2, 1))
    rho = stats_chains.autocorrelation(noise + np.array([[0.0], [1.0]]), 50)
    assert rho[-1] > 0.99


def test_bad_chains_are_one_line() -> None:
    """Too short, or standing still."""
    with pytest.raises(InputError, match=r"more steps than lags, got \(5, 1, 1\), 5"):
        stats_chains.autocorrelation(np.zeros((5, 1, 1)), 5)
    with pytest.raises(InputError, match="do not move"):
        stats_chains.autocorrelation(np.zeros((5, 1, 1)), 3)


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


def test_the_interval_counts_people_where_faces_depend_on_them() -> None:
    """It covers the true mean in about 95 % of draws; without the groups it would be too narrow."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 5)
    covered, narrow = 0, 0
    for _ in range(400):
        values = rng.normal(size=40)[groups] + 0.1 * rng.normal(size=200)
        by_group, alone = mean_interval(values, groups), mean_interval(values)
        covered += by_group.low < 0 < by_group.high
        narrow += alone.low < 0 < alone.high
    assert 365 <= covered <= 395
    assert narrow < 300


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: looks.roughness(np.zeros((2, 2, 8))), "at least 3x3"),
        (lambda: looks.detail(np.zeros((2, 8, 8)), 0.0), "above 0"),
        (lambda: mean_interval(np.zeros(3), np.zeros(3)), "two groups"),
        (lambda: mean_interval(np.zeros(0)), "two values"),
        (lambda: mean_interval(np.zeros(3), np.zeros(2)), "one group per value"),
    ],
)
def test_bad_input_of_the_looks_is_one_line(call, message) -> None:
    with pytest.raises(InputError, match=message) as raised:
        call()
    assert "\n" not in str(raised.value)
