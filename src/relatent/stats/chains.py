"""Diagnose Markov chains."""

from __future__ import annotations

import numpy as np

from relatent.errors import InputError


def autocorrelation(chains: np.ndarray, lags: int) -> np.ndarray:
    """Return the autocorrelation of chains, averaged over chains, and over units by their variance.

    Parameters
    ----------
    chains : float (steps, chains, units), after burn-in; the mean of each unit is taken over steps
        and chains, so that chains that stay apart count as badly mixed.
    lags : int, number of lags, from 0.

    Returns
    -------
    float64 (lags,)
        1 at lag 0; about 0 where draws are independent.

    Raises
    ------
    InputError
        When there are not more steps than lags, or nothing moves.

    Examples
    --------
    >>> autocorrelation(np.array([1.0, -1.0, 1.0, -1.0])[:, None, None], 3)
    array([ 1., -1.,  1.])
    """
    if chains.ndim != 3 or not 1 <= lags < len(chains):
        raise InputError(f"need chains (steps, chains, units) of more steps than lags, got {chains.shape}, {lags}")
    centred = chains - chains.mean(axis=(0, 1), dtype=np.float64)
    products = np.array([np.mean(centred[: len(chains) - lag] * centred[lag:]) for lag in range(lags)])
    if not products[0] > 0:
        raise InputError("the chains do not move: no autocorrelation is defined")
    return products / products[0]


def effective_share(correlation: np.ndarray) -> float:
    """Return the independent draws per step of a chain: 1 / (1 + 2 sum rho), while rho > 0 (Geyer
    1992).

    Examples
    --------
    >>> effective_share(np.array([1.0, 0.0]))
    1.0
    """
    fallen = np.flatnonzero(correlation[1:] <= 0)
    end = 1 + int(fallen[0]) if len(fallen) else len(correlation)
    return float(1 / (1 + 2 * correlation[1:end].sum()))
