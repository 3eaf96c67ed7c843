"""Timing of networks: every model is timed as often, ratios are to the first."""

from __future__ import annotations

import numpy as np
import pytest

from relatent.networks.training import Fitted
from relatent.timing.epochs import seconds_per_epoch
from relatent.vae import train as vae_digits


def test_models_take_turns_and_ratios_are_of_medians(monkeypatch: pytest.MonkeyPatch) -> None:
    """With given seconds in place of a clock."""
    seconds = {"mlp": iter([2.0, 9.0, 1.0]), "gru": iter([5.0, 4.0, 40.0])}
    order = []

    def train(images, validation, options, *, seed, **others):
        order.append((options.encoder, options.epochs, seed))
        return None, {}, Fitted(seconds_per_epoch=[next(seconds[options.encoder])])

    monkeypatch.setattr(vae_digits, "train", train)
    sizes = {"latent_dim": 2, "decoder_widths": [4], "batch_size": 20, "learning_rate": 1e-3, "encoder_widths": [4]}
    settings = {"a": sizes | {"encoder": "mlp"}, "b": sizes | {"encoder": "gru"}}
    empty = np.zeros((1, 4), np.uint8)
    first, second = seconds_per_epoch(empty, empty, settings, repeats=3, binarisation="dynamic")
    assert order == [("mlp", 1, 0), ("gru", 1, 0), ("mlp", 1, 1), ("gru", 1, 1), ("mlp", 1, 2), ("gru", 1, 2)]
    assert first == {"run": "a", "encoder": "mlp", "seconds": 2.0, "lowest": 1.0, "highest": 9.0, "ratio": 1.0}
    assert (second["seconds"], second["ratio"]) == (5.0, 2.5)


def test_real_epochs_take_time() -> None:
    """One epoch of a small model of each kind."""
    images = np.random.default_rng(0).integers(256, size=(40, 16)).astype(np.uint8)
    sizes = {"latent_dim": 2, "decoder_widths": [4], "batch_size": 20, "learning_rate": 1e-3, "encoder_widths": [4]}
    settings = {name: sizes | {"encoder": name} for name in ("mlp", "bigru")}
    rows = seconds_per_epoch(images, (images > 127).astype(np.uint8), settings, repeats=1, binarisation="dynamic")
    assert [row["run"] for row in rows] == ["mlp", "bigru"]
    assert all(row["seconds"] > 0 for row in rows)
