"""Clean postings: leave out header lines, quoted lines and the footer.

The rules are those of scikit-learn's `fetch_20newsgroups(remove=...)`, so that numbers compare; a
test holds both side by side. Headers can also be thinned to a few lines, such as From and Subject.
"""

from __future__ import annotations

import re
from collections.abc import Collection

ATTRIBUTION = re.compile(r"writes in|writes:|wrote:|says:|said:|^In article|^Quoted from|^\||^>")


def clean(text: str, *, headers: Collection[str] | None = (), footer: bool = False, quotes: bool = False) -> str:
    """Return a posting without unwanted parts.

    Parameters
    ----------
    text : a posting; its header lines end at the first empty line.
    headers : names of the header lines to keep, in any case of letters; None keeps all of them.
    footer, quotes : keep the footer (a signature), lines quoted from somebody else.

    Returns
    -------
    str
        It may be empty: some postings are all quotation.

    Examples
    --------
    >>> clean("From: a\\nLines: 2\\n\\nA says:\\n> no\\nyes\\n--\\nA, Inc.", headers=["From"])
    'From: a\\nyes'
    """
    head, _, body = text.partition("\n\n")
    if not quotes:
        body = without_quotes(body)
    if not footer:
        body = without_footer(body)
    kept = head if headers is None else header_lines(head, headers)
    return f"{kept}\n{body}" if kept else body


def header_lines(head: str, names: Collection[str]) -> str:
    """Return the header lines of these names, continued lines included."""
    wanted, lines, keep = {name.lower() for name in names}, [], False
    for line in head.split("\n"):
        # a line that begins with white space continues the one before it (RFC 822)
        if not line[:1].isspace():
            keep = line.partition(":")[0].lower() in wanted
        if keep:
            lines.append(line)
    return "\n".join(lines)


def without_quotes(body: str) -> str:
    """Return the lines that neither are quoted nor announce a quotation."""
    return "\n".join(line for line in body.split("\n") if not ATTRIBUTION.search(line))


def without_footer(body: str) -> str:
    """Return the lines above the last line that is empty or all dashes; all lines where that is the
    first one."""
    lines = body.strip().split("\n")
    breaks = [number for number, line in enumerate(lines) if not line.strip().strip("-")]
    cut = breaks[-1] if breaks else 0
    return "\n".join(lines[:cut]) if cut > 0 else body
