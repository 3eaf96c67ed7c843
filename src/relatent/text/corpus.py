"""Turn documents into tokens, a vocabulary of training documents, counts, tf-idf and ragged
sequences.

A document is kept in three forms. Counts and tf-idf have a column for each word of the vocabulary.
A sequence keeps the order of all tokens: words of the vocabulary, stop words after them, and one
number for every other token.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from relatent.errors import InputError

TOKEN = re.compile(r"[a-z]+(?:'[a-z]+)?")  # letters, with an apostrophe inside


def tokenise(text: str, *, min_letters: int = 2) -> list[str]:
    """Return the lower-case words of at least `min_letters` characters; digits and marks separate
    words.

    Examples
    --------
    >>> tokenise("Don't e-mail me: 3.5 MB at 5pm!")
    ["don't", 'mail', 'me', 'mb', 'at', 'pm']
    """
    return [token for token in TOKEN.findall(text.lower()) if len(token) >= min_letters]


@dataclass(frozen=True)
class Vocabulary:
    """The words of a corpus, its stop words, and the rarity of each word.

    Attributes
    ----------
    words : the columns of counts, by descending number of training documents' tokens, equal ones by
        the alphabet.
    stop_words : left out of counts; in sequences they follow the words.
    document_frequency : int64 (n_words,), training documents that hold the word.
    n_documents : training documents with at least one token.
    """

    words: tuple[str, ...]
    stop_words: tuple[str, ...]
    document_frequency: np.ndarray
    n_documents: int
    numbers: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        numbers = {word: number for number, word in enumerate(self.words + self.stop_words)}
        object.__setattr__(self, "numbers", numbers)

    @property
    def unknown(self) -> int:
        """Return the number of all tokens that are neither words nor stop words."""
        return len(self.words) + len(self.stop_words)

    def encode(self, tokens: Sequence[str]) -> np.ndarray:
        """Return tokens as int32 numbers, in their order; an empty document gives an empty
        array."""
        numbers, unknown = self.numbers, self.unknown
        return np.fromiter((numbers.get(token, unknown) for token in tokens), np.int32, len(tokens))

    def idf(self) -> np.ndarray:
        """Return the inverse document frequency, float64 (n_words,): 1 + log((1 + n) / (1 + df)),
        as scikit-learn."""
        return 1 + np.log((1 + self.n_documents) / (1 + self.document_frequency))


def learn_vocabulary(
    documents: Iterable[Sequence[str]],
    *,
    size: int,
    min_documents: int,
    max_share: float,
    stop_words: Iterable[str] = (),
) -> Vocabulary:
    """Choose the most frequent words of training documents.

    Parameters
    ----------
    documents : tokens of each training document.
    size : at most this many words; fewer when there are fewer.
    min_documents, max_share : least number of documents that hold a word, and largest share of the
        documents with a token.
    stop_words : words to leave out; those that occur get numbers of their own.

    Raises
    ------
    InputError
        When no word is left.

    Examples
    --------
    >>> learn_vocabulary([["a", "b", "b"], ["b"]], size=1, min_documents=1, max_share=1.0).words
    ('b',)
    """
    tokens: Counter[str] = Counter()
    frequency: Counter[str] = Counter()
    n_documents = 0
    for document in documents:
        tokens.update(document)
        frequency.update(set(document))
        n_documents += bool(document)
    stopped = set(stop_words)
    allowed = [
        word
        for word, count in frequency.items()
        if word not in stopped and min_documents <= count <= max_share * n_documents
    ]
    if not allowed:
        raise InputError(
            f"no word is left of {len(frequency)} in {n_documents} training documents: none stands in at least"
            f" {min_documents} and at most {max_share:.3g} of them; lower min_documents or raise max_share"
        )
    words = sorted(allowed, key=lambda word: (-tokens[word], word))[:size]
    occurring = sorted((word for word in stopped if word in tokens), key=lambda word: (-tokens[word], word))
    counts = np.array([frequency[word] for word in words], np.int64)
    return Vocabulary(tuple(words), tuple(occurring), counts, n_documents)


@dataclass(frozen=True)
class Ragged:
    """Sequences of different lengths, end to end.

    Attributes
    ----------
    values : int32 (n_tokens,).
    offsets : int64 (n + 1,); sequence i is values[offsets[i] : offsets[i + 1]].
    """

    values: np.ndarray
    offsets: np.ndarray

    @classmethod
    def of(cls, sequences: Iterable[np.ndarray]) -> Ragged:
        """Put sequences end to end."""
        parts = list(sequences)
        offsets = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)
        return cls(np.concatenate([np.empty(0, np.int32), *parts]).astype(np.int32), offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> np.ndarray:
        return self.values[self.offsets[index] : self.offsets[index + 1]]

    @property
    def lengths(self) -> np.ndarray:
        """int64 (n,)."""
        return np.diff(self.offsets)

    def selected(self, keep: np.ndarray) -> Ragged:
        """The same sequences with only the values for which `keep`, bool (n_tokens,), is true."""
        before = np.concatenate([[0], np.cumsum(keep)])
        return Ragged(self.values[keep], before[self.offsets].astype(np.int64))


def counts(sequences: Ragged, *, n_words: int) -> sparse.csr_array:
    """Count each word in each document.

    Parameters
    ----------
    sequences : numbers of tokens; those from n_words on (stop words, unknown words) are not
        counted.

    Returns
    -------
    float32 CSR (n, n_words), columns sorted; a document without a known word is an empty row.
    """
    rows = np.repeat(np.arange(len(sequences)), sequences.lengths)
    known = sequences.values < n_words
    ones = np.ones(known.sum(), np.float32)
    shape = (len(sequences), n_words)
    return sparse.csr_array(sparse.coo_array((ones, (rows[known], sequences.values[known])), shape=shape))


def tfidf(word_counts: sparse.csr_array, idf: np.ndarray) -> sparse.csr_array:
    """Return rows of (1 + log count) times idf, of unit length: float32 CSR (n, n_words); an empty
    row stays empty."""
    weighted = word_counts.astype(np.float64)
    weighted.data = (1 + np.log(weighted.data)) * idf[weighted.indices]
    norms = np.sqrt(weighted.multiply(weighted).sum(axis=1))
    rows = np.repeat(np.arange(weighted.shape[0]), np.diff(weighted.indptr))
    weighted.data /= norms[rows]
    return weighted.astype(np.float32)


def roles(n: int, *, shares: Sequence[float], generator: np.random.Generator) -> np.ndarray:
    """Assign n documents to roles at random.

    Parameters
    ----------
    shares : of each role but the first, which takes the rest.

    Returns
    -------
    uint8 (n,)
        The number of each document's role: round(share * n) documents each, at least one for a
        share above 0.

    Raises
    ------
    InputError
        When nothing would be left for the first role.
    """
    sizes = [max(1, round(share * n)) if share else 0 for share in shares]
    if sum(sizes) >= n:
        raise InputError(f"shares {list(shares)} of {n} documents leave none for training: lower them")
    assigned = np.zeros(n, np.uint8)
    order = generator.permutation(n)
    for number, (size, end) in enumerate(zip(sizes, np.cumsum(sizes), strict=True), start=1):
        assigned[order[end - size : end]] = number
    return assigned
