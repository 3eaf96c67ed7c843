"""Compare visible units: RBMs on features of faces that differ by them alone, over several
seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from relatent.face_models.unit_map import UnitMap
from relatent.networks.recipe import Journal
from relatent.rbm.model import RBM, reconstruction_error
from relatent.rbm.sampling import gibbs
from relatent.rbm.training import START_ROWS, Options, Read, train
from relatent.stats.frechet import frechet_distance
from relatent.stats.seeds import over_seeds


def compare(
    training: Tensor,
    held_out: Tensor,
    unit_map: UnitMap,
    *,
    kinds: Sequence[str],
    seeds: int,
    chains: int,
    steps: int,
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """Train an RBM of each kind and seed, draw from it, and measure.

    Parameters
    ----------
    training, held_out : float32 (n, d), (m, d), values in [0, 1].
    unit_map : values -> features, in which distances are taken.
    kinds : of visible units, see `relatent.rbm.model.RBM`; "bernoulli" sees draws of 0 and 1 with
        these values as their probabilities.
    chains, steps : of Gibbs sampling from random values; the last draws are measured.
    settings : `n_hidden`, `sigma`, `std`, and those of `relatent.rbm.training.Options`.

    Returns
    -------
    dict
        Of `relatent.stats.seeds.over_seeds`, for each kind `<kind>_frechet`, the Frechet distance
        of draws to held-out faces in the features, `<kind>_frechet_means` that of the means around
        them, `<kind>_reconstruction`, squared error per unit of held-out values, and
        `<kind>_clipped_share` of the drawn values that are 0 or 1.
    """
    measured = []
    for seed in range(seeds):
        found: dict[str, float] = {}
        for kind in kinds:
            generator = torch.Generator().manual_seed(seed)
            rbm = _trained(training, kind, generator, settings)
            found |= {
                f"{kind}_{name}": value
                for name, value in _measure(rbm, held_out, unit_map, chains, steps, generator).items()
            }
        measured.append(found)
    return over_seeds(measured)


def _trained(training: Tensor, kind: str, generator: torch.Generator, settings: Mapping[str, Any]) -> RBM:
    options = dict(settings)
    std = options.pop("std")
    rbm = RBM(training.shape[1], options.pop("n_hidden"), visible=kind, sigma=options.pop("sigma"))
    start = torch.randperm(len(training), generator=generator)[:START_ROWS]
    rbm.initialise(training[start], generator=generator, std=std, centring=options["centring"] > 0)
    read: Read = (
        (lambda rows, draws: torch.bernoulli(training[rows], generator=draws))
        if kind == "bernoulli"
        else (lambda rows, draws: training[rows])
    )
    journal = Journal(name=f"rbm of {kind} units")
    trained, _ = train(rbm, read, Options(**options), n_train=len(training), generator=generator, journal=journal)
    return trained


@torch.no_grad()
def _measure(
    rbm: RBM, held_out: Tensor, unit_map: UnitMap, chains: int, steps: int, generator: torch.Generator
) -> dict[str, float]:
    start = torch.rand(chains, rbm.n_visible, generator=generator)
    values = gibbs(rbm, start, steps, generator=generator)
    means = rbm.mean_visible(rbm.sample_hidden(values, generator=generator))
    real = unit_map.from_unit(held_out).numpy()
    at_ends = (values <= 0) | (values >= 1)
    return {
        "frechet": frechet_distance(unit_map.from_unit(values).numpy(), real),
        "frechet_means": frechet_distance(unit_map.from_unit(means).numpy(), real),
        "reconstruction": float(reconstruction_error(rbm, held_out).mean()),
        "clipped_share": float(np.mean(at_ends.numpy())),
    }
