"""Prose is plain: lines of docstrings, comments and pages are short, and known riddles do not occur."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.harness import ROOT

WIDTH = 100
GENERATED = ("docs/claims.md", "docs/gallery.md")  # a claim or a caption is one line of a table
RIDDLES = {  # pattern of a phrase that has to be decoded -> plain words
    r"\b(?:seconds|nats|images|elements|draws|words|rows|lines?|stage|uses) an? "
    r"(?:second|digit|epoch|row|step|block|job|stage|pixel|line|core|model|document|variant)\b": "seconds per epoch",
    r"\ba line (?:each|for each)\b": "one line per ...",
    r"\bso and so\b": "a fixed number of times",
    r"\b(?:is|are|be) had\b": "is fetched, is read",
    r"(?<!so )\bthat there (?:is|are|was|were)\b": "that exist",
    r"\b(?:that|which) (?:is|are) none\b": "that is not allowed, unknown",
    r"\bis none of\b": "is not among",
    r"\bbut for\b": "except for",
    r"\banew\b": "again",
    r"\bwholly\b": "fully",
    r"\bas it stands\b": "as it is",
    r"\bin a folder of its own\b": "in a separate folder",
    r"\bgo(?:es)? on\b": "continue",
    r"\b(?:says?|said|told) of\b": "say about",
    r"\b(?:that|which|what) (?:it|they) (?:is|are) (?:of|for)\b": "name the thing",
    r"\b(?:is|are) of (?:another|no)\b": "has another, has no",
    r"\bas [\w.`]+ (?:has|have) it\b": "as in ...",
    r"\bheld to\b": "is checked against",
    r"\bvouch": "record, confirm",
}


def done() -> list[Path]:
    """Return the Python files and pages."""
    kinds = ("src/**/*.py", "tests/**/*.py", "workflow/**/*.py", "benchmarks/*.py", "docs/*.md", "*.md")
    found = (path.relative_to(ROOT) for kind in kinds for path in ROOT.glob(kind))
    return sorted(path for path in found if path.as_posix() not in GENERATED and path.name != Path(__file__).name)


def of_python(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line number, line) of docstrings without their examples, and of comments without pragmas."""
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            first, last = node.body[0].lineno, node.body[0].end_lineno or 0
            examples = False
            for number in range(first, last + 1):
                examples = examples or lines[number - 1].strip() == "Examples"
                if not examples:
                    yield number, lines[number - 1]
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and not re.match(r"# (type:|noqa|fmt:)", token.string):
            yield token.start[0], lines[token.start[0] - 1]


def of_markdown(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line number, line) of paragraphs, without code, tables and lines that are one link."""
    code = False
    for number, line in enumerate(text.splitlines(), 1):
        code ^= line.lstrip().startswith("```")
        if not code and not line.lstrip().startswith(("|", "```", "![", "<!--")) and not line.startswith("    "):
            yield number, line


def prose(path: Path) -> list[tuple[int, str]]:
    """Return the lines of prose of a file, by their numbers."""
    text = (ROOT / path).read_text(encoding="utf-8")
    return list(of_python(text) if path.suffix == ".py" else of_markdown(text))


@pytest.mark.parametrize("path", done(), ids=str)
def test_lines_of_prose_are_short(path: Path) -> None:
    """At most 100 characters; a comment behind code is not counted, since its line is code."""
    long = [
        f"{path}:{number}: {len(line)} characters"
        for number, line in prose(path)
        if len(line) > WIDTH and (line.lstrip()[0] in '#"' or "#" not in line)
    ]
    assert not long, "\n".join(long)


@pytest.mark.parametrize("path", done(), ids=str)
def test_no_known_riddle_occurs(path: Path) -> None:
    """Each pattern stands for a phrase that had to be decoded; the message says what to write."""
    found = [
        f"{path}:{number}: {match[0]!r}; write: {plain}"
        for number, line in prose(path)
        for riddle, plain in RIDDLES.items()
        if (match := re.search(riddle, line, re.IGNORECASE))
    ]
    assert not found, "\n".join(found)
