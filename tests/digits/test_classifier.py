"""The classifier of digits: it learns, repeats, resumes, judges by blocks, and refuses what is no
digit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from relatent.digits import classifier as dc
from relatent.errors import InputError
from relatent.files.weights import read_weights, write_weights
from relatent.networks import training
from relatent.stats.frechet import frechet_distance
from tests.support.flat import flat

SIDE_PX = 16
OPTIONS = {"epochs": 3, "batch_size": 20, "learning_rate": 5e-3, "shift_px": 1}


def bars(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A noisy horizontal bar at one of ten heights: uint8 (count, 16, 16), the class (count,)."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(10, size=count).astype(np.uint8)
    images = rng.integers(0, 60, (count, SIDE_PX, SIDE_PX))
    images[np.arange(count), 3 + labels, 2:14] = 230
    return images.astype(np.uint8), labels


def trained(checkpoint: Path | None = None, **changes: object) -> tuple[dc.DigitClassifier, dict, training.Fitted]:
    images, labels = bars(400)
    held_images, held_labels = bars(100, 1)
    return flat(dc.train)(
        images, labels, validation_images=held_images, validation_labels=held_labels,
        generator=torch.Generator().manual_seed(0), checkpoint=checkpoint, **(OPTIONS | changes),
    )  # fmt: skip


@pytest.fixture(scope="module")
def fitted() -> tuple[dc.DigitClassifier, dict, training.Fitted]:
    return trained(epochs=12, shift_px=0)


def test_training_learns_the_classes(fitted) -> None:
    """Far above chance on images it has not seen; the history holds that share."""
    model, _, history = fitted
    images, labels = bars(100, 1)
    share = dc.accuracy(model, images / 255, labels)
    assert share > 0.9
    assert history.history[-1]["validation_error"] == pytest.approx(1 - share)


def test_features_and_probabilities_do_not_depend_on_the_block(fitted, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of 7 are one block."""
    images = bars(40, 2)[0] / 255
    features, chances = dc.features(fitted[0], images), dc.probabilities(fitted[0], images)
    monkeypatch.setattr(dc, "BLOCK_ROWS", 7)
    np.testing.assert_allclose(dc.features(fitted[0], images), features, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(dc.probabilities(fitted[0], images), chances, rtol=1e-4, atol=1e-6)
    assert features.shape == (40, 128)
    assert features.min() >= 0
    np.testing.assert_allclose(chances.sum(1), 1, rtol=1e-5)
    np.testing.assert_array_equal(dc.predict(fitted[0], images), chances.argmax(1))


def test_noise_is_further_from_digits_than_other_digits_are(fitted) -> None:
    """What the features are for."""
    seen, others = bars(300, 3)[0] / 255, bars(300, 4)[0] / 255
    noise = np.random.default_rng(0).uniform(size=seen.shape)
    near, far = (frechet_distance(dc.features(fitted[0], seen), dc.features(fitted[0], a)) for a in (others, noise))
    assert far > 5 * near


def test_training_repeats_to_the_bit_and_weights_come_back(tmp_path: Path) -> None:
    """One seed, one result, also through a file."""
    model, shape, _ = trained()
    again, _, _ = trained()
    write_weights(tmp_path / "weights.safetensors", model.state_dict(), shape)
    loaded = dc.load(*read_weights(tmp_path / "weights.safetensors"))
    for name, value in model.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value, rtol=0, atol=0)
    images = bars(20, 5)[0] / 255
    np.testing.assert_array_equal(dc.features(loaded, images), dc.features(model, images))


def test_a_killed_training_resumes_to_the_same_weights(tmp_path: Path, killed_after) -> None:
    """Killed after its second epoch, it ends as if nothing had happened."""
    expected, _, _ = trained()
    path = tmp_path / "checkpoint.safetensors"
    with killed_after(2):
        trained(path)
    resumed, _, history = trained(path)
    assert len(history.history) == 3
    for name, value in expected.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], value, rtol=0, atol=0)


def test_a_shift_moves_each_image_by_whole_pixels_and_keeps_its_ink() -> None:
    """Every offset within the bounds occurs, none beyond; zeros move in."""
    images = torch.zeros(500, 9, 9)
    images[:, 4, 4] = 1
    moved = dc.shifted(images, 2, torch.Generator().manual_seed(0))
    places = {(int(y), int(x)) for _, y, x in moved.nonzero()}
    assert torch.equal(moved.sum((1, 2)), torch.ones(500))
    assert places == {(y, x) for y in range(2, 7) for x in range(2, 7)}
    assert dc.shifted(images, 0, torch.Generator()) is images


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 28, 20)), r"digits must be \(n, 16, 16\).* got \(2, 28, 20\)"),
        (np.zeros((0, 16, 16)), "n >= 1"),
        (np.full((1, 16, 16), 255.0), "divide bytes by 255"),
        (np.full((1, 16, 16), np.nan), "got nan"),
    ],
)
def test_what_is_no_digit_is_refused(fitted, images: np.ndarray, message: str) -> None:
    """One line: what was given, what is allowed."""
    with pytest.raises(InputError, match=message):
        dc.features(fitted[0], images)


def test_weights_of_another_model_and_too_small_images_are_refused(fitted) -> None:
    """One line each."""
    with pytest.raises(InputError, match="of 'rbm', not of a digit_classifier"):
        dc.load(fitted[0].state_dict(), {"model": "rbm"})
    with pytest.raises(InputError, match="images of 8 px leave nothing"):
        dc.build(dc.architecture(side_px=8), generator=torch.Generator())
