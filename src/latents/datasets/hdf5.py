"""The data sets as HDF5: digits with their fixed binarised draws, newsgroups as documents with labels."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from itertools import islice
from pathlib import Path

import h5py
import numpy as np
import torch

from latents.binarise import How, binarise
from latents.datasets.mnist import read_mnist
from latents.datasets.newsgroups import Document, read_newsgroups
from latents.errors import InputError
from latents.storage import add_growing, append, create_hdf5, set_attrs, write_hdf5

DOCUMENTS_AT_ONCE = 1000


def write_digits(folder: Path, path: Path, *, validation: int, binarisation: How, seed: int) -> None:
    """Write digits in three roles, with the fixed draw on which validation and test likelihoods are measured.

    Parameters
    ----------
    folder : holds the four idx files, as `read_mnist` takes them.
    path : HDF5 to write: for each role in train, validation, test `<role>_images` uint8 (n, 28, 28) and
        `<role>_labels` uint8 (n,); for validation and test `<role>_binary` uint8 (n, 28, 28) in
        {0, 1} as well (0..255 with "none").
    validation : how many digits, the last of the training file, are kept for validation.
    binarisation : how the fixed draw is made, see `latents.binarise.binarise`; "dynamic" draws once here.
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
    """All images (n, 28, 28) and labels (n,) of a split: 47 MB for the 60,000 digits."""
    blocks = list(read_mnist(folder, split))
    return np.concatenate([images for images, _ in blocks]), np.concatenate([labels for _, labels in blocks])


def _draw(binarisation: How, seed: int, stream: int, images: np.ndarray) -> np.ndarray:
    """One fixed binarisation of images, uint8 in {0, 1} (grey 0..255 for "none"), from a stream of its own."""
    if binarisation == "none":
        return images
    word = np.random.SeedSequence([seed, stream]).generate_state(1)[0]  # 32 bits: torch uses no more of a seed
    generator = torch.Generator().manual_seed(int(word))
    return binarise(torch.from_numpy(images), how=binarisation, generator=generator).to(torch.uint8).numpy()


def write_newsgroups(archive: Path, path: Path) -> None:
    """Stream the documents into HDF5.

    Parameters
    ----------
    archive : the canonical tar of the data set.
    path : HDF5 to write: for each split in train, test `<split>_text` and `<split>_id` UTF-8 strings (n,) and
        `<split>_labels` int64 (n,), an index into the attribute `groups` (a JSON list, sorted).
    """
    with create_hdf5(path, dataset="newsgroups") as file:
        groups: list[str] = []
        for split in ("train", "test"):
            groups = _append(file, split, read_newsgroups(archive, split), groups)
        set_attrs(file, {"groups": groups})


def _append(file: h5py.File, split: str, documents: Iterable[Document], groups: list[str]) -> list[str]:
    """Append a split by blocks of documents; return the groups known so far, in order of appearance."""
    known = list(groups)
    text = add_growing(file, f"{split}_text", h5py.string_dtype())
    names = add_growing(file, f"{split}_id", h5py.string_dtype())
    labels = add_growing(file, f"{split}_labels", np.int64)
    stream = iter(documents)
    while block := list(islice(stream, DOCUMENTS_AT_ONCE)):
        for document in block:
            if "\0" in document.text:  # which no posting has, and no string of HDF5 can hold
                raise InputError(f"{split}/{document.group}/{document.id} holds a zero byte; fetch the data set again")
        known += sorted({document.group for document in block} - set(known))
        append(text, [document.text for document in block])
        append(names, [document.id for document in block])
        append(labels, [known.index(document.group) for document in block])
    return known
