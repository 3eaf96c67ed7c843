"""Build small stand-ins for the data sets offline, from data that our dependencies ship.

They have the formats of the real files, and with them the whole pipeline runs anywhere in minutes.
They never replace the real data unless the user asks for them. The same installed versions give the
same bytes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from relatent.datasets import embedded_faces, embedded_text, mnist
from relatent.datasets.archive import Content, write_tar
from relatent.files.atomic import atomic

N_TRAIN_DIGITS = 1_500  # of scikit-learn's 1,797 digits; the others are the test set
DIGIT_PX = 20  # MNIST's digits are fitted into 20x20, in a frame of 28x28


def build(name: str, folder: Path) -> Content:
    """Write the embedded data set `name` ("mnist", "lfw", "newsgroups") as its canonical files.

    Returns
    -------
    Content
        As for real data: of the archive's members, or of the unpacked idx files.
    """
    builders = {"mnist": _digits, "lfw": _faces, "newsgroups": _text}
    return builders[name](Path(folder))


def _digits(folder: Path) -> Content:
    """Write scikit-learn's digits (UCI, Alpaydin and Kaynak 1998), enlarged from 8x8 to 28x28.

    They have 17 grey levels.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.stack([_enlarged(image) for image in digits.images])  # (1797, 28, 28)
    labels = digits.target.astype(np.uint8)
    for split, rows in (("train", slice(0, N_TRAIN_DIGITS)), ("test", slice(N_TRAIN_DIGITS, None))):
        image_path, label_path = mnist.paths(folder, split)
        mnist.write_idx(image_path, images[rows])
        mnist.write_idx(label_path, labels[rows])
    return mnist.mnist_content(folder)


def _enlarged(image: np.ndarray) -> np.ndarray:
    """Enlarge float (8, 8) in 0..16 to uint8 (28, 28)."""
    from PIL import Image

    grey = Image.fromarray(np.rint(image * (255 / 16)).astype(np.uint8))
    digit = np.asarray(grey.resize((DIGIT_PX, DIGIT_PX), Image.Resampling.BICUBIC))
    return np.pad(digit, (mnist.SIDE_PX - DIGIT_PX) // 2)


def _faces(folder: Path) -> Content:
    for name, text in embedded_faces.protocol_files().items():
        with atomic(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return write_tar(folder / "lfw-deepfunneled.tar", embedded_faces.portraits())


def _text(folder: Path) -> Content:
    return write_tar(folder / "20news-bydate.tar", sorted(embedded_text.documents()))
