"""Visible units compared over seeds."""

from __future__ import annotations

import numpy as np
import torch

from relatent.face_models import units as face_units
from relatent.face_models.unit_map import UnitMap

RNG = np.random.default_rng(0)


def test_visible_units_are_compared_over_seeds_and_repeat() -> None:
    """Each kind is measured; binary draws are at the ends, Gaussian ones sometimes, Beta ones
    hardly ever."""
    values = torch.from_numpy(RNG.beta(2, 2, size=(120, 6)).astype(np.float32))
    unit_map = UnitMap(low=torch.zeros(6), span=torch.ones(6), eps=1e-3)
    settings = {
        "n_hidden": 4, "sigma": 0.3, "std": 0.01, "epochs": 1, "batch_size": 20, "learning_rate": 0.1, "chains": 10,
        "centring": 0.01,
    }  # fmt: skip
    options = {"kinds": ("bernoulli", "beta", "gaussian"), "seeds": 2, "chains": 50, "steps": 3, "settings": settings}
    found = face_units.compare(values[:100], values[100:], unit_map, **options)
    assert found == face_units.compare(values[:100], values[100:], unit_map, **options)
    assert found["n_seeds"] == 2
    assert found["bernoulli_clipped_share"] == 1
    assert found["beta_clipped_share"] < found["gaussian_clipped_share"] < 1
    assert found["bernoulli_frechet"] > found["beta_frechet"] > 0
