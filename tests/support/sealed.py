"""Seal processes as jobs and try things in them.

Jobs and trials are read as JSON from stdin; outcomes are printed as JSON.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from relatent.jobs import landlock, seal


def native(path: str, flags: int) -> None:
    """Open a file by libc, which audit hooks cannot see."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.open(path.encode(), flags, 0o644) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)


def write(path: str) -> None:
    """Write a file as the library does: temporary file beside it, flush, rename."""
    beside = Path(path).with_name(f".{Path(path).stem}.0123abcd.tmp{Path(path).suffix}")
    with beside.open("w+", encoding="utf-8") as stream:
        stream.write("written")
        os.fsync(stream.fileno())
    beside.replace(path)
    assert Path(path).read_text(encoding="utf-8") == "written"


def in_thread(path: str) -> None:
    """Open a file by libc in a thread that starts now."""
    caught: list[OSError] = []

    def attempt() -> None:
        try:
            native(path, os.O_RDONLY)
        except OSError as error:
            caught.append(error)

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    if caught:
        raise caught[0]


def native_connect(address: str) -> None:
    """Connect by libc to a port of this machine."""
    libc = ctypes.CDLL(None, use_errno=True)
    where = (
        socket.AF_INET.to_bytes(2, sys.byteorder) + int(address).to_bytes(2, "big") + bytes([127, 0, 0, 1]) + bytes(8)
    )
    if libc.connect(libc.socket(socket.AF_INET, socket.SOCK_STREAM, 0), where, len(where)) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def unix_pair(path: str) -> None:
    """Connect to a socket in the folder for temporary files, as libraries' workers do."""
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(f"{os.environ['TMPDIR']}/{path}")
        server.listen()
        client.connect(f"{os.environ['TMPDIR']}/{path}")


def read_hdf5(path: str) -> None:
    """Read a file as a stage does: by HDF5, which opens it natively."""
    from relatent.files.hdf5 import open_hdf5

    with open_hdf5(path):
        pass


TRIALS: dict[str, Callable[[str], object]] = {
    "read": lambda path: Path(path).read_bytes(),
    "list": os.listdir,
    "write": write,
    "plain write": lambda path: Path(path).write_text("written", encoding="utf-8"),
    "append": lambda path: Path(path).open("a", encoding="utf-8").close(),
    "rename": lambda path: os.rename(path, f"{path}.moved"),
    "remove": os.remove,
    "make folder": os.mkdir,
    "native read": lambda path: native(path, os.O_RDONLY),
    "native write": lambda path: native(path, os.O_WRONLY | os.O_CREAT),
    "read by HDF5": read_hdf5,
    "read in a thread": in_thread,
    "read by a child": lambda path: subprocess.run(["cat", path], check=True, capture_output=True, text=True),
    "connect": lambda port: socket.create_connection(("127.0.0.1", int(port))),
    "native connect": native_connect,
    "send": lambda port: socket.socket(type=socket.SOCK_DGRAM).sendto(b"", ("127.0.0.1", int(port))),
    "look up": lambda host: socket.getaddrinfo(host, 80),
    "unix socket": unix_pair,
    "temporary": lambda name: (Path(os.environ["TMPDIR"]) / name).write_text("written", encoding="utf-8"),
    "spool": lambda folder: tempfile.TemporaryFile(dir=folder, prefix=".out.").close(),
    "tell of temporary": lambda _: os.environ["TMPDIR"],
}


def main() -> None:
    """Print JSON: for each trial of each job "done", the line of the refusal, or the error."""
    found = []
    for job in json.load(sys.stdin):
        reader, writer = os.pipe()
        if os.fork() == 0:  # the child ends like any process: its temporary files are removed
            seal_as(job)
            os.write(writer, json.dumps([attempt(*trial) for trial in job["trials"]]).encode())
            return
        os.close(writer)
        with os.fdopen(reader) as stream:
            found.append(json.loads(stream.read() or '"it ended early"'))
        os.wait()
    print(json.dumps(found))


def seal_as(job: dict[str, Any]) -> None:
    """Seal this process as a job."""
    if job.get("no landlock"):
        landlock.version = lambda: 0
    reads, writes = ([*map(Path, job[which])] for which in ("reads", "writes"))
    seal.seal(job["job"], reads=reads, writes=writes, network=job.get("network", False))


def attempt(kind: str, path: str) -> str:
    """Return the outcome of one trial."""
    try:
        found = TRIALS[kind](path)
    except Exception as error:
        return seal.refusal(error) or f"{type(error).__name__}: {error}"
    return found if kind.startswith("tell") else "done"


if __name__ == "__main__":
    main()
