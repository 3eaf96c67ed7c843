"""Test text, hashing and text_vae on odd documents: all are counted, all numbers are finite."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from relatent.errors import InputError
from relatent.files.hdf5 import read_hdf5, write_hdf5
from relatent.files.tables import read_csv
from relatent.stages import hashing, text, text_vae
from tests.support.harness import ROOT

GROUPS = ("a.first", "a.second", "b.third")
EMPTY, UNKNOWN = 3, 2  # numbers of odd test documents, beside one of 50,000 words
ASKED = 5_000_000  # limit of the vocabulary, far above the number of words


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a corpus whose third group has no test document; use smaller parameters of the demo."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    own = [[f"{letter}{letter}{other}" for other in "abcdefgh"] for letter in "xyz"]

    def posting(group: int, n_words: int = 30) -> str:
        return "Subject: odd\n\n" + " ".join(rng.choice([*own[group], "common", "words"], n_words))

    train_labels, test_labels = np.arange(90) % 3, np.arange(20) % 2
    train = [posting(group) for group in train_labels]
    train[:4] = ["Subject: odd\n\n", "", posting(1, 50_000), posting(2)]
    test = [posting(group) for group in test_labels]
    test[: EMPTY + UNKNOWN] = ["", *(f"Subject: odd\n\n{body}" for body in ("", "12 ! 7", "qwertz", "qwertz qwertz"))]
    test[EMPTY + UNKNOWN] = posting(1, 50_000)
    documents = {"train_text": np.array(train), "train_labels": train_labels.astype(np.int64)}
    documents |= {"test_text": np.array(test), "test_labels": test_labels.astype(np.int64)}
    write_hdf5(Path("newsgroups.h5"), documents, groups=list(GROUPS))
    values = YAML(typ="safe").load(ROOT / "demo/params.yaml")
    for corpus in values["text"]["corpora"].values():
        corpus.update(split="bydate", headers=[], vocabulary=ASKED, min_documents=1, max_share=1.0)
    values["hashing"].update(bits=[4, 40])
    values["hashing"]["plain"].append("tfidf")
    values["hashing"]["training"].update(epochs=2, batch_size=20, width=10)
    for run in values["text_vae"]["runs"].values():
        run.update(epochs=2, batch_size=20)
    YAML().dump(values, Path("params.yaml"))
    text.prepare("random", Path("newsgroups.h5"), Path("words.h5"), Path("counts.json"))
    return Path("words.h5")


def finite(path: Path) -> dict[str, float]:
    """Return the numbers of a metrics file; assert that none is nan (null in JSON) or infinite."""
    found = json.loads(path.read_text())
    for name, value in found.items():
        assert isinstance(value, int | float), name
        assert math.isfinite(value), name
    return found


def test_odd_documents_and_the_absent_group_are_counted(words: Path) -> None:
    """No document is dropped; a vocabulary limit above the number of words keeps all words."""
    counted = json.loads(Path("counts.json").read_text())
    assert counted["test_documents"] == 20
    assert (counted["test_empty"], counted["test_without_known_word"]) == (EMPTY, EMPTY + UNKNOWN)
    assert counted["test_longest"] == counted["train_longest"] == 50_000
    assert (counted["test_absent_groups"], counted["train_absent_groups"]) == (1, 0)
    assert counted["vocabulary"] == 3 * 8 + 2 < ASKED


@pytest.mark.parametrize("method", ["itq", "tfidf", "vdsh_sp", "nash_neighbours"])
def test_every_document_gets_a_code_and_every_metric_is_finite(words: Path, method: str) -> None:
    """This holds also for codes with more bits than the corpus has words."""
    files = [Path(name) for name in ("codes.h5", "metrics.json", "table.csv", "curve.csv")]
    hashing.evaluate(method, words, *files)
    metrics, table = finite(files[1]), read_csv(files[2])
    lengths = [0] if method == "tfidf" else [4, 40]
    assert [int(row["bits"]) for row in table] == lengths
    assert all(int(row["n_left_out"]) == 0 for row in table)
    for bits in lengths:
        assert 0 < metrics[f"precision@100_{bits}"] <= 1
        if bits:
            (codes,) = read_hdf5(files[0], f"{bits}_test")
            assert codes.shape == (20, -(-bits // 8))
    assert len(read_csv(files[3])) == 11 * len(lengths)


def test_a_test_group_without_a_training_document_is_left_out_and_counted(words: Path) -> None:
    """Its documents have no relevant item; the means are over the other documents."""
    rows = {role: np.eye(2, dtype=bool)[[0, 1, 0]] for role in hashing.ROLES}
    labels = {role: np.array([0, 1, 0]) for role in hashing.ROLES} | {"test": np.array([0, 1, 2])}
    measured, _ = hashing.rank(rows, labels, "hamming")
    assert measured["n_left_out"] == 1
    assert measured["map"] == 1


@pytest.mark.parametrize("run", ["mlp", "gru"])
def test_perplexity_and_retrieval_are_finite_and_every_document_is_embedded(words: Path, run: str) -> None:
    """Documents without a known word count in retrieval, but not in perplexity."""
    model, history, metrics, topics, embeddings = map(
        Path, ("model.safetensors", "history.csv", "metrics.json", "topics.csv", "embeddings.h5")
    )
    text_vae.train(run, words, model, history)
    text_vae.evaluate(words, model, metrics, topics, embeddings)
    measured = finite(metrics)
    assert measured["documents"] == 20 - EMPTY - UNKNOWN
    assert measured["perplexity_documents"] > 1
    (test,) = read_hdf5(embeddings, "test")
    assert test.shape == (20, 8)
    assert np.isfinite(test).all()
    assert len(read_csv(topics)) == 16


def test_the_peers_are_finite(words: Path) -> None:
    """LDA has more topics than the corpus has groups."""
    text_vae.peers(words, Path("peers.json"), Path("topics.csv"))
    peers = json.loads(Path("peers.json").read_text())
    assert all(math.isfinite(value) for model in peers.values() for value in model.values())
    assert 1 < peers["unigram"]["perplexity_words"] < 26.5  # 26 words


def test_documents_without_any_word_are_one_line(words: Path) -> None:
    """If all training documents are empty, one line reports the counts."""
    arrays = {f"{split}_text": np.array(["", "12"]) for split in ("train", "test")}
    arrays |= {f"{split}_labels": np.zeros(2, np.int64) for split in ("train", "test")}
    write_hdf5(Path("empty.h5"), arrays, groups=["g"])
    with pytest.raises(InputError, match="no word is left of 0 in 0 training documents") as error:
        text.prepare("random", Path("empty.h5"), Path("none.h5"), Path("none.json"))
    assert "\n" not in str(error.value)
    assert not Path("none.h5").exists()
