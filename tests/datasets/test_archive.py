"""Archives from others are read safely; canonical tars depend on paths and bytes only."""

import gzip
import hashlib
import io
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from relatent.datasets.archive import Content, canonical_tar, content, index_tar, read_member, write_tar
from relatent.errors import InputError
from tests.support.archives import tar_content

FILES = {"data/a/1": b"first", "data/a/2": b"", "data/b/1": bytes(range(256)) * 9}
CONTENT = content((path, hashlib.sha256(data).hexdigest(), len(data)) for path, data in FILES.items())


def pack(path: Path, files: dict[str, bytes], *, compress: bool = True, **attributes: object) -> Path:
    """Make an archive as others do, with folders, owners and times, in the order given."""
    with tarfile.open(path, "w:gz" if compress else "w") as tar:
        folder = tarfile.TarInfo("data/")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            for key, value in attributes.items():
                setattr(info, key, value)
            tar.addfile(info, io.BytesIO(data))
    return path


def refused(source: Path, target: Path, expected: Content = CONTENT) -> str:
    """Return the one-line message of a refusal that leaves no file."""
    with pytest.raises(InputError) as error:
        canonical_tar(source, target, expected)
    assert list(target.parent.iterdir()) == []
    assert "\n" not in str(error.value)
    assert str(source) in str(error.value)
    return str(error.value)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder / "data.tar"


def test_content_digest_is_the_hash_of_the_sorted_lines_of_hashes_and_paths():
    """The digest agrees with one computed by hand from its definition."""
    lines = "".join(f"{hashlib.sha256(FILES[name]).hexdigest()}  {name}\n" for name in FILES)
    assert Content(3, 5 + 256 * 9, hashlib.sha256(lines.encode()).hexdigest()) == CONTENT


@pytest.mark.parametrize(
    ("prefix", "compress", "attributes"),
    [
        ("", True, {"mtime": 1_234_567_890, "uid": 1000, "uname": "somebody"}),
        ("./", True, {"mode": 0o777}),
        ("", False, {}),
    ],
)
def test_canonical_tar_does_not_depend_on_how_the_members_were_packed(tmp_path, target, prefix, compress, attributes):
    """Order, compression, owners, times, modes and a leading ./ do not change the bytes."""
    shuffled = {prefix + name: FILES[name] for name in reversed(FILES)}
    source = pack(tmp_path / "any", shuffled, compress=compress, **attributes)
    assert canonical_tar(source, target, CONTENT) == CONTENT
    write_tar(tmp_path / "direct.tar", FILES.items())
    assert target.read_bytes() == (tmp_path / "direct.tar").read_bytes()
    with tarfile.open(target) as tar:
        assert {(m.mode, m.uid, m.gid, m.mtime, m.uname, m.gname) for m in tar} == {(0o644, 0, 0, 0, "", "")}


@pytest.mark.parametrize("name", ["../x", "data/../../x", "/x", "data\\..\\x", "data/\nx", ".."])
def test_a_member_outside_the_folder_is_refused(tmp_path, target, name):
    """Absolute paths, .. and improper names are refused, and the message names the member."""
    assert repr(name) in refused(pack(tmp_path / "bad.tgz", {name: b"x"}), target)


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (tarfile.SYMTYPE, "link"),
        (tarfile.LNKTYPE, "link"),
        (tarfile.FIFOTYPE, "special file"),
        (tarfile.CHRTYPE, "special file"),
        (tarfile.BLKTYPE, "special file"),
    ],
)
def test_links_and_devices_are_refused(tmp_path, target, kind, word):
    """Only regular files are extracted."""
    source = pack(tmp_path / "bad.tgz", {"data/x": b""}, type=kind, linkname="/etc/passwd")
    assert f"'data/x' is a {word}" in refused(source, target)


def test_a_sparse_file_is_refused(tmp_path, target):
    """A member that stores less than it unpacks to would escape the limits."""
    info = tarfile.TarInfo("data/x")
    info.type = tarfile.GNUTYPE_SPARSE
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[483:495] = b"00000100000\0"  # its unpacked size
    header[148:156] = b"%06o\0 " % tarfile.calc_chksums(bytes(header))[0]
    source = tmp_path / "sparse.tar"
    source.write_bytes(bytes(header) + bytes(tarfile.RECORDSIZE - len(header)))
    assert "'data/x' is a special file" in refused(source, target)


def test_more_members_or_bytes_than_the_registry_states_are_refused(tmp_path, target):
    """The stated members and bytes are the limits of extraction."""
    more = pack(tmp_path / "more.tgz", FILES | {"data/c": b""})
    assert "exceeds the registry's 3 members" in refused(more, target)
    longer = pack(tmp_path / "longer.tgz", FILES | {"data/a/1": bytes(100)})
    assert "2,309 bytes" in refused(longer, target)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, target):
    """Gigabytes of zeros, in a member or in an extended header, are refused within the limits."""
    header = tarfile.TarInfo("data/x")
    header.size = 2**33
    unpacked = "unpacks to more than"
    for kind, words in (
        (tarfile.REGTYPE, "exceeds the registry's"),
        (tarfile.XHDTYPE, unpacked),
        (tarfile.GNUTYPE_LONGNAME, unpacked),
    ):
        header.type = kind
        bomb = tmp_path / "bomb.tgz"
        with gzip.open(bomb, "wb") as stream:
            stream.write(header.tobuf(tarfile.GNU_FORMAT))
            for _ in range(64):
                stream.write(bytes(2**20))
        assert words in refused(bomb, target)


def test_a_member_that_is_there_twice_is_refused(tmp_path, target):
    """Two members of one path, also if spelt differently, have no single content."""
    assert "twice" in refused(pack(tmp_path / "twice.tgz", {"data/a": b"1", "./data/a": b"2"}), target)


def test_another_content_is_refused_with_both_digests(tmp_path, target):
    """The message for other bytes gives the expected and the found digest."""
    other = pack(tmp_path / "other.tgz", FILES | {"data/a/1": b"FIRST"})
    message = refused(other, target)
    assert CONTENT.digest in message
    assert message.count("digest") == 2


def test_an_existing_target_survives_a_bad_archive(tmp_path, target):
    """The old file is replaced by a complete one or not at all."""
    target.write_text("old")
    with pytest.raises(InputError):
        canonical_tar(pack(tmp_path / "bad.tgz", {"../x": b""}), target, CONTENT)
    assert target.read_text() == "old"


@settings(deadline=None, max_examples=60)
@given(share=st.floats(0, 1, exclude_max=True), compress=st.booleans())
@example(share=0.9999, compress=True)  # the last byte of gzip's checksum
def test_an_archive_cut_anywhere_is_refused(share, compress):
    """Wherever a download stopped, the archive is called truncated and no file is left."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = pack(folder / "cut", FILES, compress=compress)
        data = source.read_bytes()
        # an uncompressed tar ends in zeros, which may be cut off
        last = len(data) if compress else len(data.rstrip(b"\0"))
        source.write_bytes(data[: int(share * last)])
        (folder / "out").mkdir()
        refused(source, folder / "out" / "data.tar")


@settings(deadline=None, max_examples=100)
@given(share=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), compress=st.booleans())
def test_a_flipped_bit_is_refused_or_without_effect(share, bit, compress):
    """A damaged archive gives the right members or one line, never other members or a crash."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = pack(folder / "damaged", FILES, compress=compress)
        data = bytearray(source.read_bytes())
        data[int(share * len(data))] ^= 1 << bit
        source.write_bytes(data)
        try:
            canonical_tar(source, folder / "data.tar", CONTENT)
        except InputError:
            assert list(folder.iterdir()) == [source]
        else:
            assert tar_content(folder / "data.tar") == CONTENT


@settings(deadline=None, max_examples=100)
@given(data=st.binary(max_size=2000), gzipped=st.booleans())
def test_garbage_is_refused_in_one_line(data, gzipped):
    """Random bytes, gzipped or not, are refused."""
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / "garbage"
        source.write_bytes(gzip.compress(data) if gzipped else data)
        (Path(name) / "out").mkdir()
        refused(source, Path(name) / "out" / "data.tar")


def test_members_are_read_at_their_offsets_in_any_order(tmp_path):
    """The index leads to each member's bytes without reading the others."""
    path = tmp_path / "data.tar"
    assert write_tar(path, FILES.items()) == CONTENT == tar_content(path)
    with path.open("rb") as stream:
        assert {m.path: read_member(stream, m) for m in reversed(index_tar(path))} == FILES


def test_unsorted_members_are_an_error_of_the_caller(tmp_path):
    """The members of a canonical tar must be sorted; otherwise nothing is written."""
    with pytest.raises(ValueError, match="sorted by path"):
        write_tar(tmp_path / "data.tar", [("b", b""), ("a", b"")])
    assert list(tmp_path.iterdir()) == []


def test_a_canonical_tar_that_is_cut_is_not_indexed(tmp_path):
    """A tar cut at any block, even between members, is incomplete; so is a compressed one."""
    path = tmp_path / "data.tar"
    write_tar(path, FILES.items())
    data = path.read_bytes()
    for end in range(0, len(data), tarfile.BLOCKSIZE):
        path.write_bytes(data[:end])
        with pytest.raises(InputError, match="not a whole canonical tar"):
            index_tar(path)
    path.write_bytes(gzip.compress(data))
    with pytest.raises(InputError, match="not a whole canonical tar"):
        index_tar(path)
    with pytest.raises(InputError, match="no such file"):
        index_tar(tmp_path / "none.tar")
