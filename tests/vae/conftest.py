"""A VAE trained on the toy."""

from __future__ import annotations

import numpy as np
import pytest

from relatent.vae import train
from relatent.vae.model import VAE
from tests.support.flat import flat
from tests.vae.sides import SETTINGS, images


@pytest.fixture(scope="module")
def trained() -> tuple[VAE, list[dict[str, float]]]:
    model, _, fitted = flat(train.train)(
        images(400), (images(60) > 127).astype(np.uint8), binarisation="dynamic", epochs=30, learning_rate=1e-2,
        seed=1, **SETTINGS,
    )  # fmt: skip
    return model, fitted.history
