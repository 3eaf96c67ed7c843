"""Damage valid files for the tests of readers, under limits of time and memory.

Random bytes would fail at the first check, so valid files are mutated. The profile deep (pytest
--hypothesis-profile=deep) runs a hundred times as many examples.
"""

from __future__ import annotations

import resource
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from relatent.errors import InputError

HANG_SECONDS = 30
BLOW_UP_BYTES = 2**30  # most address space that the reader of a small file may take


def many(examples: int) -> settings:
    """Run this many examples, a hundred times as many under the profile deep."""
    times = 100 if settings.get_current_profile_name() == "deep" else 1
    silenced = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
    return settings(deadline=None, max_examples=times * examples, suppress_health_check=silenced)


@contextmanager
def limits() -> Iterator[None]:
    """Limit time, and new address space to a gigabyte."""

    def hang(number: int, frame: FrameType | None) -> None:
        raise AssertionError(f"no end after {HANG_SECONDS} s")

    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    old = signal.signal(signal.SIGALRM, hang)
    signal.alarm(HANG_SECONDS)
    resource.setrlimit(resource.RLIMIT_AS, (in_use + BLOW_UP_BYTES, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
        signal.alarm(0)
        signal.signal(signal.SIGALRM, old)


def result_or_one_line(read: Callable[[], Any]) -> Any:
    """Return the reader's result, or None after a one-line InputError; otherwise fail."""
    with limits():
        try:
            return read()
        except InputError as error:
            said = str(error)
    assert "\n" not in said
    assert len(said) < 2000
    return None


NUMBERS = [0, 1, 2**7, 2**8 - 1, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**63, 2**64 - 1]


@st.composite
def damaged(draw: st.DrawFn, whole: bytes, head: int = 256) -> bytes:
    """Flip, overwrite, cut, repeat or insert some bytes of a file, often in its head."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 3))):
        last = max(0, len(data) - 1)
        at = draw(st.one_of(st.integers(0, min(head, last)), st.integers(0, last)))
        match draw(st.sampled_from(["flip", "number", "cut", "drop", "repeat", "put"])):
            case "flip" if data:
                data[at] ^= draw(st.integers(1, 255))
            case "number":
                width, order = draw(st.sampled_from([1, 2, 4, 8])), draw(st.sampled_from(["little", "big"]))
                number = draw(st.sampled_from(NUMBERS)) % 2 ** (8 * width)
                data[at : at + width] = number.to_bytes(width, order)
            case "cut":
                del data[at:]
            case "drop":
                del data[at : at + draw(st.integers(1, 64))]
            case "repeat":
                data[at:at] = data[at : at + draw(st.integers(1, 64))]
            case "put":
                data[at:at] = draw(st.binary(min_size=1, max_size=16))
    return bytes(data)


@st.composite
def damaged_text(draw: st.DrawFn, whole: str) -> bytes:
    """Damage text likewise, and replace whole words by troublesome ones."""
    odd = [
        "-1",
        "0",
        "9" * 20,
        "9" * 400,
        "9" * 5000,
        "1e999",
        "nan",
        "inf",
        "٣",
        "\0",
        "\x85",
        "é",
        "a b",
        "",
        "[",
        "\\",
    ]
    lines = [line.split(" ") for line in whole.split("\n")]
    for _ in range(draw(st.integers(1, 3))):
        line = draw(st.integers(0, len(lines) - 1))
        word = draw(st.integers(0, len(lines[line]) - 1))
        match draw(st.sampled_from(["replace", "drop line", "repeat line", "join"])):
            case "replace":
                lines[line][word] = draw(st.one_of(st.sampled_from(odd), st.text(max_size=5)))
            case "drop line" if len(lines) > 1:
                del lines[line]
            case "repeat line":
                lines.insert(line, list(lines[line]))
            case "join":
                lines[line][word:] = ["".join(lines[line][word:])]
    text = "\n".join(" ".join(line) for line in lines).encode("utf-8", "replace")
    return draw(damaged(text)) if draw(st.booleans()) else text


@contextmanager
def folder_with(**files: bytes) -> Iterator[Path]:
    """Make a folder with these files; two underscores stand for a dot."""
    with tempfile.TemporaryDirectory() as name:
        for key, content in files.items():
            (Path(name) / key.replace("__", ".")).write_bytes(content)
        yield Path(name)


def made(write: Callable[[Path], object], name: str) -> bytes:
    """Return the bytes that a writer writes."""
    with folder_with() as folder:
        write(folder / name)
        return (folder / name).read_bytes()
