"""Write and read digits as HDF5, with the fixed draws on which likelihoods are measured."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from relatent.datasets.mnist import read_mnist
from relatent.digits.binarise import How, binarise
from relatent.errors import InputError
from relatent.files.hdf5 import write_hdf5
from relatent.networks.streams import stream


def write_digits(folder: Path, path: Path, *, validation: int, binarisation: How, seed: int) -> None:
    """Write digits in three roles, with the fixed draw for validation and test likelihoods.

    Parameters
    ----------
    folder : holds the four idx files, as `read_mnist` takes them.
    path : HDF5 to write: for each role in train, validation, test `<role>_images` uint8 (n, 28, 28)
        and `<role>_labels` uint8 (n,); for validation and test `<role>_binary` uint8 (n, 28, 28) in
        {0, 1} as well (0..255 with "none").
    validation : int, number of digits, the last of the training file, that are kept for validation.
    binarisation : how the fixed draw is made, see `relatent.digits.binarise.binarise`; "dynamic"
        draws once here.
    seed : of the fixed draw; validation and test have a stream each.

    Raises
    ------
    InputError
        If validation would take all training digits.
    """
    images, labels = _read_all(folder, "train")
    test_images, test_labels = _read_all(folder, "test")
    if validation >= len(images):
        raise InputError(f"digits.validation: got {validation}, allowed: fewer than the {len(images)} digits")
    cut = len(images) - validation
    draw = partial(_draw, binarisation, seed)
    write_hdf5(
        path,
        {
            "train_images": images[:cut],
            "train_labels": labels[:cut],
            "validation_images": images[cut:],
            "validation_labels": labels[cut:],
            "validation_binary": draw(0, images[cut:]),
            "test_images": test_images,
            "test_labels": test_labels,
            "test_binary": draw(1, test_images),
        },
        dataset="digits",
        binarise=binarisation,
        seed=seed,
    )


def _read_all(folder: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return all images (n, 28, 28) and labels (n,) of a split: 47 MB for the 60,000 digits."""
    blocks = list(read_mnist(folder, split))
    return np.concatenate([images for images, _ in blocks]), np.concatenate([labels for _, labels in blocks])


def _draw(binarisation: How, seed: int, number: int, images: np.ndarray) -> np.ndarray:
    """Return one fixed binarisation of images, uint8 in {0, 1} (grey 0..255 for "none"), from a
    stream of its own."""
    if binarisation == "none":
        return images
    return binarise(torch.from_numpy(images), how=binarisation, generator=stream(seed, number)).to(torch.uint8).numpy()


def read_digits(path: Path, *names: str) -> tuple[Any, ...]:
    """Read digits as rows, uint8 (n, 784) each, and how their fixed draws were made."""
    from relatent.files.hdf5 import open_hdf5, read_hdf5

    with open_hdf5(path) as file:
        how = str(file.attrs["binarise"])
    return *[images.reshape(len(images), -1) for images in read_hdf5(path, *names)], how
