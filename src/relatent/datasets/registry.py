"""Download addresses, hashes and sizes of each data set.

The hashes come from the publisher (deep-funneled archive: md5), from scikit-learn 1.9.1 (LFW's
protocol files and the newsgroups, where it pins them), and from files with the publisher's md5
(MNIST). Two mirrors may pack the same members differently, so a data set is identified by the
digest of its content (`archive.Content`), not by the hash of an archive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from relatent.datasets.archive import Content


@dataclass(frozen=True)
class RemoteFile:
    """One file of a data set.

    `name` is the canonical file, `download` the published file (a mirror folder holds it under the
    data set's name). `sources` maps its addresses, in the order they are tried, to the hash
    (`algorithm:hex`) of the file there. `checksum` is the hash of a file that is kept byte for
    byte; it is None for an archive, which is identified by its content.
    """

    name: str
    download: str
    sources: Mapping[str, str]
    checksum: str | None


@dataclass(frozen=True)
class Dataset:
    """Files of a data set, and the content of its archive (or of its unpacked files)."""

    files: tuple[RemoteFile, ...]
    content: Content


def _kept(name: str, sha256: str, *folders: str) -> RemoteFile:
    checksum = f"sha256:{sha256}"
    return RemoteFile(name, name, {folder + name: checksum for folder in folders}, checksum)


MNIST_FOLDERS = (
    "http://yann.lecun.com/exdb/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
LFW_FOLDER = "http://vis-www.cs.umass.edu/lfw/"
FIGSHARE = "https://ndownloader.figshare.com/files/"
NEWSGROUPS_SHA256 = "sha256:8f1b2514ca22a5ade8fbb9cfa5727df95fa587f4c87b786e15c759fa66d95610"


def _lfw_text(name: str, sha256: str, figshare_id: str | None = None) -> RemoteFile:
    checksum = f"sha256:{sha256}"
    sources = {LFW_FOLDER + name: checksum}
    if figshare_id:
        sources[FIGSHARE + figshare_id] = checksum
    return RemoteFile(name, name, sources, checksum)


DATASETS: dict[str, Dataset] = {
    "mnist": Dataset(
        files=(
            _kept(
                "train-images-idx3-ubyte.gz",
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                *MNIST_FOLDERS,
            ),
            _kept(
                "train-labels-idx1-ubyte.gz",
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                *MNIST_FOLDERS,
            ),
            _kept(
                "t10k-images-idx3-ubyte.gz",
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                *MNIST_FOLDERS,
            ),
            _kept(
                "t10k-labels-idx1-ubyte.gz",
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                *MNIST_FOLDERS,
            ),
        ),
        content=Content(4, 54_950_048, "474311efcf1fd213e64768801dc6195673bffb8385179d6c55cd8748b9e2e8ca"),
    ),
    "lfw": Dataset(
        files=(
            RemoteFile(
                "lfw-deepfunneled.tar",
                "lfw-deepfunneled.tgz",
                {LFW_FOLDER + "lfw-deepfunneled.tgz": "md5:68331da3eb755a505a502b5aacb3c201"},
                None,
            ),
            _lfw_text("pairs.txt", "ea42330c62c92989f9d7c03237ed5d591365e89b3e649747777b70e692dc1592", "5976006"),
            _lfw_text("people.txt", "bc8fa2b7f25c895cf7efb6de4f4fc27ca8b8d1cfa63350ad8b96eae2b198d365"),
            _lfw_text(
                "pairsDevTrain.txt",
                "1d454dada7dfeca0e7eab6f65dc4e97a6312d44cf142207be28d688be92aabfa",
                "5976012",
            ),
            _lfw_text(
                "pairsDevTest.txt",
                "7cb06600ea8b2814ac26e946201cdb304296262aad67d046a16a7ec85d0ff87c",
                "5976009",
            ),
            _lfw_text("lfw-names.txt", "403cd39411ee297f99f69241959bd8f0496b44377711913a76ccdd8562874164"),
        ),
        content=Content(13_233, 116_589_584, "ad21b4af511fa69417604b392fa944b9311f3155f6c073a2c8ec21365a995208"),
    ),
    "newsgroups": Dataset(
        files=(
            RemoteFile(
                "20news-bydate.tar",
                "20news-bydate.tar.gz",
                {
                    "http://qwone.com/~jason/20Newsgroups/20news-bydate.tar.gz": NEWSGROUPS_SHA256,
                    FIGSHARE + "5975967": NEWSGROUPS_SHA256,
                },
                None,
            ),
        ),
        content=Content(18_846, 35_855_003, "20701c5675b5327116388288aa3225c61bc1005708ccbda9bfb83c22891263d6"),
    ),
}

FILES: dict[str, tuple[str, ...]] = {  # canonical files of each data set
    name: tuple(file.name for file in data.files) for name, data in DATASETS.items()
}
