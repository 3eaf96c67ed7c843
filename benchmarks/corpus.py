"""Compare preparations of the postings by how near LDA comes to its published perplexity.

python benchmarks/corpus.py [--documents results/newsgroups/newsgroups.h5] [--seeds 3]
                                [--target 1091]

Only validation documents are used. The published perplexities of 20 Newsgroups (2,000 words, 50
topics) do not say which parts of a posting they count. That part of `text.corpora.words2000` in
params.yaml is therefore chosen by LDA's own number, which is known. For each variant and seed, a
tenth of the official training documents is split off as in the stage `text`. LDA is fitted to the
rest as in the stage `text_vae` (by its variational bound, so the result is a bound on the
perplexity). Both averages are computed on the tenth. No test document is read after tokenisation.
The benchmark takes about 15 minutes on one core.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from relatent.files.hdf5 import open_hdf5, rows_of
from relatent.jobs.params import read_yaml
from relatent.text.files import Protocol, write_corpus
from relatent.text.lda import fit_lda
from relatent.text.vae_measure import perplexity

# parts of a posting that are kept, and whether stop words count
VARIANTS: dict[str, dict[str, Any]] = {
    "bodies": {"headers": [], "footers": False, "quotes": False},
    "bodies, quotes": {"headers": [], "footers": False, "quotes": True},
    "bodies, quotes, footers": {"headers": [], "footers": True, "quotes": True},
    "the same, From and Subject": {"headers": ["From", "Subject"], "footers": True, "quotes": True},
    "whole postings": {"headers": None, "footers": True, "quotes": True},
    "bodies, quotes, footers, stop words": {"headers": [], "footers": True, "quotes": True, "stop_words": False},
}


def measure(documents: Path, settings: dict[str, Any], lda: dict[str, Any]) -> dict[str, float]:
    """Return LDA's perplexity on validation documents of one variant and split, both averages."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "words.h5"
        write_corpus(documents, path, Protocol(**settings))
        with open_hdf5(path) as file:
            counts = {role: rows_of(file, f"{role}_counts") for role in ("train", "validation")}
    kept = {role: rows[np.flatnonzero(np.diff(rows.indptr))] for role, rows in counts.items()}
    bound = fit_lda(kept["train"], **lda).bound(kept["validation"])
    return perplexity(bound, kept["validation"].sum(axis=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=Path, default=Path("results/newsgroups/newsgroups.h5"))
    parser.add_argument("--seeds", type=int, default=3, help="splits of the training documents (default 3)")
    parser.add_argument("--target", type=float, default=1091, help="the published perplexity")
    options = parser.parse_args()
    params = read_yaml("params.yaml")
    base, lda = params["text"]["corpora"]["words2000"], params["text_vae"]["lda"]
    for name, variant in VARIANTS.items():
        splits = [measure(options.documents, base | variant | {"seed": seed}, lda) for seed in range(options.seeds)]
        averages = {average: [split[average] for split in splits] for average in ("words", "documents")}
        means = {average: round(float(np.mean(values)), 1) for average, values in averages.items()}
        off = {f"{average}_off": round(value - options.target, 1) for average, value in means.items()}
        ends = {f"{average}_by_seed": [round(value) for value in values] for average, values in averages.items()}
        print(json.dumps({"variant": name} | means | off | ends), flush=True)


if __name__ == "__main__":
    main()
