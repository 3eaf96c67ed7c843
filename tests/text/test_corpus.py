"""Vocabulary, counts, tf-idf and sequences hold what the documents hold, empty and huge ones
included."""

import numpy as np
import pytest
from scipy import sparse

from relatent.errors import InputError
from relatent.text.corpus import Ragged, counts, learn_vocabulary, roles, tfidf, tokenise

DOCUMENTS = [["the", "cat", "sat"], ["the", "cat", "ran", "ran"], [], ["dog", "the"]]


def learn(documents=DOCUMENTS, **changed):
    settings = {"size": 10, "min_documents": 1, "max_share": 1.0, "stop_words": ["the", "of"]} | changed
    return learn_vocabulary(documents, **settings)


def test_words_are_ordered_by_frequency_then_alphabet():
    """Stop words follow, only those that occur; everything else shares the last number."""
    vocabulary = learn()
    assert vocabulary.words == ("cat", "ran", "dog", "sat")
    assert vocabulary.stop_words == ("the",)
    assert vocabulary.encode(["dog", "the", "of", "zebra"]).tolist() == [2, 4, 5, 5]
    assert vocabulary.unknown == 5
    assert vocabulary.document_frequency.tolist() == [2, 1, 1, 1]


def test_document_frequency_bounds_hold_at_both_ends():
    """The bounds themselves are allowed; empty documents do not count into the share."""
    assert learn(min_documents=2).words == ("cat",)
    assert "cat" not in learn(max_share=0.6).words
    assert "cat" in learn(max_share=2 / 3).words


def test_a_vocabulary_larger_than_the_words_there_are_takes_all():
    """Ten million asked for, four there."""
    assert learn(size=10_000_000).words == learn(size=4).words


def test_no_word_left_is_one_line():
    """It says how many words there were and what to change."""
    with pytest.raises(InputError, match=r"no word is left of 5 in 3 training documents.*lower min_documents") as error:
        learn(min_documents=4)
    assert "\n" not in str(error.value)


def test_counts_and_sequences_of_an_empty_an_unknown_and_a_huge_document():
    """They are empty rows, and a row that counts 50,000 words."""
    vocabulary = learn()
    documents = [[], ["zebra", "of"], ["cat"] * 49_999 + ["dog"], ["sat"]]
    sequences = Ragged.of(vocabulary.encode(document) for document in documents)
    assert sequences.lengths.tolist() == [0, 2, 50_000, 1]
    rows = counts(sequences, n_words=4)
    assert rows.toarray().tolist() == [[0, 0, 0, 0], [0, 0, 0, 0], [49_999, 0, 1, 0], [0, 0, 0, 1]]
    weighted = tfidf(rows, vocabulary.idf())
    assert np.isfinite(weighted.data).all()
    np.testing.assert_allclose(sparse.linalg.norm(weighted, axis=1), [0, 0, 1, 1], rtol=1e-6)


def test_tfidf_agrees_with_scikit_learn():
    """Same words, same weights, for random counts."""
    from sklearn.feature_extraction.text import TfidfTransformer

    generator = np.random.default_rng(0)
    dense = generator.poisson(0.5, (30, 12))
    documents = [[f"w{word:02d}" for word in np.repeat(np.arange(12), row)] for row in dense]
    vocabulary = learn(documents, size=12)
    ours = counts(Ragged.of(map(vocabulary.encode, documents)), n_words=12)
    theirs = TfidfTransformer(sublinear_tf=True).fit_transform(ours.toarray()[[bool(d) for d in documents]])
    np.testing.assert_allclose(
        tfidf(ours, vocabulary.idf()).toarray()[[bool(d) for d in documents]], theirs.toarray(), rtol=1e-5, atol=1e-7
    )


def test_selected_sequences_keep_their_order():
    """Values go, documents stay, even when nothing is left of one."""
    sequences = Ragged.of([np.array([1, 9, 2]), np.array([9]), np.array([3])])
    chosen = sequences.selected(sequences.values < 9)
    assert [chosen[index].tolist() for index in range(3)] == [[1, 2], [], [3]]
    assert len(Ragged.of([])) == 0


def test_roles_have_their_shares_and_repeat_by_seed():
    """60/20/20 of 10; another seed draws others; no training document left is refused."""
    first, again, other = (roles(10, shares=(0.2, 0.2), generator=np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert np.bincount(first).tolist() == [6, 2, 2]
    assert (first == again).all()
    assert not (first == other).all()
    with pytest.raises(InputError, match="leave none for training"):
        roles(2, shares=(0.5, 0.5), generator=np.random.default_rng(0))


def test_tokens_are_words_of_letters():
    """Digits and marks separate; short ones go; case does not count; an empty text has none."""
    assert tokenise("A B-52's over O'Hare, 1993") == ["over", "o'hare"]
    assert tokenise("") == []
