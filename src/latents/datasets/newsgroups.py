"""20 Newsgroups by date (Lang 1995; the by-date split of J. Rennie): documents streamed from the archive.

The archive holds `20news-bydate-{train,test}/<group>/<id>`, one posting each, headers included.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from latents.datasets.archive import index_tar, read_member
from latents.errors import InputError

FOLDERS = {"train": "20news-bydate-train", "test": "20news-bydate-test"}


class Document(NamedTuple):
    """One posting; `text` begins with its header lines, an empty line ends them."""

    group: str
    id: str
    text: str


def read_newsgroups(archive: Path, split: str) -> Iterator[Document]:
    """Read a split's documents one after the other, sorted by path (group, then id).

    Parameters
    ----------
    archive : the canonical tar, as `download.fetch` writes it.
    split : "train" or "test".

    Yields
    ------
    Document
        Decoded as latin-1, as scikit-learn does: the postings name no encoding, and latin-1 loses no byte.

    Raises
    ------
    InputError
        If the archive is not whole, or a member is no posting.
    """
    archive = Path(archive)
    if split not in FOLDERS:
        raise InputError(f"split must be one of {', '.join(FOLDERS)}, got {split!r}")
    members = index_tar(archive)
    with archive.open("rb") as stream:
        for member in members:
            folder, *rest = member.path.split("/")
            if folder not in FOLDERS.values() or len(rest) != 2:
                raise InputError(f"{archive}: member {member.path!r} is not 20news-bydate-<split>/<group>/<id>")
            if folder == FOLDERS[split]:
                group, name = rest
                yield Document(group, name, read_member(stream, member).decode("latin-1"))
