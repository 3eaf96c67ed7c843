"""Read 20 Newsgroups by date (Lang 1995; by-date split of J. Rennie) as a stream of documents.

The archive holds one posting per file, headers included, as
`20news-bydate-{train,test}/<group>/<id>`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from relatent.datasets.archive import index_tar, read_member
from relatent.errors import InputError

FOLDERS = {"train": "20news-bydate-train", "test": "20news-bydate-test"}


class Document(NamedTuple):
    """One posting; `text` begins with its header lines, which an empty line ends."""

    group: str
    id: str
    text: str


def read_newsgroups(archive: Path, split: str) -> Iterator[Document]:
    """Read a split's documents one after the other, sorted by path (group, then id).

    Parameters
    ----------
    archive : the canonical tar that `download.fetch` writes.
    split : "train" or "test".

    Yields
    ------
    Document
        Decoded as latin-1, as in scikit-learn: the postings name no encoding, and latin-1 keeps
        every byte.

    Raises
    ------
    InputError
        If the archive is incomplete, or a member is not a posting.
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
