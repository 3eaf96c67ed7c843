"""Data sets arrive complete and verified from a mirror folder or the web, or fail in one line."""

import dataclasses
import gzip
import hashlib
import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from relatent.datasets import archive, download, registry
from relatent.datasets.registry import Dataset, RemoteFile
from relatent.datasets.resume import ResumingDownloader
from relatent.errors import InputError

DOCUMENTS = {f"tree/{i}": np.random.default_rng(i).bytes(50_000) for i in range(6)}
NOTES = np.random.default_rng(99).bytes(400_000)


def sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def packed(documents: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, data in documents.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return gzip.compress(stream.getvalue(), mtime=0)


ARCHIVE = packed(DOCUMENTS)
CONTENT = archive.content((p, hashlib.sha256(b).hexdigest(), len(b)) for p, b in DOCUMENTS.items())


class Server(ThreadingHTTPServer):
    """Serve files on loopback; may support ranges, be slow, or hang up after some bytes."""

    daemon_threads = True

    def __init__(self) -> None:
        self.files = {"/tiny.tgz": ARCHIVE, "/notes.bin": NOTES}
        self.ranges, self.slow, self.hang_up_after = True, False, 0
        self.asked: list[str | None] = []
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.asked.append(asked)
        data = self.server.files.get(self.path)
        if data is None:
            return self.send_error(404)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.server.ranges else 0
        if asked and start >= len(data):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(data)}")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        self.body(data[start:])

    def body(self, data: bytes) -> None:
        data = data[: self.server.hang_up_after or None]
        for at in range(0, len(data), 8192):
            try:
                self.wfile.write(data[at : at + 8192])
            except OSError:  # the client was killed
                return
            if self.server.slow:
                time.sleep(0.05)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def loopback() -> None:
    """Bring loopback up, which may be down in a network namespace of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        try:
            socket.create_connection(listener.getsockname(), timeout=5).close()
        except OSError as error:
            pytest.skip(f"the loopback interface is down ({error}): ip link set lo up")


@pytest.fixture
def server(loopback: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def tiny(archive_sources: dict[str, str], notes_sources: dict[str, str]) -> Dataset:
    files = (
        RemoteFile("tiny.tar", "tiny.tgz", archive_sources, None),
        RemoteFile("notes.bin", "notes.bin", notes_sources, sha256(NOTES)),
    )
    return Dataset(files, CONTENT)


@pytest.fixture
def on_server(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """Register the data set `tiny`, an archive and a file, at the server's addresses."""
    dataset = tiny({f"{server.url}/tiny.tgz": sha256(ARCHIVE)}, {f"{server.url}/notes.bin": sha256(NOTES)})
    monkeypatch.setitem(registry.DATASETS, "tiny", dataset)
    return server


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a mirror folder with `tiny`, whose addresses on the web would fail."""
    monkeypatch.setitem(registry.DATASETS, "tiny", tiny({}, {}))
    folder = tmp_path / "mirror"
    (folder / "tiny").mkdir(parents=True)
    (folder / "tiny" / "tiny.tgz").write_bytes(ARCHIVE)
    (folder / "tiny" / "notes.bin").write_bytes(NOTES)
    return folder


def refused(*args: object, **kwargs: object) -> str:
    with pytest.raises(InputError) as error:
        download.fetch(*args, **kwargs)  # type: ignore[arg-type]
    assert "\n" not in str(error.value)
    return str(error.value)


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# --- fetching ------------------------------------------------------------------------------------


def test_web_and_mirror_give_the_same_files_and_identity(on_server, mirror, tmp_path, monkeypatch):
    """Identity and bytes are the same either way, and the cache ends empty."""
    ways = {"mirror": download.fetch("tiny", tmp_path / "a", mirror=mirror)}
    dataset = tiny({f"{on_server.url}/tiny.tgz": sha256(ARCHIVE)}, {f"{on_server.url}/notes.bin": sha256(NOTES)})
    monkeypatch.setitem(registry.DATASETS, "tiny", dataset)
    ways["web"] = download.fetch("tiny", tmp_path / "b", cache=tmp_path / "cache")
    assert ways["web"] == ways["mirror"]
    assert ways["web"] == {
        "dataset": "tiny",
        "source": "real",
        "members": 6,
        "bytes": 300_000,
        "content_digest": CONTENT.digest,
    }
    for name in ("tiny.tar", "notes.bin"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_mirror_is_known_by_content_not_by_its_archive(mirror, tmp_path):
    """A repacked archive with the same members gives the same canonical tar."""
    download.fetch("tiny", tmp_path / "a", mirror=mirror)
    (mirror / "tiny" / "tiny.tgz").write_bytes(packed(dict(reversed(DOCUMENTS.items()))))
    download.fetch("tiny", tmp_path / "b", mirror=mirror)
    assert (tmp_path / "a" / "tiny.tar").read_bytes() == (tmp_path / "b" / "tiny.tar").read_bytes()


def test_addresses_are_tried_in_order(on_server, tmp_path, monkeypatch, caplog):
    """A refused connection, a missing page and a wrong file are skipped, each with a warning."""
    bad = f"{on_server.url}/bad.tgz"
    on_server.files["/bad.tgz"] = b"something else"
    sources = {
        f"http://127.0.0.1:{closed_port()}/tiny.tgz": sha256(ARCHIVE),
        f"{on_server.url}/none.tgz": sha256(ARCHIVE),
        bad: sha256(ARCHIVE),
        f"{on_server.url}/tiny.tgz": sha256(ARCHIVE),
    }
    dataset = registry.DATASETS["tiny"]
    files = (dataclasses.replace(dataset.files[0], sources=sources), dataset.files[1])
    monkeypatch.setitem(registry.DATASETS, "tiny", Dataset(files, CONTENT))
    assert download.fetch("tiny", tmp_path / "out", cache=tmp_path / "cache")["content_digest"] == CONTENT.digest
    reasons = ("connection refused", "HTTP status 404", f"{bad}: wrong sha256")
    assert all(reason in record.message for reason, record in zip(reasons, caplog.records, strict=True))


def test_every_registered_address_has_a_hash_of_its_algorithms_length():
    """No file of any data set can be fetched without verification."""
    length = {"md5": 32, "sha256": 64}
    for dataset in registry.DATASETS.values():
        assert len(dataset.content.digest) == 64
        for file in dataset.files:
            assert file.sources
            for checksum in (*file.sources.values(), *([file.checksum] if file.checksum else [])):
                algorithm, digest = checksum.split(":")
                assert len(digest) == length[algorithm]


# --- resuming -------------------------------------------------------------------------------------

KILLED = """
import sys
from pathlib import Path
from relatent.datasets.resume import ResumingDownloader
ResumingDownloader(Path(sys.argv[1]), sys.argv[2])(sys.argv[3], sys.argv[4], None)
"""


def test_a_killed_download_resumes_where_it_stopped(server, tmp_path):
    """After SIGKILL in the middle, the next call asks for the missing bytes only."""
    part, output, url = tmp_path / "notes.part", tmp_path / "notes.bin", f"{server.url}/notes.bin"
    server.slow = True
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(part), sha256(NOTES), url, str(output)],
        env=os.environ | {"PYTHONPATH": str(Path(download.__file__).parents[2])},
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 30
    while (not part.exists() or part.stat().st_size < 65_536) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept_bytes = part.stat().st_size
    assert 65_536 <= kept_bytes < len(NOTES)
    assert not output.exists()
    server.slow = False
    ResumingDownloader(part, sha256(NOTES))(url, output, None)
    assert server.asked == [None, f"bytes={kept_bytes}-"]
    assert output.read_bytes() == NOTES
    assert not part.exists()


def test_a_killed_fetch_keeps_what_it_has(on_server, tmp_path):
    """Files that an earlier run cached, in part or completely, are not requested again."""
    downloads = tmp_path / "cache" / "tiny"
    downloads.mkdir(parents=True)
    url = f"{on_server.url}/notes.bin"
    part = downloads / f"notes.bin.{hashlib.sha256(url.encode()).hexdigest()[:8]}.part"
    part.write_bytes(NOTES[:123_456])
    (downloads / "tiny.tgz").write_bytes(ARCHIVE)
    download.fetch("tiny", tmp_path / "out", cache=tmp_path / "cache")
    assert on_server.asked == ["bytes=123456-"]
    assert (tmp_path / "out" / "notes.bin").read_bytes() == NOTES


def test_a_broken_connection_is_taken_up_again(server, tmp_path):
    """A server that hangs up every 100,000 bytes still delivers within one call."""
    server.hang_up_after = 100_000
    ResumingDownloader(tmp_path / "p", sha256(NOTES))(f"{server.url}/notes.bin", tmp_path / "out", None)
    assert (tmp_path / "out").read_bytes() == NOTES
    assert server.asked == [None, "bytes=100000-", "bytes=200000-", "bytes=300000-"]


def test_a_server_without_ranges_starts_again(server, tmp_path):
    """If the complete file arrives although a part was requested, the old part is dropped."""
    server.ranges = False
    (tmp_path / "p").write_bytes(NOTES[:50_000])
    ResumingDownloader(tmp_path / "p", sha256(NOTES))(f"{server.url}/notes.bin", tmp_path / "out", None)
    assert (tmp_path / "out").read_bytes() == NOTES


@pytest.mark.parametrize("extra", [0, 1000])
def test_a_part_as_long_as_the_file_or_longer_is_settled(server, tmp_path, extra):
    """A complete part needs no transfer; one that is too long belongs to another file."""
    (tmp_path / "p").write_bytes(NOTES + bytes(extra))
    ResumingDownloader(tmp_path / "p", sha256(NOTES))(f"{server.url}/notes.bin", tmp_path / "out", None)
    assert (tmp_path / "out").read_bytes() == NOTES


def test_a_part_of_another_file_is_deleted_with_one_line_then_had_afresh(server, tmp_path):
    """A part that grows to a wrong file is deleted with one line, and the next call succeeds."""
    (tmp_path / "p").write_bytes(b"x" * 1000)
    downloader = ResumingDownloader(tmp_path / "p", sha256(NOTES))
    with pytest.raises(InputError, match=r"wrong sha256: expected .* got .*deleted.*run again") as error:
        downloader(f"{server.url}/notes.bin", tmp_path / "out", None)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []
    downloader(f"{server.url}/notes.bin", tmp_path / "out", None)
    assert (tmp_path / "out").read_bytes() == NOTES


# --- what is refused ------------------------------------------------------------------------------


def test_no_network_and_no_mirror_is_one_line_with_every_address(loopback, monkeypatch, tmp_path, caplog):
    """The line names the data set, each address with its failure, RELATENT_MIRROR and make demo."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    urls = [f"http://127.0.0.1:{closed_port()}/{i}/tiny.tgz" for i in range(2)]
    monkeypatch.setitem(registry.DATASETS, "tiny", tiny(dict.fromkeys(urls, sha256(ARCHIVE)), {}))
    message = refused("tiny", tmp_path / "out", cache=tmp_path / "cache")
    for word in ("tiny: cannot get tiny.tgz", *(f"{url}: connection refused" for url in urls)):
        assert word in message
    assert "RELATENT_MIRROR" in message
    assert "make demo" in message
    assert caplog.records == []  # nothing besides the one line
    assert list((tmp_path / "out").iterdir()) == []


def test_a_wrong_hash_on_the_web_is_one_line(on_server, tmp_path):
    """The line has both hashes, the address and what to do; the wrong file is deleted."""
    on_server.files["/tiny.tgz"] = wrong = packed({"tree/0": b"another"})
    message = refused("tiny", tmp_path / "out", cache=tmp_path / "cache")
    for word in (sha256(ARCHIVE)[7:], sha256(wrong)[7:], f"{on_server.url}/tiny.tgz", "RELATENT_MIRROR"):
        assert word in message
    assert list((tmp_path / "cache" / "tiny").iterdir()) == []


def test_a_missing_page_is_named_by_its_status(on_server, tmp_path):
    """The line has the HTTP status."""
    del on_server.files["/notes.bin"]
    assert "notes.bin: HTTP status 404" in refused("tiny", tmp_path / "out", cache=tmp_path / "cache")


def test_a_mirror_that_lacks_a_file_or_is_no_folder_is_named(mirror, tmp_path):
    """The line has the missing path, before anything is written."""
    (mirror / "tiny" / "notes.bin").unlink()
    assert f"{mirror}/tiny/notes.bin (no such file)" in refused("tiny", tmp_path / "out", mirror=mirror)
    assert f"no folder {tmp_path}/none" in refused("tiny", tmp_path / "out", mirror=tmp_path / "none")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_wrong_file_in_a_mirror_is_one_line_and_leaves_nothing(mirror, tmp_path):
    """Wrong hash, wrong content and truncation are each named."""
    (mirror / "tiny" / "notes.bin").write_bytes(NOTES[:-1])
    message = refused("tiny", tmp_path / "a", mirror=mirror)
    assert f"{mirror}/tiny/notes.bin: wrong sha256: expected {sha256(NOTES)[7:]}, got" in message
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["tiny.tar"]
    (mirror / "tiny" / "tiny.tgz").write_bytes(ARCHIVE[: len(ARCHIVE) // 2])
    assert "truncated or damaged archive" in refused("tiny", tmp_path / "b", mirror=mirror)
    assert list((tmp_path / "b").iterdir()) == []


def test_unknown_names_are_refused_with_what_is_allowed(tmp_path):
    """The line lists the data sets and sources that exist."""
    assert "mnist, lfw, newsgroups, got 'cifar'" in refused("cifar", tmp_path)
    assert "real, embedded, got 'fake'" in refused("mnist", tmp_path, source="fake")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", "size=256k", "none", str(folder)]
    if mount is None or os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("mounting a small tmpfs needs root and the right to mount")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_one_line_and_leaves_nothing(small_disk, mirror, tmp_path):
    """The line says how much space is needed and where, and no partial file is left."""
    message = refused("tiny", small_disk / "out", mirror=mirror)
    assert f"tiny: the disk is full; about 20 MB are needed in {small_disk}/out" in message
    assert list((small_disk / "out").iterdir()) == []


def test_a_full_cache_is_one_line(small_disk, on_server, tmp_path):
    """A full disk during a download is not blamed on the address."""
    assert "the disk is full" in refused("tiny", tmp_path / "out", cache=small_disk / "cache")
