"""Estimate log partition functions with growing numbers of temperatures, from both ends.

Forward annealing overestimates the likelihood of a model and reverse annealing underestimates it;
slower annealing reduces both errors. The likelihood is known only where the two meet as the
temperatures grow. Reverse annealing starts from long-run samples, not from exact ones: it is an
estimate and no bound.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from relatent.networks.probes import Probe
from relatent.networks.streams import stream
from relatent.rbm.model import RBM
from relatent.rbm.partition import BLOCK_CHAINS, LogZ, Method, annealed, log_likelihood, log_partition
from relatent.stats.intervals import NORMAL, Interval, mean_interval

DIRECTIONS: tuple[Method, ...] = ("ais", "reverse-ais")
PROBED = 20  # temperatures, Gibbs steps before them, and test rows of a probe


def estimates(
    rbm: RBM,
    data: Tensor,
    test: Tensor,
    *,
    temperatures: Sequence[int],
    chains: int,
    burn_in: int,
    seed: int,
    workers: int = 1,
    probe: Probe | None = None,
) -> list[dict[str, Any]]:
    """Anneal in both directions at each number of temperatures.

    Parameters
    ----------
    rbm : with an energy.
    data : (n, n_visible), training rows, see `relatent.rbm.partition.log_partition`.
    test : (m, n_visible), rows whose log-likelihood is averaged.
    temperatures : numbers of temperatures, one run each.
    chains, burn_in, workers : see `relatent.rbm.partition.log_partition`.
    seed : every run has a stream of its own, spawned from it.
    probe : gets the marks of a few chains at a few temperatures, see `relatent.networks.probes`.

    Returns
    -------
    list of dict
        In nats, a row per run: `direction`, `temperatures`, `log_z`, `std_error`, `low`, `high` (95
        % interval of log Z over chains), `test_log_likelihood`, `test_low`, `test_high` (95 %
        interval, see `mean_log_likelihood`).

    Raises
    ------
    InputError
        As `relatent.rbm.partition.log_partition`.
    """
    if probe:
        _mark(probe, rbm, data, test, seed=seed)
    rows = []
    for number, count in enumerate(temperatures):
        for way, direction in enumerate(DIRECTIONS):
            log_z = log_partition(
                rbm,
                method=direction,
                data=data,
                temperatures=count,
                chains=chains,
                burn_in=burn_in,
                generator=stream(seed, number, way),
                workers=workers,
            )
            rows.append({"direction": direction, "temperatures": count} | _row(log_z, rbm, test))
    return rows


def _mark(probe: Probe, rbm: RBM, data: Tensor, test: Tensor, *, seed: int) -> None:
    """Mark a block of chains from either end, and the likelihoods of a few test rows."""
    for direction in DIRECTIONS:
        few: dict[str, Any] = {"temperatures": PROBED, "chains": BLOCK_CHAINS, "burn_in": PROBED}
        probe.mark(
            direction, annealed(rbm, method=direction, data=data, generator=torch.Generator().manual_seed(seed), **few)
        )
    probe.mark("likelihood", log_likelihood(rbm, test[:PROBED], LogZ(0.0, 0.0)))
    probe.end()


def _row(log_z: LogZ, rbm: RBM, test: Tensor) -> dict[str, float]:
    margin = NORMAL * log_z.std_error
    mean = mean_log_likelihood(rbm, test, log_z)
    return {
        "log_z": log_z.value,
        "std_error": log_z.std_error,
        "low": log_z.value - margin,
        "high": log_z.value + margin,
        "test_log_likelihood": mean.mean,
        "test_low": mean.low,
        "test_high": mean.high,
    }


def mean_log_likelihood(rbm: RBM, v: Tensor, log_z: LogZ) -> Interval:
    """Return the mean of log p(v) over rows, with a 95 % interval that holds the errors of rows and
    of log Z.

    Returns
    -------
    Interval
        In nats per row. For Beta units p is a density over (0, 1)^n_visible, so its log may be
        positive.
    """
    over_rows = mean_interval(log_likelihood(rbm, v, log_z))
    error = math.hypot(over_rows.standard_error, log_z.std_error)
    return Interval.around(over_rows.mean, error)


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return the two estimates at the most temperatures and their difference, as flat numbers in
    nats."""
    most = max(row["temperatures"] for row in rows)
    forward, reverse = (
        next(row for row in rows if (row["direction"], row["temperatures"]) == (direction, most))
        for direction in DIRECTIONS
    )
    return {
        "temperatures": most,
        "test_log_likelihood": forward["test_log_likelihood"],
        "test_low": forward["test_low"],
        "test_high": forward["test_high"],
        "test_log_likelihood_reverse": reverse["test_log_likelihood"],
        "test_low_reverse": reverse["test_low"],
        "test_high_reverse": reverse["test_high"],
        "apart": abs(forward["log_z"] - reverse["log_z"]),
        "log_z": forward["log_z"],
        "log_z_std_error": forward["std_error"],
        "log_z_reverse": reverse["log_z"],
        "log_z_reverse_std_error": reverse["std_error"],
    }
