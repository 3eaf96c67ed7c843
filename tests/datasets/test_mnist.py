"""MNIST's idx files are read by blocks, and a bad file is one clear line."""

import gzip
import os
import struct
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from relatent.datasets import download
from relatent.datasets.mnist import mnist_content, paths, read_mnist, write_idx
from relatent.errors import InputError

MIRROR = Path(os.environ.get("RELATENT_MIRROR") or Path(__file__).parents[3] / "shared" / "data")
needs_real_data = pytest.mark.skipif(not (MIRROR / "mnist").is_dir(), reason=f"no mnist in the mirror {MIRROR}")


def write_split(folder: Path, split: str, n: int, n_labels: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(n)
    images = generator.integers(0, 256, (n, 28, 28), dtype=np.uint8)
    labels = generator.integers(0, 10, n if n_labels is None else n_labels, dtype=np.uint8)
    image_path, label_path = paths(folder, split)
    write_idx(image_path, images)
    write_idx(label_path, labels)
    return images, labels


def read_all(folder: Path, split: str = "train") -> None:
    for _ in read_mnist(folder, split, block=7):
        pass


@pytest.mark.parametrize("block", [1, 3, 10, 11, 10_000])
def test_block_size_does_not_change_what_is_read(tmp_path, block):
    """Joined blocks are the arrays that were written, whatever the block size."""
    images, labels = write_split(tmp_path, "test", 10)
    blocks = list(read_mnist(tmp_path, "test", block=block))
    np.testing.assert_array_equal(np.concatenate([part for part, _ in blocks]), images)
    np.testing.assert_array_equal(np.concatenate([part for _, part in blocks]), labels)
    assert max(len(part) for part, _ in blocks) <= block


def test_the_same_array_gives_the_same_bytes(tmp_path):
    """The gzip header contains no time and no name."""
    for name in ("a.gz", "b.gz"):
        write_idx(tmp_path / name, np.arange(12, dtype=np.uint8).reshape(3, 4))
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()
    assert (tmp_path / "a.gz").read_bytes()[4:8] == bytes(4)
    assert gzip.decompress((tmp_path / "a.gz").read_bytes()) == struct.pack(">4B2I", 0, 0, 8, 2, 3, 4) + bytes(
        range(12)
    )


def test_only_bytes_are_written(tmp_path):
    """MNIST's type is the unsigned byte; other dtypes are refused."""
    with pytest.raises(ValueError, match="uint8, got float64"):
        write_idx(tmp_path / "a.gz", np.zeros(3))


def test_unequal_numbers_of_images_and_labels_are_refused(tmp_path):
    """A label file of another length belongs to other images."""
    write_split(tmp_path, "train", 10, n_labels=9)
    with pytest.raises(InputError, match="train has 10 images but 9 labels"):
        read_all(tmp_path)


def test_images_of_another_size_are_refused(tmp_path):
    """The reader promises 28x28."""
    write_split(tmp_path, "train", 10)
    write_idx(paths(tmp_path, "train")[0], np.zeros((10, 27, 28), np.uint8))
    with pytest.raises(InputError, match="must be 28x28, got 27x28"):
        read_all(tmp_path)


def test_swapped_files_missing_files_and_unknown_splits_are_refused(tmp_path):
    """An image file that holds labels, a missing file and an unknown split each have a line."""
    write_split(tmp_path, "train", 10)
    image_path, label_path = paths(tmp_path, "train")
    image_path.write_bytes(label_path.read_bytes())
    with pytest.raises(InputError, match="must begin with 00000803, got 00000801"):
        read_all(tmp_path)
    with pytest.raises(InputError, match="no such file"):
        read_all(tmp_path, "test")
    with pytest.raises(InputError, match="train, test, got 'valid'"):
        read_all(tmp_path, "valid")


def test_a_file_longer_than_its_header_is_refused(tmp_path):
    """Rows that the header does not count are damage, not data."""
    write_split(tmp_path, "train", 3)
    path = paths(tmp_path, "train")[1]
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()) + b"\0"))
    with pytest.raises(InputError, match="more bytes than its header's 3 rows"):
        read_all(tmp_path)


@settings(deadline=None, max_examples=100)
@given(share=st.floats(0, 1, exclude_max=True), which=st.integers(0, 1), inside=st.booleans())
@example(share=0, which=0, inside=False)
def test_a_file_cut_anywhere_is_refused_in_one_line(share, which, inside):
    """A file cut in its gzip stream or content is called truncated (in its header: not idx)."""
    with tempfile.TemporaryDirectory() as name:
        write_split(Path(name), "train", 20)
        path = paths(Path(name), "train")[which]
        whole = gzip.decompress(path.read_bytes()) if inside else path.read_bytes()
        cut = whole[: int(share * len(whole))]
        path.write_bytes(gzip.compress(cut) if inside else cut)
        with pytest.raises(InputError, match=r"truncated|not an idx file") as error:
            read_all(Path(name))
        assert "\n" not in str(error.value)


@settings(deadline=None, max_examples=200)
@given(
    header=st.one_of(st.binary(max_size=20), st.tuples(*[st.integers(0, 2**32 - 1)] * 3).map(lambda n: _header(*n))),
    body=st.binary(max_size=2000),
    gzipped=st.booleans(),
)
def test_garbage_gives_one_line_and_no_crash(header, body, gzipped):
    """Any bytes give digits or an InputError, and no header makes the reader allocate gigabytes."""
    with tempfile.TemporaryDirectory() as name:
        image_path, label_path = paths(Path(name), "train")
        write_idx(label_path, np.zeros(struct.unpack(">I", header[4:8])[0] % 50 if len(header) > 7 else 2, np.uint8))
        image_path.write_bytes(gzip.compress(header + body) if gzipped else header + body)
        try:
            read_all(Path(name))
        except InputError as error:
            message = str(error)
            assert "\n" not in message


def _header(n: int, height: int, width: int) -> bytes:
    return struct.pack(">4B3I", 0, 0, 8, 3, n, height if height % 2 else 28, width if width % 2 else 28)


def test_content_does_not_depend_on_the_compression(tmp_path):
    """Gzip at another level keeps the identity; another digit changes it."""
    for split in ("train", "test"):
        write_split(tmp_path, split, 5)
    before = mnist_content(tmp_path)
    path = paths(tmp_path, "test")[0]
    raw = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(raw, 1))
    assert mnist_content(tmp_path) == before
    path.write_bytes(gzip.compress(raw[:-1] + bytes([raw[-1] ^ 1])))
    assert mnist_content(tmp_path) != before


@needs_real_data
@pytest.mark.real
def test_real_mnist_has_its_published_counts_and_bytes(tmp_path):
    """There are 60,000 and 10,000 digits with known class sizes, in the published files' bytes."""
    identity = download.fetch("mnist", tmp_path, mirror=MIRROR)
    assert (identity["members"], identity["bytes"]) == (4, 54_950_048)
    labels = {s: np.concatenate([part for _, part in read_mnist(tmp_path, s)]) for s in ("train", "test")}
    # class sizes of both sets, as in torchvision's and the publisher's copies
    assert np.bincount(labels["train"]).tolist() == [
        5923,
        6742,
        5958,
        6131,
        5842,
        5421,
        5918,
        6265,
        5851,
        5949,
    ]
    assert np.bincount(labels["test"]).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (MIRROR / "mnist" / path.name).read_bytes()
