"""`relatent rank` on anybody's files: every format gives the library's own numbers, mistakes are
one line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from relatent.files import hdf5 as storage
from relatent.ranking import evaluate
from tests.support.harness import ROOT, run

RNG = np.random.default_rng(0)
ROWS = {"q": RNG.normal(size=(20, 6)).round(2), "d": RNG.normal(size=(60, 6)).round(2)}
LABELS = {"q": RNG.integers(3, size=20), "d": RNG.integers(3, size=60)}


def relatent(*words: str, cwd: Path) -> tuple[int, str, str]:
    done = run("python", "-m", "relatent.cli", *words, cwd=cwd, check=False, PYTHONPATH=str(ROOT / "src"))
    return done.returncode, done.stdout, done.stderr


def write_h5(folder: Path, side: str) -> list[str]:
    storage.write_hdf5(folder / f"{side}.h5", {"embeddings": ROWS[side], "labels": LABELS[side]})
    return [f"{side}.h5"]


def write_npz(folder: Path, side: str) -> list[str]:
    np.savez(folder / f"{side}.npz", rows=ROWS[side], labels=LABELS[side])
    return [f"{side}.npz"]


def write_npy(folder: Path, side: str) -> list[str]:
    np.save(folder / f"{side}.npy", ROWS[side])
    np.save(folder / f"{side}_labels.npy", LABELS[side])
    return [f"{side}.npy", f"{side}_labels.npy"]


def write_sparse_npz(folder: Path, side: str) -> list[str]:
    sparse.save_npz(folder / f"{side}.npz", sparse.csr_array(ROWS[side]))
    np.save(folder / f"{side}_labels.npy", LABELS[side])
    return [f"{side}.npz", f"{side}_labels.npy"]


@pytest.mark.parametrize("write", [write_h5, write_npz, write_npy, write_sparse_npz])
def test_every_format_gives_the_librarys_numbers(tmp_path: Path, write) -> None:
    """The JSON holds the means; the table names each metric."""
    words = []
    for side, rows, labels in (("q", "--queries", "--query-labels"), ("d", "--database", "--database-labels")):
        words += [word for pair in zip((rows, labels), write(tmp_path, side), strict=False) for word in pair]
    code, out, err = relatent("rank", *words, "--cutoffs", "5,10", "--output", "r.json", cwd=tmp_path)
    assert code == 0, err
    expected = evaluate(ROWS["q"], ROWS["d"], LABELS["q"], LABELS["d"], cutoffs=(5, 10)).means()
    assert json.loads((tmp_path / "r.json").read_text()) == pytest.approx(expected)
    assert "precision@10" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--queries", "none.h5"], "none.h5: no such file"),
        (["--queries", "q.txt"], "q.txt: must be .h5, .hdf5, .npy or .npz, got .txt"),
        (["--queries", "q.h5:rows"], "q.h5: no data set 'rows'; it has embeddings, labels"),
        (["--queries", "q.h5", "--score", "cosin"], "score must be one of cosine, dot, l2, hamming, got 'cosin'"),
        (["--queries", "q.h5", "--cutoffs", "ten"], "--cutoffs: got 'ten', allowed: whole numbers"),
        (["--queries", "two.npz", "--query-labels", "q.h5"], "2 arrays with 2 dimensions in it (it has a, b)"),
        (["--queries", "rows.npy"], "rows.npy: no labels beside its rows; name their file by --query-labels"),
        (["--queries", "sparse.npz"], "sparse.npz: no labels beside its rows; name their file by --query-labels"),
        (["--queries", "bad.npy", "--query-labels", "q.h5"], "bad.npy: not a plain numpy file"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, words: list[str], said: str) -> None:
    """What was given, what is allowed, what to do."""
    write_h5(tmp_path, "q"), write_h5(tmp_path, "d")
    np.savez(tmp_path / "two.npz", a=ROWS["q"], b=ROWS["q"])
    np.save(tmp_path / "rows.npy", ROWS["q"])
    sparse.save_npz(tmp_path / "sparse.npz", sparse.csr_array(ROWS["q"]))
    np.save(tmp_path / "bad.npy", np.array([{"an": "object"}]), allow_pickle=True)
    code, _, err = relatent("rank", *words, "--database", "d.h5", cwd=tmp_path)
    assert code == 1
    assert said in err
    assert err.count("\n") == 1
