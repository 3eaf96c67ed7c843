"""Put a verified data set into a folder: from a mirror folder, the web, or our dependencies."""

from __future__ import annotations

import errno
import hashlib
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from relatent.datasets import embedded, registry
from relatent.datasets.archive import Content, canonical_tar
from relatent.datasets.mnist import mnist_content
from relatent.datasets.registry import Dataset, RemoteFile
from relatent.datasets.resume import ResumingDownloader
from relatent.errors import InputError
from relatent.files.atomic import atomic

SOURCES = ("real", "embedded")
logger = logging.getLogger(__name__)


def fetch(
    name: str, folder: Path, *, source: str = "real", mirror: Path | None = None, cache: Path | None = None
) -> dict[str, Any]:
    """Put a data set's canonical files (`registry.FILES[name]`) into a folder.

    Parameters
    ----------
    name : "mnist", "lfw" or "newsgroups".
    folder : made if missing; each file appears in it when it is complete and verified.
    source : "real", or "embedded" for small data built offline from our dependencies; one never
        replaces the other.
    mirror : folder with the published files under `<name>/`; if given, the web is not used.
    cache : folder for unfinished downloads, from which a killed download resumes; its files of this
        data set are deleted when the data set is complete. By default the user's cache folder.

    Returns
    -------
    dict
        `dataset`, `source`, `members`, `bytes`, `content_digest`; nothing about where or when.

    Raises
    ------
    InputError
        If the data cannot be fetched, or differ from the registry.
    """
    if name not in registry.DATASETS:
        raise InputError(f"data set must be one of {', '.join(registry.DATASETS)}, got {name!r}")
    if source not in SOURCES:
        raise InputError(f"source must be one of {', '.join(SOURCES)}, got {source!r}")
    folder = Path(folder)
    cache = Path(cache) if cache else _user_cache()
    with _full_disk(name, folder, cache):
        folder.mkdir(parents=True, exist_ok=True)
        found = embedded.build(name, folder) if source == "embedded" else _fetch_real(name, folder, mirror, cache)
    return {
        "dataset": name,
        "source": source,
        "members": found.members,
        "bytes": found.bytes,
        "content_digest": found.digest,
    }


def _fetch_real(name: str, folder: Path, mirror: Path | None, cache: Path) -> Content:
    dataset = registry.DATASETS[name]
    if mirror is not None:
        return _place(name, dataset, folder, [_from_mirror(Path(mirror), name, file) for file in dataset.files])
    downloads = cache / name
    found = _place(name, dataset, folder, [_from_web(name, file, downloads) for file in dataset.files])
    shutil.rmtree(downloads)
    return found


def _user_cache() -> Path:
    import pooch

    return Path(pooch.os_cache("relatent"))


def _place(name: str, dataset: Dataset, folder: Path, originals: list[Path]) -> Content:
    """Copy or rewrite the published files as the canonical ones; fail if their content is wrong."""
    found = None
    for file, original in zip(dataset.files, originals, strict=True):
        if file.checksum is None:
            found = canonical_tar(original, folder / file.name, dataset.content)
        else:
            _copy(original, folder / file.name, file.checksum)
    found = found or mnist_content(folder)
    if found != dataset.content:
        raise InputError(f"{folder}: {name} must have digest {dataset.content.digest}, got {found.digest}")
    return found


def _copy(original: Path, target: Path, checksum: str) -> None:
    """Copy a file byte for byte; the target appears only if its hash is right."""
    algorithm, expected = checksum.split(":")
    hasher = hashlib.new(algorithm)
    with atomic(target) as temporary:
        with original.open("rb") as source, temporary.open("wb") as copy:
            while block := source.read(2**20):
                hasher.update(block)
                copy.write(block)
        if hasher.hexdigest() != expected:
            raise InputError(
                f"{original}: wrong {algorithm}: expected {expected}, got {hasher.hexdigest()}; "
                "replace it by the published file"
            )


# --- where the published files come from ----------------------------------------------------------


def _from_mirror(mirror: Path, name: str, file: RemoteFile) -> Path:
    path = mirror / name / file.download
    if not path.is_file():
        reason = "no such file" if mirror.is_dir() else f"no folder {mirror}"
        raise InputError(
            f"{name}: the mirror has no {path} ({reason}); RELATENT_MIRROR must be a folder with "
            f"{name}/{file.download}: add it, or unset RELATENT_MIRROR to download it"
        )
    return path


def _from_web(name: str, file: RemoteFile, downloads: Path) -> Path:
    failures = []
    for url, checksum in file.sources.items():
        try:
            path = _download(url, checksum, file, downloads)
        except (InputError, OSError) as error:  # errors of requests are OSError
            if getattr(error, "errno", None) == errno.ENOSPC:
                raise
            failures.append(_reason(url, error))
        else:
            for failure in failures:  # fetched in the end, but not from the first address
                logger.warning("%s", failure)
            return path
    raise InputError(
        f"{name}: cannot get {file.download}, tried {'; '.join(failures)}. Check the network and "
        f"run again, or set RELATENT_MIRROR to a folder that has {name}/{file.download}, or run the offline "
        "demo: make demo"
    )


def _download(url: str, checksum: str, file: RemoteFile, downloads: Path) -> Path:
    import pooch

    pooch.get_logger().setLevel(logging.WARNING)
    # one part per address: another server's file may differ, which only the final hash can tell
    part = downloads / f"{file.download}.{hashlib.sha256(url.encode()).hexdigest()[:8]}.part"
    downloader = ResumingDownloader(part, checksum)
    return Path(pooch.retrieve(url, checksum, file.download, downloads, downloader=downloader))


def _reason(url: str, error: Exception) -> str:
    """Return address and reason of a failure in a few words; requests would use many lines."""
    import requests

    text = str(error)
    if isinstance(error, InputError):
        return text
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"{url}: HTTP status {error.response.status_code}"
    if isinstance(error, requests.Timeout):
        return f"{url}: timed out"
    for sign, reason in (
        ("resolve", "host not found"),
        ("refused", "connection refused"),
        ("unreachable", "network unreachable"),
        ("SSL", "TLS failure"),
    ):
        if sign in text:
            return f"{url}: {reason}"
    return f"{url}: {type(error).__name__}"


@contextmanager
def _full_disk(name: str, folder: Path, cache: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        needed_mb = 2 * registry.DATASETS[name].content.bytes // 10**6 + 20
        raise InputError(
            f"{name}: the disk is full; about {needed_mb} MB are needed in {folder} while unpacking, and the "
            f"download in {cache}: free some space and run again"
        ) from None
