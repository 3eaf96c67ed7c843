"""Downloader for pooch that continues an interrupted download, which pooch itself does not."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relatent.errors import InputError

if TYPE_CHECKING:
    import requests

BLOCK_BYTES = 2**16
TIMEOUT_SECONDS = (10, 60)  # to connect, and between two blocks


class ResumingDownloader:
    """Download into a `.part` file by HTTP range requests, then hand it to pooch.

    A broken connection is resumed as long as bytes arrive; after a kill, the next call resumes. A
    server without range requests starts again from the first byte.

    Parameters
    ----------
    part : the growing file; it is kept when the download breaks, and removed when it is complete or
        wrong.
    checksum : `algorithm:hex` of the complete file.
    """

    def __init__(self, part: Path, checksum: str) -> None:
        self.part, self.checksum = part, checksum

    def __call__(self, url: str, output_file: str | os.PathLike[str], pooch: Any) -> None:
        """Download `url` to `output_file`, in the form that pooch calls."""
        import requests

        self.part.parent.mkdir(parents=True, exist_ok=True)
        while True:
            before = self._part_bytes()
            try:
                self._download(url)
                break
            except (requests.ConnectionError, requests.Timeout):
                if self._part_bytes() <= before:
                    raise
        self._verify(url)
        os.replace(self.part, output_file)

    def _part_bytes(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _download(self, url: str) -> None:
        """Request the missing bytes once."""
        import requests

        start = self._part_bytes()
        # identity: the server must not unpack the .gz
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_SECONDS) as response:
            if response.status_code == requests.codes.requested_range_not_satisfiable:
                if _range_of(response, "/") != start:  # not the file that was begun
                    self.part.unlink()
                    self._download(url)
                return
            response.raise_for_status()
            if _range_of(response, "-") != start:
                start = 0
            self._append(response, start)

    def _append(self, response: requests.Response, start: int) -> None:
        from tqdm import tqdm

        size = response.headers.get("Content-Length")
        total = start + int(size) if size else None
        bar = tqdm(
            total=total,
            initial=start,
            unit="B",
            unit_scale=True,
            desc=self.part.name.split(".")[0],
            mininterval=1.0,
        )
        with self.part.open("ab" if start else "wb") as file, bar, _network_errors():
            for block in response.raw.stream(BLOCK_BYTES, decode_content=False):
                file.write(block)
                bar.update(len(block))

    def _verify(self, url: str) -> None:
        import pooch

        algorithm, expected = self.checksum.split(":")
        found = pooch.file_hash(str(self.part), alg=algorithm)
        if found != expected:
            size = self._part_bytes()
            self.part.unlink()
            raise InputError(
                f"{url}: wrong {algorithm}: expected {expected}, got {found} ({size:,} bytes, deleted); "
                "run again to download it afresh"
            )


def _range_of(response: requests.Response, mark: str) -> int:
    """Read `Content-Range: bytes 5-9/10`: first byte (mark "-") or size (mark "/"); 0 if absent."""
    pattern = r"bytes (\d+)-" if mark == "-" else r"bytes [^/]*/(\d+)"
    match = re.match(pattern, response.headers.get("Content-Range", ""))
    return int(match[1]) if match else 0


@contextmanager
def _network_errors() -> Iterator[None]:
    """Turn the raw stream's errors into those of requests, so that there is one kind to catch."""
    import requests
    import urllib3.exceptions

    try:
        yield
    except urllib3.exceptions.TimeoutError as error:
        raise requests.Timeout(error) from None
    except urllib3.exceptions.HTTPError as error:
        raise requests.ConnectionError(error) from None
