"""The newsgroups' postings are streamed from the archive, sorted, without losing a byte."""

import os
from pathlib import Path

import pytest

from relatent.datasets import download
from relatent.datasets.archive import write_tar
from relatent.datasets.newsgroups import Document, read_newsgroups
from relatent.errors import InputError

MIRROR = Path(os.environ.get("RELATENT_MIRROR") or Path(__file__).parents[3] / "shared" / "data")
needs_real_data = pytest.mark.skipif(
    not (MIRROR / "newsgroups").is_dir(), reason=f"no newsgroups in the mirror {MIRROR}"
)


def test_a_split_is_read_sorted_by_group_and_id(tmp_path):
    """Each split has its own postings, in the order of their paths."""
    members = {
        "20news-bydate-test/sci.space/7": b"Subject: c\n\nthree",
        "20news-bydate-train/alt.atheism/10": b"Subject: a\n\none",
        "20news-bydate-train/alt.atheism/9": b"Subject: b\n\ntwo",
    }
    write_tar(tmp_path / "20news-bydate.tar", members.items())
    assert list(read_newsgroups(tmp_path / "20news-bydate.tar", "train")) == [
        Document("alt.atheism", "10", "Subject: a\n\none"),
        Document("alt.atheism", "9", "Subject: b\n\ntwo"),
    ]
    assert [document.id for document in read_newsgroups(tmp_path / "20news-bydate.tar", "test")] == ["7"]


def test_latin_1_loses_no_byte(tmp_path):
    """Every byte becomes one character and back, whatever encoding the posting has."""
    data = bytes(range(256))
    write_tar(tmp_path / "20news-bydate.tar", [("20news-bydate-train/g/1", data)])
    (document,) = read_newsgroups(tmp_path / "20news-bydate.tar", "train")
    assert document.text.encode("latin-1") == data


def test_an_unknown_split_and_another_tree_are_refused(tmp_path):
    """The message names what was given and what is allowed."""
    write_tar(tmp_path / "other.tar", [("20news-18828/g/1", b"")])
    with pytest.raises(InputError, match="train, test, got 'valid'"):
        list(read_newsgroups(tmp_path / "other.tar", "valid"))
    with pytest.raises(InputError, match="'20news-18828/g/1' is not 20news-bydate-<split>"):
        list(read_newsgroups(tmp_path / "other.tar", "train"))


@needs_real_data
@pytest.mark.real
def test_real_newsgroups_have_their_published_counts_and_sizes(tmp_path):
    """There are 11,314 and 7,532 postings in 20 groups, 22.055 and 13.801 MB as in scikit-learn."""
    identity = download.fetch("newsgroups", tmp_path, mirror=MIRROR)
    assert identity["content_digest"] == "20701c5675b5327116388288aa3225c61bc1005708ccbda9bfb83c22891263d6"
    for split, n, megabytes in (("train", 11_314, "22.05"), ("test", 7_532, "13.80")):
        documents = list(read_newsgroups(tmp_path / "20news-bydate.tar", split))
        assert (len(documents), len({document.group for document in documents})) == (n, 20)
        assert f"{sum(len(document.text) for document in documents) / 1e6:.2f}" == megabytes
        assert all("From: " in document.text for document in documents)
