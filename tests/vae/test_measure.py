"""Bounds and active units of a trained VAE."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from relatent.vae import measure
from tests.vae.sides import images, short


def test_the_bound_lies_between_the_elbo_and_zero_and_workers_change_nothing(trained) -> None:
    """ELBO = -(reconstruction + KL) too."""
    digits = (images(80) > 127).astype(np.uint8)
    one, three = (
        measure.measure(
            trained[0], digits, binarisation="dynamic", bound_digits=np.arange(60), samples=200, seed=3, workers=workers
        )
        for workers in (1, 3)
    )
    assert one == three
    assert one["bound_elbo"] < one["bound"] < 0
    assert one["bound_digits"] == 60
    assert one["elbo"] == pytest.approx(-one["reconstruction"] - one["kl"])


def test_a_collapsed_model_is_reported() -> None:
    """An encoder that ignores its input has no active unit; with one dimension in use there is
    one."""
    model, _ = short()
    digits = (images(40) > 127).astype(np.uint8)
    options = {"binarisation": "dynamic", "bound_digits": np.arange(5), "samples": 2, "seed": 0, "workers": 1}
    with torch.no_grad():
        model.encoder.head.weight[1].zero_()  # of mu's second dimension
    assert measure.measure(model, digits, **options)["active_units"] == 1
    with torch.no_grad():
        model.encoder.head.weight.zero_()
    assert measure.measure(model, digits, **options)["active_units"] == 0


def test_the_digits_of_the_bound_are_the_same_for_every_model() -> None:
    """Distinct rows in order, all of them when there are not so many."""
    rows = measure.some_rows(100, 10, 0)
    assert len(set(rows)) == 10
    assert (np.diff(rows) > 0).all()
    np.testing.assert_array_equal(rows, measure.some_rows(100, 10, 0))
    np.testing.assert_array_equal(measure.some_rows(5, 10, 0), np.arange(5))
