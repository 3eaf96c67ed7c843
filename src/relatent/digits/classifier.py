"""Train and apply a small convolutional classifier, which judges generated digits.

It reads grey digits in [0, 1]. Its penultimate layer gives the features of a Frechet
distance (`relatent.stats.frechet.frechet_distance`), its output the probability of each digit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, pad

from relatent.errors import InputError
from relatent.networks.initialisation import restored
from relatent.networks.objectives import Parts
from relatent.networks.recipe import Journal, Recipe
from relatent.networks.schedules import one_cycle
from relatent.networks.training import NOWHERE, Fitted, fit

BLOCK_ROWS = 1000  # digits classified at once
CLASSES = 10


class DigitClassifier(nn.Module):
    """Two convolutions with max-pooling, a hidden layer, ten logits (after LeCun et al. 1998).

    Parameters
    ----------
    side_px : side of the square images.
    channels : filters of the two convolutions.
    kernel_px : side of the filters.
    n_features : units of the penultimate layer.
    """

    def __init__(self, *, side_px: int, channels: Sequence[int], kernel_px: int, n_features: int) -> None:
        super().__init__()
        self.side_px = side_px
        first, second = channels
        rest_px = ((side_px - kernel_px + 1) // 2 - kernel_px + 1) // 2
        if rest_px < 1:
            raise InputError(f"images of {side_px} px leave nothing after two filters of {kernel_px} px and pooling")
        self.trunk = nn.Sequential(
            nn.Conv2d(1, first, kernel_px),
            nn.MaxPool2d(2),
            nn.ReLU(),
            nn.Conv2d(first, second, kernel_px),
            nn.MaxPool2d(2),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(second * rest_px**2, n_features),
            nn.ReLU(),
        )
        self.head = nn.Linear(n_features, CLASSES)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # a third faster on the CPU

    def features(self, images: Tensor) -> Tensor:
        """Return the penultimate layer of images (batch, side_px, side_px) in [0, 1]: (batch,
        n_features), not below 0."""
        return self.trunk(images[:, None])

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (batch, 10) of images (batch, side_px, side_px) in [0, 1]."""
        return self.head(self.features(images))


def architecture(
    *, side_px: int = 28, channels: Sequence[int] = (16, 32), kernel_px: int = 5, n_features: int = 128
) -> dict[str, Any]:
    """Return the input of `build`, in JSON's types; see `DigitClassifier`."""
    return {
        "model": "digit_classifier",
        "side_px": side_px,
        "channels": list(channels),
        "kernel_px": kernel_px,
        "n_features": n_features,
    }


def build(shape: Mapping[str, Any], *, generator: torch.Generator) -> DigitClassifier:
    """Build a classifier; weights and biases are drawn from U(-1/sqrt(inputs), 1/sqrt(inputs)),
    torch's default.

    Raises
    ------
    InputError
        When `shape` is not the architecture of a digit classifier.
    """
    if shape.get("model") != "digit_classifier":
        raise InputError(f"the weights are of {shape.get('model', 'another model')!r}, not of a digit_classifier")
    model = DigitClassifier(**{name: value for name, value in shape.items() if name != "model"}).to(generator.device)
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            bound = 1 / math.sqrt(layer.weight[0].numel())
            for parameter in layer.parameters():
                nn.init.uniform_(parameter, -bound, bound, generator=generator)
    return model


def load(state: Mapping[str, Tensor], shape: Mapping[str, Any]) -> DigitClassifier:
    """Return a trained classifier on the CPU, in eval mode: `load(*read_weights(path))`."""
    return restored(build(shape, generator=torch.Generator()), state)


def train(
    images: np.ndarray,
    labels: np.ndarray,
    *,
    validation_images: np.ndarray,
    validation_labels: np.ndarray,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    shift_px: int,
    generator: torch.Generator,
    journal: Journal = NOWHERE,
) -> tuple[DigitClassifier, dict[str, Any], Fitted]:
    """Train a classifier by cross-entropy with Adam and a one-cycle rate.

    Parameters
    ----------
    images, validation_images : uint8 (n, side_px, side_px), 0 is background.
    labels, validation_labels : int (n,), 0 to 9.
    epochs : passes over the training images.
    batch_size : images.
    learning_rate : peak of the one-cycle schedule.
    shift_px : int, largest shift of a training image along each axis, drawn again each time.
    generator : draws weights, order and shifts; training runs on its device.
    journal : checkpoint and probe, see `relatent.networks.recipe.Journal`; default: none.

    Returns
    -------
    model, architecture, history
        The model in eval mode, the input of `build`, and a row per epoch: `train_cross_entropy` and
        `validation_cross_entropy` in nats, `validation_error` as a share.
    """
    device = generator.device
    shape = architecture(side_px=images.shape[-1])
    model = build(shape, generator=generator)
    seen, watched = (torch.from_numpy(part).to(device) for part in (images, validation_images))
    classes, watched_classes = (
        torch.from_numpy(part.astype(np.int64)).to(device) for part in (labels, validation_labels)
    )

    def loss_parts(rows: Tensor, draws: torch.Generator) -> Parts:
        if model.training:
            logits = model(shifted(seen[rows].float() / 255, shift_px, draws))
            return {"cross_entropy": cross_entropy(logits, classes[rows], reduction="none")}
        logits, truth = model(watched[rows].float() / 255), watched_classes[rows]
        wrong = (logits.argmax(1) != truth).float()
        return {"cross_entropy": cross_entropy(logits, truth, reduction="none"), "error": wrong}

    fitted = fit(
        model,
        # not fused: that one mixes up weights in channels_last and moments read from a checkpoint
        # in rows
        torch.optim.Adam(model.parameters(), lr=learning_rate),
        loss_parts,
        train_rows=torch.arange(len(seen)),
        validation_rows=torch.arange(len(watched)),
        recipe=Recipe(
            epochs=epochs,
            batch_size=batch_size,
            schedule=one_cycle(total_steps=epochs * -(-len(seen) // batch_size)),
        ),
        generator=generator,
        journal=replace(journal, name="digit classifier"),
    )
    return model.eval(), shape, fitted


def shifted(images: Tensor, shift_px: int, generator: torch.Generator) -> Tensor:
    """Shift each image (batch, y, x) by whole pixels, drawn within +-shift_px along each axis; fill
    with zeros."""
    if shift_px == 0:
        return images
    batch, height, width = images.shape
    device = images.device
    padded = pad(images, [shift_px] * 4)
    start = torch.randint(2 * shift_px + 1, (2, batch, 1), generator=generator, device=device)
    y = start[0] + torch.arange(height, device=device)  # (batch, y)
    x = start[1] + torch.arange(width, device=device)
    return padded[torch.arange(batch, device=device)[:, None, None], y[:, :, None], x[:, None, :]]


# --- judging pictures -----------------------------------------------------------------------------


def features(model: DigitClassifier, images: np.ndarray) -> np.ndarray:
    """Return the penultimate layer of grey digits, for Frechet distances.

    Parameters
    ----------
    images : float (n, side_px, side_px) in [0, 1].

    Returns
    -------
    float32 (n, n_features)
        Not below zero.

    Raises
    ------
    InputError
        When the images have another size, or are not within [0, 1].
    """
    return _blocked(model, images, model.features)


def probabilities(model: DigitClassifier, images: np.ndarray) -> np.ndarray:
    """Return P(digit | picture), float32 (n, 10), of grey digits (n, side_px, side_px); errors as
    `features`."""
    return _blocked(model, images, lambda block: model(block).softmax(1))


def predict(model: DigitClassifier, images: np.ndarray) -> np.ndarray:
    """Return the most probable digit of each picture, int64 (n,), 0 to 9; pictures as in
    `features`."""
    return probabilities(model, images).argmax(1)


def accuracy(model: DigitClassifier, images: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of the pictures that are classified as their labels (n,)."""
    return float(np.mean(predict(model, images) == labels))


def _blocked(model: DigitClassifier, images: np.ndarray, function: Any) -> np.ndarray:
    _check(images, model.side_px)
    device = next(model.parameters()).device
    blocks = torch.from_numpy(np.ascontiguousarray(images, np.float32)).split(BLOCK_ROWS)
    with torch.inference_mode():
        return torch.cat([function(block.to(device)).cpu() for block in blocks]).numpy()


def _check(images: np.ndarray, side_px: int) -> None:
    if images.ndim != 3 or images.shape[1:] != (side_px, side_px) or len(images) == 0:
        raise InputError(f"digits must be (n, {side_px}, {side_px}) with n >= 1, got {images.shape}")
    low, high = float(images.min()), float(images.max())
    if not (low >= 0 and high <= 1):  # nan fails both
        raise InputError(f"digits must be grey values in [0, 1], got {low:.4g} to {high:.4g}; divide bytes by 255")
