"""The Frechet distance: against the textbook and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import linalg

from relatent.errors import InputError
from relatent.stats import frechet


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
