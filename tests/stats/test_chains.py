"""Diagnostics of Markov chains: against an autoregression of known correlation."""

from __future__ import annotations

import numpy as np
import pytest

from relatent.errors import InputError
from relatent.stats import chains as stats_chains


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
