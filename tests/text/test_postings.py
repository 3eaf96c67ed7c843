"""What is left out of a posting is what scikit-learn leaves out, and no more."""

import random

import pytest

from relatent.text.postings import clean, header_lines, without_footer, without_quotes

POSTING = (
    "From: a@b (A)\nSubject: Re: cars\n and more\nLines: 3\n\nIn article <1> b wrote:\n> old\nnew line\n\n--\nA, Inc."
)


def test_headers_footer_and_quotes_are_removed_or_kept_each_by_itself():
    """Each part goes exactly when it is not asked for."""
    assert clean(POSTING) == "new line\n"
    assert clean(POSTING, footer=True) == "new line\n\n--\nA, Inc."
    assert clean(POSTING, quotes=True) == "In article <1> b wrote:\n> old\nnew line\n"
    assert clean(POSTING, headers=None, footer=True, quotes=True) == POSTING.replace("\n\n", "\n", 1)


def test_named_header_lines_are_kept_with_their_continuations():
    """A folded Subject is whole; names match in any case; text without a header has none."""
    assert clean(POSTING, headers=["SUBJECT"]).startswith("Subject: Re: cars\n and more\nnew line")
    assert header_lines("just text", ["Subject"]) == ""


@pytest.mark.parametrize("seed", range(20))
def test_the_rules_are_those_of_scikit_learn(seed):
    """Random postings of telling lines lose the same lines as under
    fetch_20newsgroups(remove=...)."""
    from sklearn.datasets import _twenty_newsgroups as peer

    choice = random.Random(seed)
    lines = ["", "--", " - ", "> q", "| q", "he writes:", "plain", "In article <x>", "says: so", "text, more text"]
    body = "\n".join(choice.choice(lines) for _ in range(choice.randint(0, 12)))
    assert without_quotes(body) == peer.strip_newsgroup_quoting(body)
    assert without_footer(body) == peer.strip_newsgroup_footer(body)
    whole = f"From: a\n\n{body}"
    expected = peer.strip_newsgroup_footer(peer.strip_newsgroup_quoting(peer.strip_newsgroup_header(whole)))
    assert clean(whole) == expected
