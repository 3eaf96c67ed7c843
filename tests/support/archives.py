"""Read whole archives: what tests compare with, and what no stage needs."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from relatent.datasets.archive import Content, content, index_tar, read_member
from relatent.datasets.lfw import Face, index_lfw, read_face


def tar_content(path: Path) -> Content:
    """Compute the content of a canonical tar from its bytes."""
    with path.open("rb") as stream:
        members = [(member.path, read_member(stream, member)) for member in index_tar(path)]
    return content((name, hashlib.sha256(data).hexdigest(), len(data)) for name, data in members)


def read_lfw(archive: Path) -> Iterator[Face]:
    """Read the photographs one after the other, sorted by path."""
    with archive.open("rb") as stream:
        for entry in index_lfw(archive):
            yield read_face(stream, entry)


def decode_rgb(face: Face) -> np.ndarray:
    """Decode a photograph to uint8 (height, width, 3)."""
    with Image.open(io.BytesIO(face.jpeg)) as image:
        return np.asarray(image.convert("RGB"))
