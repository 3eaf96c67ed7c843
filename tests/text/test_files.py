"""The stage text stores each role's documents once, in all forms, and copes with what postings can
be."""

import h5py
import numpy as np
import pytest

from relatent.errors import InputError
from relatent.files.hdf5 import open_hdf5, read_hdf5, rows_of, write_hdf5
from relatent.text.files import assign, read_sequences, write_corpus
from tests.support.flat import flat

SETTINGS = {
    "split": "bydate", "validation": 0.2, "test": 0.2, "headers": [], "footers": True, "quotes": True, "min_letters": 2,
    "stop_words": True, "vocabulary": 50, "min_documents": 1, "max_share": 1.0, "seed": 0,
}  # fmt: skip
TRAIN = [f"Subject: header{n}\n\nthe common word and word{'abcdefghij'[n]} again" for n in range(10)]
TEST = ["Subject: x\n\n", "Subject: x\n\nxyzzy", "Subject: x\n\n" + "common " * 50_000, "Subject: x\n\nthe common word"]


def documents(folder, test=TEST, groups=("g.one", "g.two")):
    path = folder / "newsgroups.h5"
    write_hdf5(
        path,
        {
            "train_text": np.array(TRAIN), "train_labels": np.arange(10) % 2,
            "test_text": np.array(test), "test_labels": np.zeros(len(test), np.int64),
        },
        groups=list(groups),
    )  # fmt: skip
    return path


def test_every_document_is_in_one_role_in_all_forms(tmp_path):
    """Counts are the histogram of the sequence; labels and origins lead back to the posting."""
    source = documents(tmp_path)
    counted = flat(write_corpus)(source, tmp_path / "words.h5", **SETTINGS)
    assert [counted[f"{role}_documents"] for role in ("train", "validation", "test")] == [8, 2, 4]
    texts = dict(zip((0, 1), read_hdf5(source, "train_text", "test_text"), strict=True))
    with open_hdf5(tmp_path / "words.h5") as file:
        words = rows_of(file, "words")[...].tolist()
        for role in ("train", "validation", "test"):
            sequences, rows = read_sequences(tmp_path / "words.h5", role), rows_of(file, f"{role}_counts").toarray()
            for index, (split, row) in enumerate(file[f"{role}_document"][...]):
                histogram = np.bincount(sequences[index], minlength=file.attrs["unknown"] + 1)[: len(words)]
                assert rows[index].tolist() == histogram.tolist()
                assert all(word in texts[split][row] for word, count in zip(words, histogram, strict=True) if count)
                assert "header" not in "".join(words)


def test_odd_documents_are_counted_and_kept(tmp_path):
    """An empty one, one without a known word, one of 50,000 words, and a group that the test set
    lacks."""
    counted = flat(write_corpus)(documents(tmp_path), tmp_path / "words.h5", **SETTINGS)
    assert counted["test_empty"] == 1
    assert counted["test_without_known_word"] == 2
    assert counted["test_longest"] == 50_000
    assert counted["test_absent_groups"] == 1
    assert counted["train_absent_groups"] == 0
    assert counted["vocabulary"] < 50
    with h5py.File(tmp_path / "words.h5") as file:
        assert file["test_counts/data"][...].max() == 50_000


def test_words_come_from_training_documents_only(tmp_path):
    """A word of the test set alone is unknown."""
    flat(write_corpus)(documents(tmp_path), tmp_path / "words.h5", **SETTINGS)
    (words,) = read_hdf5(tmp_path / "words.h5", "words")
    assert "xyzzy" not in words


def test_the_same_settings_give_the_same_bytes(tmp_path):
    """And another seed gives other roles."""
    source, paths = documents(tmp_path), [tmp_path / name for name in "abc"]
    for path, seed in zip(paths, (0, 0, 1), strict=True):
        flat(write_corpus)(source, path, **SETTINGS | {"seed": seed})
    first, again, other = (path.read_bytes() for path in paths)
    assert first == again
    assert first != other


def test_no_words_at_all_is_one_line(tmp_path):
    """A test: min_documents above the number of documents."""
    with pytest.raises(InputError, match="no word is left"):
        flat(write_corpus)(documents(tmp_path), tmp_path / "words.h5", **SETTINGS | {"min_documents": 99})


def test_a_random_split_draws_test_documents_from_both():
    """By date it keeps the official ones."""
    assert (assign(10, 5, split="bydate", validation=0.2, test=0.2, seed=0)[10:] == 2).all()
    assert (assign(100, 50, split="random", validation=0.2, test=0.2, seed=0)[100:] != 2).any()
    with pytest.raises(InputError, match="bydate or random, got 'odd'"):
        assign(10, 5, split="odd", validation=0.2, test=0.2, seed=0)
