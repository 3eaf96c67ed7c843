"""Build the embedded text: docstrings of installed packages as postings, packages as groups.

Sources are parsed, not imported: none of their code runs, and heavy packages cost nothing.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import warnings
from collections.abc import Iterator
from pathlib import Path

from relatent.datasets.newsgroups import FOLDERS
from relatent.errors import InputError

# all are among our dependencies: pandas through Snakemake's plugin for SLURM, sympy through torch
PACKAGES = ("matplotlib", "networkx", "numpy", "pandas", "scipy", "skimage", "sklearn", "sympy")
DOCUMENTS_PER_GROUP = 150
TRAIN_PER_GROUP = 90  # 60 %, as in 20 Newsgroups by date
# per docstring; the median of the real postings is 1,175
MIN_CHARACTERS, MAX_CHARACTERS = 300, 6_000
FIRST_ID = 10_001


def documents() -> Iterator[tuple[str, bytes]]:
    """Yield (path, bytes) of every posting, in the tree of the real archive."""
    next_id = FIRST_ID
    for package in PACKAGES:
        found = _docstrings(package)
        for index, (name, text) in enumerate(found):
            folder = FOLDERS["train" if index < TRAIN_PER_GROUP else "test"]
            yield f"{folder}/{package}/{next_id}", _posting(name, text)
            next_id += 1


def _posting(name: str, text: str) -> bytes:
    lines = text.count("\n") + 1
    header = f"From: docstrings@embedded.invalid (Docstring)\nSubject: {name}\nLines: {lines}\n\n"
    return (header + text + "\n").encode("latin-1", errors="replace")


def _docstrings(package: str) -> list[tuple[str, str]]:
    """Find (name, docstring) of a package, as many as a group needs.

    Files are drawn by a hash of their paths.
    """
    root = _root(package)
    files = {path.relative_to(root).as_posix(): path for path in root.rglob("*.py")}
    found: dict[str, str] = {}  # docstring -> name, so that a copied docstring counts once
    for relative in sorted(files, key=lambda path: hashlib.sha256(path.encode()).digest()):
        if "test" in relative:
            continue
        for name, text in _of_file(files[relative]):
            found.setdefault(text, name)
        if len(found) >= DOCUMENTS_PER_GROUP:
            break
    else:
        raise InputError(f"{root}: {len(found)} docstrings, the embedded text needs {DOCUMENTS_PER_GROUP}; reinstall")
    return [(name, text) for text, name in found.items()][:DOCUMENTS_PER_GROUP]


def _root(package: str) -> Path:
    spec = importlib.util.find_spec(package)  # finds a top-level package without importing it
    if spec is None or spec.origin is None:
        raise InputError(
            f"the embedded text needs the package {package}, which is not installed: pip install {package}"
        )
    return Path(spec.origin).parent


def _of_file(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (name, docstring) of a source file's public functions and classes, in its order."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes in other packages are not our warnings
        tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            text = ast.get_docstring(node)
            # an unescaped \x00 in a docstring is a NUL, which would end an HDF5 string
            if text and MIN_CHARACTERS <= len(text) <= MAX_CHARACTERS and "\0" not in text:
                yield node.name, text
