"""Write the postings of 20 Newsgroups to HDF5."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import h5py
import numpy as np

from relatent.datasets.newsgroups import Document, read_newsgroups
from relatent.errors import InputError
from relatent.files.hdf5 import add_growing, append, create_hdf5, set_attrs

DOCUMENTS_AT_ONCE = 1000


def write_newsgroups(archive: Path, path: Path) -> None:
    """Stream the documents into HDF5.

    Parameters
    ----------
    archive : the canonical tar of the data set.
    path : HDF5 to write: for each split in train, test `<split>_text` and `<split>_id` UTF-8
        strings (n,) and `<split>_labels` int64 (n,), an index into the attribute `groups` (a JSON
        list, sorted).
    """
    with create_hdf5(path, dataset="newsgroups") as file:
        groups: list[str] = []
        for split in ("train", "test"):
            groups = _append(file, split, read_newsgroups(archive, split), groups)
        set_attrs(file, {"groups": groups})


def _append(file: h5py.File, split: str, documents: Iterable[Document], groups: list[str]) -> list[str]:
    """Append a split by blocks of documents; return the groups known so far, in order of
    appearance."""
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
