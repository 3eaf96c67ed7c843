"""Find the sources behind a recorded digest of code, and name definitions that changed since."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable, Iterator
from itertools import chain

from relatent.jobs.closure import Sources
from relatent.tools.revisions import git, sources

# commits searched; lines shown per difference; definitions shown with lines
COMMITS, LINES, SHOWN = 100, 20, 3


def having(key: str, code: str, first: Iterable[str]) -> str | None:
    """Return the first revision whose sources give a command this digest; None if there is none.

    Searches the revisions given first, then HEAD and those before it.
    """
    tried: set[str] = set()
    for revision in chain(first, ["HEAD"], _log()):
        if revision not in tried and digest(revision, key) == code:
            return revision
        tried.add(revision)
    return None


def _log() -> Iterator[str]:
    yield from git("log", f"-{COMMITS}", "--format=%H", "--", "src").decode().split()


def digest(revision: str, key: str) -> str | None:
    """Return the digest of a command's code at a revision; None if it is missing there."""
    try:
        found = sources(revision).closures(key).get(key)
    except (SyntaxError, ValueError):  # a source does not parse, or imports by a computed name
        return None
    return found and found.code


def differences(key: str, old: Sources, new: Sources) -> Iterator[str]:
    """Yield lines that name the modules and definitions in which a command's code differs."""
    before, now = (each.closures(key)[key].files for each in (old, new))
    shown = 0
    for path in sorted(path for path in before.keys() | now.keys() if before.get(path) != now.get(path)):
        if path not in now or path not in before:
            yield f"src/{path}: {'no longer' if path in before else 'new'} in what it imports"
            continue
        for name, lines in _in_module(key, path, old, new):
            yield f"src/{path}: {name}"
            shown += 1
            if shown <= SHOWN:
                yield from (f"    {line}" for line in [*lines[:LINES], *["..."][: len(lines) > LINES]])


def _in_module(key: str, path: str, old: Sources, new: Sources) -> Iterator[tuple[str, list[str]]]:
    """Yield each definition and file beside the module that differs, with its changed lines."""
    before, now = (definitions(each.tree(path, key), each.files[path].decode().splitlines()) for each in (old, new))
    for name in {**before, **now}:
        (was, old_lines), (is_, new_lines) = before.get(name, ("", [])), now.get(name, ("", []))
        if was != is_:
            yield name or "outside its definitions", _changed(old_lines, new_lines)
    folder, text = path.rpartition("/")[0], new.files[path].decode()
    for other in sorted({*old.files, *new.files}):
        contents = [each.files.get(other, b"").decode(errors="replace").splitlines() for each in (old, new)]
        name = other.removeprefix(f"{folder}/")
        if not other.endswith(".py") and "/" not in name and name in text and contents[0] != contents[1]:
            yield f"the file {name} beside it", _changed(*contents)


def _changed(before: list[str], now: list[str]) -> list[str]:
    """Return the lines of a difference with their marks and one line of context."""
    return [line for line in [*difflib.unified_diff(before, now, n=1, lineterm="")][2:] if not line.startswith("@@")]


def definitions(
    tree: ast.Module | ast.ClassDef, lines: list[str], within: str = ""
) -> dict[str, tuple[str, list[str]]]:
    """Return functions and methods by dotted name, each as its syntax tree and its lines.

    The name "" stands for everything outside them.
    """
    found: dict[str, tuple[str, list[str]]] = {}

    def add(name: str, node: ast.AST, first: int, last: int) -> None:
        counts, own = found.get(name, ("", []))
        found[name] = counts + ast.dump(node), own + lines[first - 1 : last]

    for node in tree.body:
        first = min([node.lineno, *(mark.lineno for mark in getattr(node, "decorator_list", []))])
        last = node.end_lineno or node.lineno
        match node:
            case ast.ClassDef(name=name):
                head = ast.ClassDef(name, node.bases, node.keywords, [], node.decorator_list)
                add(f"{within}{name}", head, first, node.lineno)
                for inner, (counts, own) in definitions(node, lines, f"{within}{name}.").items():
                    was = found.get(inner, ("", []))
                    found[inner] = was[0] + counts, was[1] + own
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                add(f"{within}{name}", node, first, last)
            case _:
                add(within.rstrip("."), node, first, last)
    return found
