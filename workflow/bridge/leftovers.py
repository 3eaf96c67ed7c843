"""What no rule makes: files of a renamed or removed run, which would be shown as if they were current."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

FOLDERS = ("results", "data/raw")  # all that rules make lies below these


def leftovers(known: Iterable[str]) -> list[str]:
    """The files below these folders that are none of the known ones; links count as files and are not followed."""
    known = set(known)
    return [path for folder in FOLDERS for path in files(folder) if path not in known]


def files(folder: str) -> Iterator[str]:
    """Every file below a folder, in order."""
    for above, folders, names in os.walk(folder):
        folders.sort()
        yield from (os.path.join(above, name) for name in sorted(names))
        yield from (os.path.join(above, name) for name in folders if os.path.islink(os.path.join(above, name)))


def tell(known: Iterable[str]) -> None:
    """Say in one line what no rule makes; nothing when there is nothing."""
    if found := leftovers(known):
        print(f"no rule makes: {in_short(found)}; `python workflow/bridge clean` removes it")


def clean(known: Iterable[str], cache: Path) -> str:
    """Remove what no rule makes, naming each file; what neither git nor DVC's cache has is kept and named."""
    found = leftovers(known)
    recoverable = in_git()
    kept = [path for path in found if path not in recoverable and not in_cache(path, cache)]
    for path in found:
        if path not in kept:
            print(f"removed: {path}")
            os.unlink(path)
            drop_empty(Path(path).parent)
    said = f"clean: {len(found) - len(kept)} files removed"
    return said + (f"; kept, as neither git nor DVC has them: {' '.join(kept)}" if kept else "")


def in_git() -> set[str]:
    """The files below our folders that git tracks."""
    listed = subprocess.run(["git", "ls-files", "-z", "--", *FOLDERS], capture_output=True, text=True, check=False)
    return set(listed.stdout.split("\0"))


def in_cache(path: str, cache: Path) -> bool:
    """Does DVC's cache have this file's content?"""
    if os.path.islink(path) or not os.path.isfile(path):
        return False
    with open(path, "rb") as stream:
        md5 = hashlib.file_digest(stream, "md5").hexdigest()
    return (cache / md5[:2] / md5[2:]).exists()


def drop_empty(folder: Path) -> None:
    """Remove a folder and those above it, up to ours, as far as they are empty."""
    while str(folder) not in FOLDERS and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def in_short(paths: list[str], most: int = 3) -> str:
    """The first paths, and how many more there are."""
    return ", ".join(paths[:most]) + (f" and {len(paths) - most} more" if len(paths) > most else "")
