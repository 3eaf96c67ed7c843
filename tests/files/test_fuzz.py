"""Readers of damaged data sets give a result or a one-line InputError: no hang, no blow-up."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from relatent.datasets.archive import canonical_tar, index_tar, write_tar
from relatent.datasets.lfw import Face, decode_grey, index_lfw, read_pairs, read_people
from relatent.datasets.mnist import mnist_content, paths, read_mnist, write_idx
from relatent.files import hdf5 as storage
from relatent.text.corpus import tokenise
from relatent.text.documents import write_newsgroups
from relatent.text.postings import clean
from tests.support.archives import tar_content
from tests.support.mutations import NUMBERS, damaged, damaged_text, folder_with, made, many, result_or_one_line

RNG = np.random.default_rng(0)

# --- digits ---------------------------------------------------------------------------------------

IMAGES = made(lambda path: write_idx(path, RNG.integers(0, 256, (5, 28, 28), dtype=np.uint8)), "a")
LABELS = made(lambda path: write_idx(path, RNG.integers(0, 10, 5, dtype=np.uint8)), "a")


@given(data=st.data(), inside=st.booleans(), which=st.integers(0, 1))
@many(60)
def test_idx(data: st.DataObject, inside: bool, which: int) -> None:
    files = [IMAGES, LABELS]
    whole = files[which]
    files[which] = (
        gzip.compress(data.draw(damaged(gzip.decompress(whole), 16))) if inside else data.draw(damaged(whole, 16))
    )
    with folder_with() as folder:
        for split in ("train", "test"):
            for path, content in zip(paths(folder, split), files, strict=True):
                path.write_bytes(content)
        found = result_or_one_line(lambda: list(read_mnist(folder, "train", block=3)))
        assert found is None or sum(len(labels) for _, labels in found) == sum(len(images) for images, _ in found)
        result_or_one_line(lambda: mnist_content(folder))


# --- archives -------------------------------------------------------------------------------------

POSTINGS = {
    f"20news-bydate-{split}/{group}/{number}": f"From: {number}\n\n{group} wrote:\n> a\nhello {number}\n".encode()
    for split in ("train", "test")
    for group in ("a.b", "c.d")
    for number in (1, 22)
}


def jpeg(size: tuple[int, int] = (250, 250), **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.effect_noise(size, 60).convert("RGB").save(stream, "JPEG", quality=20, **options)
    return stream.getvalue()


JPEG = jpeg()
DOCUMENTS_TAR = made(lambda path: write_tar(path, sorted(POSTINGS.items())), "a.tar")
FACES_TAR = made(lambda path: write_tar(path, [("lfw-deepfunneled/A/A_0001.jpg", b"jpeg")]), "a.tar")
TYPES = [b"0", b"1", b"2", b"3", b"5", b"6", b"7", b"L", b"K", b"S", b"x", b"g", b"X", b"\0", b"V"]
TAR_FIELDS = {
    "name": (0, 100),
    "size": (124, 12),
    "type": (156, 1),
    "link": (157, 100),
    "magic": (257, 8),
    "prefix": (345, 155),
}


@st.composite
def odd_tar(draw: st.DrawFn, whole: bytes) -> bytes:
    """Overwrite fields of a tar's header under a right checksum, which random damage never has."""
    data = bytearray(whole)
    headers = [at for at in range(0, len(data), 512) if data[at + 257 : at + 262] == b"ustar"]
    at = draw(st.sampled_from(headers))
    for field in draw(st.lists(st.sampled_from(sorted(TAR_FIELDS)), min_size=1, max_size=2, unique=True)):
        start, width = TAR_FIELDS[field]
        if field == "size":
            number = draw(st.sampled_from([*NUMBERS, -1, -512, -(2**40), 2**80, 10**9]))
            high = b"\xff" if number < 0 else b"\x80"  # GNU's binary form of numbers
            octal = b"%011o\0" % number if 0 <= number < 8**11 else high + (number % 2**88).to_bytes(11, "big")
            content = octal
        elif field == "type":
            content = draw(st.sampled_from(TYPES))
        else:
            names = [
                b"../x",
                b"/etc/passwd",
                b"a/../../x",
                b"a\\b",
                b"x\xff\xfe",
                b"x\ny",
                b"",
                b"20news-bydate-train/a.b/\0",
            ]
            content = draw(st.one_of(st.sampled_from(names), st.binary(max_size=width)))
        data[at + start : at + start + width] = content[:width].ljust(width, b"\0")
    data[at + 148 : at + 156] = b"%06o\0 " % tarfile.calc_chksums(bytes(data[at : at + 512]))[0]
    return draw(damaged(bytes(data))) if draw(st.booleans()) else bytes(data)


def stays_inside(folder: Path, before: set[Path]) -> None:
    """Check that nothing but the named file was written, there or above."""
    assert set(folder.rglob("*")) <= before
    assert not (folder.parent / "x").exists()


@given(data=st.data(), gzipped=st.booleans(), which=st.sampled_from([DOCUMENTS_TAR, FACES_TAR]))
@many(80)
def test_foreign_archives(data: st.DataObject, gzipped: bool, which: bytes) -> None:
    with folder_with(whole__tar=which, out=b"") as folder:
        expected = tar_content(folder / "whole.tar")
        tar = data.draw(odd_tar(which))
        source = data.draw(damaged(gzip.compress(tar), 16)) if gzipped and data.draw(st.booleans()) else tar
        (folder / "a.tgz").write_bytes(gzip.compress(source) if gzipped and source is tar else source)
        before = {*folder.rglob("*"), folder / "out.tar"}
        found = result_or_one_line(lambda: canonical_tar(folder / "a.tgz", folder / "out.tar", expected))
        assert found in (None, expected)
        assert (folder / "out.tar").exists() == (found is not None)
        stays_inside(folder, before)


@given(data=st.data())
@many(100)
def test_canonical_archives(data: st.DataObject) -> None:
    documents = data.draw(st.booleans())
    with folder_with(a__tar=data.draw(odd_tar(DOCUMENTS_TAR if documents else FACES_TAR))) as folder:
        path = folder / "a.tar"
        result_or_one_line(lambda: index_tar(path))
        result_or_one_line(lambda: tar_content(path))
        result_or_one_line(lambda: index_lfw(path))
        result_or_one_line(lambda: write_newsgroups(path, folder / "out.h5"))
        stays_inside(folder, {path, folder / "out.h5"})


NAMES = st.text(st.characters(blacklist_characters="/\0"), min_size=1, max_size=8)


@given(
    texts=st.lists(
        st.one_of(st.binary(max_size=200), st.text("> |-:\n\r\0aé"), st.just(b"> " * 50)), min_size=1, max_size=4
    ),
    group=NAMES,
)
@many(60)
def test_documents(texts: list[bytes | str], group: str) -> None:
    """Any bytes and any group name are stored as read, and no quotation makes the cleaning hang."""
    raw = [text.encode("latin-1") if isinstance(text, str) else text for text in texts]
    members = [(f"20news-bydate-train/{group}/{number}", content) for number, content in enumerate(raw)]
    with folder_with() as folder:
        if result_or_one_line(lambda: write_tar(folder / "a.tar", members) if group.isprintable() else None) is None:
            return
        written = result_or_one_line(lambda: write_newsgroups(folder / "a.tar", folder / "a.h5") or "written")
        assert written is None or len(storage.read_hdf5(folder / "a.h5", "train_text")[0]) == len(raw)
    for content in raw:
        for kept in (None, ["From"]):
            result_or_one_line(partial(clean, content.decode("latin-1"), headers=kept, footer=True))
            text = result_or_one_line(partial(clean, content.decode("latin-1"), headers=kept))
            result_or_one_line(partial(tokenise, text, min_letters=2))


# --- photographs and their protocol ---------------------------------------------------------------


@given(content=damaged(JPEG, 700))
@example(content=jpeg((8, 8)).replace(struct.pack(">HH", 8, 8), struct.pack(">HH", 13000, 13000)))
@example(content=jpeg((8, 8)).replace(struct.pack(">HH", 8, 8), struct.pack(">HH", 65500, 65500)))
@many(100)
def test_photographs(content: bytes) -> None:
    """Decoded pictures are 250x250; one that declares more is refused before it is unpacked."""
    found = result_or_one_line(lambda: decode_grey(Face("A_0001", "A", 1, content)))
    assert found is None or (found.shape == (250, 250) and found.dtype == np.uint8)


@given(pairs=damaged_text("2 1\nA 1 4\nA 2 B 1\nC 1 2\nC 3 D 12\n"), people=damaged_text("2\n1\nA 3\n2\nB 1\nC 2\n"))
@many(120)
def test_protocol_files(pairs: bytes, people: bytes) -> None:
    with folder_with(pairs=pairs, people=people) as folder:
        result_or_one_line(lambda: read_pairs(folder / "pairs"))
        result_or_one_line(lambda: read_people(folder / "people"))
