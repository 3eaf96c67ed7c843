"""Write and read a corpus of the newsgroups as HDF5: counts, tf-idf and sequences of three
roles."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from relatent.errors import InputError
from relatent.files.hdf5 import add_csr, add_dataset, create_hdf5, open_hdf5, rows_of, set_attrs
from relatent.text.corpus import Ragged, Vocabulary, counts, learn_vocabulary, roles, tfidf, tokenise
from relatent.text.postings import clean

log = logging.getLogger(__name__)

ROLES = ("train", "validation", "test")
SPLITS = ("train", "test")  # of the documents' file
DOCUMENTS_AT_ONCE = 1000


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """The rules by which documents become a corpus.

    Attributes
    ----------
    split : "bydate" keeps the official test documents and takes validation from the training ones;
        "random" draws all roles from all documents.
    validation, test : float, shares of the documents; `test` counts for "random" only.
    headers, footers, quotes : the parts of a posting that are kept, see
        `relatent.text.postings.clean`.
    min_letters : int, least letters of a token.
    stop_words : bool, leave scikit-learn's English stop words out of the vocabulary.
    vocabulary, min_documents, max_share : see `relatent.text.corpus.learn_vocabulary`.
    seed : int, of the roles.
    """

    split: str
    validation: float
    test: float
    headers: Sequence[str] | None
    footers: bool
    quotes: bool
    min_letters: int
    stop_words: bool
    vocabulary: int
    min_documents: int
    max_share: float
    seed: int


def write_corpus(documents: Path, path: Path, protocol: Protocol) -> dict[str, Any]:
    """Tokenise the documents, choose the words on training documents, store all roles.

    Parameters
    ----------
    documents : HDF5 of `relatent.text.documents.write_newsgroups`.
    path : HDF5 to write. For each role in train, validation, test: `<role>_counts` and
        `<role>_tfidf` float32 CSR (n, n_words), `<role>_tokens` int32 (n_tokens,) with
        `<role>_offsets` int64 (n + 1,), `<role>_labels` int64 (n,) into the attribute `groups`,
        `<role>_document` int64 (n, 2): split (0 train, 1 test) and row in `documents`. And `words`,
        `stop_words` UTF-8, `document_frequency` int64 (n_words,), `idf` float64 (n_words,). A token
        is a word (from 0), a stop word (from n_words), or unknown (attribute `unknown`, the last
        number).
    protocol : the rules.

    Returns
    -------
    dict
        Counts: of words and stop words, and by role what `describe` gives and the groups without a
        document.
    """
    tokens, labels, groups, role = _read(documents, protocol)
    flat = [document for part in tokens for document in part]
    whole = learn_vocabulary(
        (flat[index] for index in np.flatnonzero(role == 0)),
        size=protocol.vocabulary,
        min_documents=protocol.min_documents,
        max_share=protocol.max_share,
        stop_words=english() if protocol.stop_words else (),
    )
    if len(whole.words) < protocol.vocabulary:
        log.info("%d words were asked for, %d there are: all of them are taken", protocol.vocabulary, len(whole.words))
    origin = np.array([(part, row) for part, name in enumerate(SPLITS) for row in range(len(labels[name]))], np.int64)
    all_labels = np.concatenate([labels[name] for name in SPLITS])
    counted: dict[str, Any] = {"vocabulary": len(whole.words), "stop_words": len(whole.stop_words)}
    with create_hdf5(path, dataset="newsgroups") as file:
        set_attrs(file, {"groups": groups, "roles": list(ROLES), "unknown": whole.unknown, "split": protocol.split})
        _add_vocabulary(file, whole)
        for number, name in enumerate(ROLES):
            rows = np.flatnonzero(role == number)
            sequences = Ragged.of(whole.encode(flat[row]) for row in rows)
            counted |= {f"{name}_{key}": value for key, value in describe(sequences, whole).items()}
            absent = [group for index, group in enumerate(groups) if index not in set(all_labels[rows])]
            if absent:
                log.info("%s: no document of %s", name, ", ".join(absent))
            counted[f"{name}_absent_groups"] = len(absent)
            _add_role(file, name, sequences, whole)
            for key, values in (("labels", all_labels[rows].astype(np.int64)), ("document", origin[rows])):
                add_dataset(file, f"{name}_{key}", values.shape, values.dtype)[...] = values
    return counted


def _read(
    documents: Path, protocol: Protocol
) -> tuple[list[list[list[str]]], dict[str, np.ndarray], list[str], np.ndarray]:
    """Return the tokens of every document by split, labels by split, names of groups, and the role
    of each document."""
    cleaned = partial(clean, headers=protocol.headers, footer=protocol.footers, quotes=protocol.quotes)
    shares: dict[str, Any] = {"validation": protocol.validation, "test": protocol.test}
    with open_hdf5(documents) as source:
        groups = json.loads(source.attrs["groups"])
        labels = {name: rows_of(source, f"{name}_labels")[...] for name in SPLITS}
        counts_of = (len(labels[name]) for name in SPLITS)
        role = assign(*counts_of, split=protocol.split, seed=protocol.seed, **shares)
        tokens = [
            [tokenise(cleaned(text), min_letters=protocol.min_letters) for text in texts(source, f"{name}_text")]
            for name in SPLITS
        ]
    return tokens, labels, groups, role


def assign(n_train: int, n_test: int, *, split: str, validation: float, test: float, seed: int) -> np.ndarray:
    """Draw the role, uint8 (n_train + n_test,), of official training documents, then of test
    documents."""
    generator = np.random.default_rng(seed)
    if split == "random":
        return roles(n_train + n_test, shares=(validation, test), generator=generator)
    if split == "bydate":
        return np.concatenate(
            [roles(n_train, shares=(validation,), generator=generator), np.full(n_test, ROLES.index("test"), np.uint8)]
        )
    raise InputError(f"split must be bydate or random, got {split!r}")


def texts(source: h5py.File, name: str) -> Iterator[str]:
    """Yield documents, read by blocks."""
    data = rows_of(source, name)
    for start in range(0, len(data), DOCUMENTS_AT_ONCE):
        yield from data[start : start + DOCUMENTS_AT_ONCE]


def english() -> frozenset[str]:
    """Return scikit-learn's English stop words."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    return ENGLISH_STOP_WORDS


def describe(sequences: Ragged, vocabulary: Vocabulary) -> dict[str, int]:
    """Count a role's documents, tokens and words."""
    known = sequences.values < len(vocabulary.words)
    return {
        "documents": len(sequences),
        "empty": int((sequences.lengths == 0).sum()),
        "without_known_word": int((sequences.selected(known).lengths == 0).sum()),
        "tokens": len(sequences.values),
        "known_words": int(known.sum()),
        "unknown_words": int((sequences.values == vocabulary.unknown).sum()),
        "longest": int(sequences.lengths.max(initial=0)),
    }


def _add_vocabulary(file: h5py.File, vocabulary: Vocabulary) -> None:
    for name, words in (("words", vocabulary.words), ("stop_words", vocabulary.stop_words)):
        add_dataset(file, name, (len(words),), h5py.string_dtype())[...] = np.array(words, object)
    for name, values in (("document_frequency", vocabulary.document_frequency), ("idf", vocabulary.idf())):
        add_dataset(file, name, values.shape, values.dtype)[...] = values


def _add_role(file: h5py.File, name: str, sequences: Ragged, vocabulary: Vocabulary) -> None:
    word_counts = counts(sequences, n_words=len(vocabulary.words))
    add_csr(file, f"{name}_counts", word_counts)
    add_csr(file, f"{name}_tfidf", tfidf(word_counts, vocabulary.idf()))
    for key, values in (("tokens", sequences.values), ("offsets", sequences.offsets)):
        add_dataset(file, f"{name}_{key}", values.shape, values.dtype)[...] = values


def read_sequences(path: Path, role: str) -> Ragged:
    """Read all tokens of a role's documents, in order."""
    with open_hdf5(path) as file:
        return Ragged(rows_of(file, f"{role}_tokens")[...], rows_of(file, f"{role}_offsets")[...])
