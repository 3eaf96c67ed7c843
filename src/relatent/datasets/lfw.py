"""Read Labeled Faces in the Wild, deep-funneled: the archive member by member, and protocol files.

Huang, Ramesh, Berg and Learned-Miller, 2007; deep funneling: Huang, Mattar, Lee and Learned-Miller,
2012. The archive holds `lfw-deepfunneled/<Person>/<Person>_NNNN.jpg`, JPEG of 250x250 RGB.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import numpy as np

from relatent.datasets.archive import Member, index_tar, read_member
from relatent.errors import InputError

if TYPE_CHECKING:
    from PIL import Image

SIDE_PX = 250
_WHOLE = re.compile(r"[0-9]{1,9}")
_PATH = re.compile(r"lfw-deepfunneled/(?P<person>[^/]+)/(?P<name>(?P=person)_(?P<number>\d{4,}))\.jpg")


class Face(NamedTuple):
    """One photograph, still compressed (about 9 KB; 188 KB as RGB)."""

    name: str  # "Aaron_Eckhart_0001"
    person: str  # "Aaron_Eckhart"
    number: int  # 1
    jpeg: bytes


class FaceEntry(NamedTuple):
    """Place of one photograph in the archive."""

    name: str
    person: str
    number: int
    offset: int
    size: int


class Pair(NamedTuple):
    """Two photographs of one fold of a protocol; `same` tells if they show one person."""

    fold: int
    same: bool
    first: str  # names as in Face.name
    second: str


class Person(NamedTuple):
    """A person of one fold of people.txt, with the number of photographs."""

    fold: int
    person: str
    images: int


def index_lfw(archive: Path) -> list[FaceEntry]:
    """List all photographs, sorted by path, with offsets for reading by several processes."""
    return [_entry(Path(archive), member) for member in index_tar(Path(archive))]


def _entry(archive: Path, member: Member) -> FaceEntry:
    match = _PATH.fullmatch(member.path)
    if match is None:
        raise InputError(f"{archive}: member {member.path!r} is not lfw-deepfunneled/<Person>/<Person>_NNNN.jpg")
    return FaceEntry(match["name"], match["person"], int(match["number"]), member.offset, member.size)


def read_face(stream: BinaryIO, entry: FaceEntry) -> Face:
    """Read one photograph; `stream` is the archive in binary mode, opened in this process."""
    jpeg = read_member(stream, Member(entry.name, entry.offset, entry.size))
    return Face(entry.name, entry.person, entry.number, jpeg)


def decode_grey(face: Face) -> np.ndarray:
    """Decode to uint8 (250, 250); luma as in ITU-R 601-2, which is Pillow's mode L."""
    return np.asarray(_decode(face).convert("L"))


def _decode(face: Face) -> Image.Image:
    from PIL.JpegImagePlugin import JpegImageFile

    try:
        image = JpegImageFile(io.BytesIO(face.jpeg))  # reads the header only
        if image.size == (SIDE_PX, SIDE_PX):  # a few bytes could unpack to gigabytes
            image.load()
    except (OSError, SyntaxError, ValueError, KeyError, IndexError, TypeError) as error:
        raise InputError(f"{face.name}: not a whole JPEG ({error}); fetch the data set again") from None
    if image.size != (SIDE_PX, SIDE_PX):
        raise InputError(f"{face.name}: must be 250x250 pixels, got {image.size[0]}x{image.size[1]}")
    return image


# --- protocol files -------------------------------------------------------------------------------


def read_pairs(path: Path) -> list[Pair]:
    """Read pairs.txt (10 folds) or pairsDev*.txt (one fold).

    Pairs.txt is view 2: 10 folds of 300 matched and 300 mismatched pairs. The first line is
    `<folds> <n>`, or `<n>` for one fold. A matched pair is `<person> <i> <j>`, a mismatched one
    `<person> <i> <person> <j>`.
    """
    header, *lines = _rows(path)
    folds, n = _integers(path, 1, header if len(header) == 2 else ["1", *header], 2)
    if len(lines) != 2 * folds * n:
        raise InputError(f"{path}: its first line asks for {2 * folds * n} pairs, got {len(lines)}; fetch it again")
    pairs = []
    for index, line in enumerate(lines):
        fold, within = divmod(index, 2 * n)
        pairs.append(_pair(path, index + 2, line, fold, same=within < n))
    return pairs


def _pair(path: Path, number: int, line: list[str], fold: int, *, same: bool) -> Pair:
    fields = [line[0], line[1], line[0], line[2]] if same and len(line) == 3 else line
    if len(fields) != 4 or (same and len(line) != 3):
        raise InputError(f"{path}:{number}: expected {3 if same else 4} fields, got {len(line)}; fetch it again")
    i, j = _integers(path, number, [fields[1], fields[3]], 2)
    return Pair(fold, same, f"{fields[0]}_{i:04d}", f"{fields[2]}_{j:04d}")


def read_people(path: Path) -> list[Person]:
    """Read people.txt: the number of folds, then for each fold its number of people and lines."""
    header, *lines = _rows(path)
    (folds,) = _integers(path, 1, header, 1)
    people, at = [], 0
    for fold in range(folds):
        (count,) = _integers(path, at + 2, lines[at] if at < len(lines) else [], 1)
        block = lines[at + 1 : at + 1 + count]
        if len(block) != count:
            raise InputError(f"{path}: fold {fold} should have {count} people, got {len(block)}; fetch it again")
        people += [_person(path, at + 3 + index, line, fold) for index, line in enumerate(block)]
        at += 1 + count
    if at != len(lines):
        raise InputError(f"{path}: {len(lines) - at} lines more than its {folds} folds; fetch it again")
    return people


def _person(path: Path, number: int, line: list[str], fold: int) -> Person:
    if len(line) != 2:
        raise InputError(f"{path}:{number}: expected a person and a number, got {len(line)} fields; fetch it again")
    (images,) = _integers(path, number, line[1:], 1)
    return Person(fold, line[0], images)


def _rows(path: Path) -> list[list[str]]:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; fetch the data set first") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file ({error}); fetch it again") from None
    return [line.split() for line in text.splitlines()] or [[]]


def _integers(path: Path, number: int, fields: list[str], count: int) -> list[int]:
    if len(fields) != count or not all(_WHOLE.fullmatch(field) for field in fields):
        given = " ".join(fields)[:80]
        raise InputError(f"{path}:{number}: expected {count} whole numbers, got {given!r}; fetch it again")
    return [int(field) for field in fields]
