"""Find and remove files that no rule makes.

Files of a renamed or removed run would otherwise be shown as if they were current.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

FOLDERS = ("results", "data/raw")  # all outputs of rules lie below these


def leftovers(known: Iterable[str]) -> list[str]:
    """List the files below these folders that are not known.

    Links count as files and are not followed.
    """
    known = set(known)
    return [path for folder in FOLDERS for path in files(folder) if path not in known]


def files(folder: str) -> Iterator[str]:
    """Yield every file below a folder, in order."""
    for above, folders, names in os.walk(folder):
        folders.sort()
        yield from (os.path.join(above, name) for name in sorted(names))
        yield from (os.path.join(above, name) for name in folders if os.path.islink(os.path.join(above, name)))


def tell(known: Iterable[str]) -> None:
    """Print one line that names the files that no rule makes, if there are any."""
    if found := leftovers(known):
        print(f"no rule makes: {in_short(found)}; `python workflow/bridge clean` removes it")


def clean(known: Iterable[str], cache: Path) -> str:
    """Remove the files that no rule makes, naming each.

    A file that is neither in git nor in DVC's cache is kept and named.
    """
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
    """Return the files below our folders that git tracks."""
    listed = subprocess.run(["git", "ls-files", "-z", "--", *FOLDERS], capture_output=True, text=True, check=False)
    return set(listed.stdout.split("\0"))


def in_cache(path: str, cache: Path) -> bool:
    """Check whether DVC's cache has this file's content."""
    if os.path.islink(path) or not os.path.isfile(path):
        return False
    with open(path, "rb") as stream:
        md5 = hashlib.file_digest(stream, "md5").hexdigest()
    return (cache / md5[:2] / md5[2:]).exists()


def drop_empty(folder: Path) -> None:
    """Remove a folder and the folders above it, up to ours, if they are empty."""
    while str(folder) not in FOLDERS and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def in_short(paths: list[str], most: int = 3) -> str:
    """Return the first paths and the number of the others."""
    return ", ".join(paths[:most]) + (f" and {len(paths) - most} more" if len(paths) > most else "")
