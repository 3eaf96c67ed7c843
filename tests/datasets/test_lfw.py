"""LFW's archive is read photograph by photograph, its protocol files as tables."""

import io
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from relatent.datasets import download
from relatent.datasets.archive import write_tar
from relatent.datasets.lfw import (
    Face,
    Pair,
    Person,
    decode_grey,
    index_lfw,
    read_face,
    read_pairs,
    read_people,
)
from relatent.errors import InputError
from tests.support.archives import decode_rgb, read_lfw

MIRROR = Path(os.environ.get("RELATENT_MIRROR") or Path(__file__).parents[3] / "shared" / "data")
needs_real_data = pytest.mark.skipif(not (MIRROR / "lfw").is_dir(), reason=f"no lfw in the mirror {MIRROR}")


def jpeg(colour: tuple[int, int, int], size: tuple[int, int] = (250, 250)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, colour).save(stream, "JPEG", quality=95)
    return stream.getvalue()


COLOURS = {"Ann_Lee_0001": (200, 10, 10), "Ann_Lee_0002": (10, 200, 10), "Bo_0001": (10, 10, 200)}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    names = sorted(COLOURS)
    write_tar(
        tmp_path / "lfw-deepfunneled.tar",
        ((f"lfw-deepfunneled/{name[:-5]}/{name}.jpg", jpeg(COLOURS[name])) for name in names),
    )
    return tmp_path / "lfw-deepfunneled.tar"


def test_names_say_person_and_number(archive):
    """Only the path says who is on a photograph."""
    found = [(face.name, face.person, face.number) for face in read_lfw(archive)]
    assert found == [("Ann_Lee_0001", "Ann_Lee", 1), ("Ann_Lee_0002", "Ann_Lee", 2), ("Bo_0001", "Bo", 1)]


def test_reading_by_index_equals_reading_in_order(archive):
    """Any photograph can be read by its offset, in any order, as in the stream."""
    entries = index_lfw(archive)
    with archive.open("rb") as stream:
        by_index = [read_face(stream, entry) for entry in reversed(entries)]
    assert by_index[::-1] == list(read_lfw(archive))


def test_decoding_gives_the_pixels_and_their_luma(archive):
    """RGB is exact within JPEG's error; grey is 0.299 R + 0.587 G + 0.114 B (ITU-R 601-2)."""
    for face in read_lfw(archive):
        rgb, grey = decode_rgb(face), decode_grey(face)
        assert (rgb.shape, rgb.dtype, grey.shape, grey.dtype) == (
            (250, 250, 3),
            np.uint8,
            (250, 250),
            np.uint8,
        )
        assert np.abs(rgb.astype(int) - COLOURS[face.name]).max() <= 3
        assert np.abs(grey - rgb @ [0.299, 0.587, 0.114]).max() <= 1


def test_a_damaged_or_wrong_picture_is_named(archive):
    """A photograph that is cut, not a JPEG, or not 250x250 is named in one line."""
    face = next(read_lfw(archive))
    for data, reason in ((face.jpeg[:500], "not a whole JPEG"), (b"GIF89a", "not a whole JPEG")):
        with pytest.raises(InputError, match=f"Ann_Lee_0001: {reason}"):
            decode_grey(face._replace(jpeg=data))
    with pytest.raises(InputError, match="must be 250x250 pixels, got 64x48"):
        decode_grey(Face("x", "x", 1, jpeg((0, 0, 0), (64, 48))))


def test_another_tree_is_refused(tmp_path):
    """A member that is not a photograph of a person under the person's name is named."""
    for path in ("lfw/A/A_0001.jpg", "lfw-deepfunneled/A/B_0001.jpg", "lfw-deepfunneled/A/A_0001.png"):
        write_tar(tmp_path / "other.tar", [(path, b"")])
        with pytest.raises(InputError, match=path):
            index_lfw(tmp_path / "other.tar")


def test_pairs_are_read_with_fold_and_truth(tmp_path):
    """Each fold lists matched, then mismatched pairs; a file with one number has one fold."""
    path = tmp_path / "pairs.txt"
    path.write_text("2\t1\nA\t1\t4\nA\t2\tB\t1\nC\t1\t2\nC\t3\tD\t12\n")
    assert read_pairs(path) == [
        Pair(0, True, "A_0001", "A_0004"),
        Pair(0, False, "A_0002", "B_0001"),
        Pair(1, True, "C_0001", "C_0002"),
        Pair(1, False, "C_0003", "D_0012"),
    ]
    path.write_text("1\nA\t1\t4\nA\t2\tB\t1\n")
    assert [(pair.fold, pair.same) for pair in read_pairs(path)] == [(0, True), (0, False)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ":1: expected 2 whole numbers"),
        ("ten\t1\n", ":1: expected 2 whole numbers, got 'ten 1'"),
        ("1\t1\nA\t1\t2\n", "asks for 2 pairs, got 1"),
        ("1\t1\nA\t1\tB\t2\nA\t1\tB\t1\n", ":2: expected 3 fields, got 4"),
        ("1\t1\nA\t1\t2\nA\t1\t2\n", ":3: expected 4 fields, got 3"),
        ("1\t1\nA\t1\t2\nA\t1\tB\tx\n", ":3: expected 2 whole numbers, got '1 x'"),
    ],
)
def test_a_bad_pairs_file_is_refused_with_its_line(tmp_path, text, message):
    """The message has the line number, what was expected and what was found."""
    path = tmp_path / "pairs.txt"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        read_pairs(path)
    assert message in str(error.value)


def test_people_are_read_by_fold(tmp_path):
    """people.txt counts its folds, each fold its people, each line a person's photographs."""
    path = tmp_path / "people.txt"
    path.write_text("2\n1\nA\t3\n2\nB\t1\nC\t2\n")
    assert read_people(path) == [Person(0, "A", 3), Person(1, "B", 1), Person(1, "C", 2)]
    for text, message in (
        ("2\n1\nA\t3\n", ":4: expected 1 whole numbers"),
        ("1\n2\nA\t3\n", "should have 2 people, got 1"),
        ("1\n1\nA\t3\nB\t1\n", "1 lines more"),
        ("1\n1\nA\n", ":3: expected a person and a number"),
    ):
        path.write_text(text)
        with pytest.raises(InputError) as error:
            read_people(path)
        assert message in str(error.value)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lfw")
    identity = download.fetch("lfw", folder, mirror=MIRROR)
    # the digest stated beside the mirror, computed by other code
    assert identity["content_digest"] == "ad21b4af511fa69417604b392fa944b9311f3155f6c073a2c8ec21365a995208"
    return folder


@needs_real_data
@pytest.mark.real
def test_real_lfw_has_its_published_counts(real):
    """13,233 photographs of 5,749 people; 6,000, 2,200 and 1,000 pairs that name only them."""
    entries = index_lfw(real / "lfw-deepfunneled.tar")
    names = {entry.name for entry in entries}
    assert (len(names), len({entry.person for entry in entries})) == (13_233, 5_749)
    for file, n in (("pairs.txt", 6_000), ("pairsDevTrain.txt", 2_200), ("pairsDevTest.txt", 1_000)):
        pairs = read_pairs(real / file)
        assert (len(pairs), sum(pair.same for pair in pairs)) == (n, n // 2)
        assert names >= {pair.first for pair in pairs} | {pair.second for pair in pairs}
    people = read_people(real / "people.txt")
    assert (len(people), sum(person.images for person in people), people[-1].fold) == (5_749, 13_233, 9)


@needs_real_data
@pytest.mark.real
def test_streaming_real_lfw_holds_one_photograph_at_a_time(real):
    """All 117 MB are read with less memory than a tenth of them."""
    tracemalloc.start()
    try:
        total_bytes = sum(len(face.jpeg) for face in read_lfw(real / "lfw-deepfunneled.tar"))
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total_bytes == 116_589_584
    assert peak_bytes < total_bytes // 10


@needs_real_data
@pytest.mark.real
def test_real_photographs_decode(real):
    """Every 500th photograph is 250x250."""
    with (real / "lfw-deepfunneled.tar").open("rb") as stream:
        for entry in index_lfw(real / "lfw-deepfunneled.tar")[::500]:
            face = read_face(stream, entry)
            assert decode_grey(face).shape == (250, 250)
