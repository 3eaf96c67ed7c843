"""Compare sizes of the graph of NASH with neighbours: purity in training, precision in validation.

    python benchmarks/hashing_graph.py [--words results/text/random/words.h5] [--bits 32]
                                       [--trained]

The stage `hashing` finds each training document's neighbours in tf-idf and LSA, and again with the
diffusion map of the resulting graph. Its sizes are `LSA_AXES`, `GRAPH_NEIGHBOURS` and
`DIFFUSION_AXES` there, and `neighbours` in params.yaml. Purity is the share of a training
document's neighbours that have its label; the sizes were chosen by it. With `--trained`, the
network is trained on each graph and its precision@100 on validation documents is printed; a choice
should rest on this number (about 20 s per row on one core). One size is changed at a time.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from relatent import ranking
from relatent.files.hdf5 import open_hdf5, rows_of
from relatent.hashing import graph as hashing_graph
from relatent.hashing import plain as codes
from relatent.hashing import training
from relatent.jobs.params import read_yaml
from relatent.networks.training import set_threads
from relatent.stages.hashing import DIFFUSION_AXES, GRAPH_NEIGHBOURS, LSA_AXES

METHOD = "nash_neighbours"
SIZES = {
    "lsa_axes": (16, LSA_AXES, 128),
    "graph_neighbours": (5, GRAPH_NEIGHBOURS, 20),
    "diffusion_axes": (0, DIFFUSION_AXES, 40),
    "neighbours": (10, 30, 100),
}


def graph(tfidf: Any, *, lsa_axes: int, graph_neighbours: int, diffusion_axes: int, neighbours: int) -> np.ndarray:
    """Return the stage's neighbours with these sizes, int64 (n, neighbours).

    With `diffusion_axes=0` they are those of the first round.
    """
    latent = codes.unit(tfidf @ codes.latent_semantic_axes(tfidf, count=lsa_axes, seed=0))
    if not diffusion_axes:
        return hashing_graph.nearest(tfidf, latent, count=neighbours)
    first = hashing_graph.nearest(tfidf, latent, count=graph_neighbours)
    walked = hashing_graph.diffusion_map(first, count=diffusion_axes, generator=np.random.default_rng(0))
    return hashing_graph.nearest(tfidf, np.hstack([latent, walked]), count=neighbours)


def precision(rows: dict[str, Any], labels: dict[str, Any], near: np.ndarray, bits: int, section: Any) -> float:
    """Return precision@100 of validation documents for a network trained on this graph."""
    method = training.Method(**(section["learned"][METHOD] | {"neighbours": near.shape[1]}))
    sides = rows["train"], labels["train"], rows["validation"], labels["validation"]
    options = training.Options(**section["training"])
    network, _ = training.train(*sides, method=method, bits=bits, neighbours=near, options=options)
    train, held = codes.binarise(*(training.encode(network, rows[role]) for role in ("train", "validation")))
    found = ranking.evaluate(held, train, labels["validation"], labels["train"], score="hamming", cutoffs=(100,))
    return found.means()["precision@100"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--words", type=Path, default=Path("results/text/random/words.h5"))
    parser.add_argument("--bits", type=int, default=32)
    parser.add_argument("--trained", action="store_true", help="also train a network on each graph")
    options = parser.parse_args()
    set_threads(1)
    section = read_yaml("params.yaml")["hashing"]
    chosen = {"lsa_axes": LSA_AXES, "graph_neighbours": GRAPH_NEIGHBOURS, "diffusion_axes": DIFFUSION_AXES}
    chosen["neighbours"] = section["learned"][METHOD]["neighbours"]
    with open_hdf5(options.words) as file:
        rows = {role: rows_of(file, f"{role}_tfidf") for role in ("train", "validation")}
        labels = {role: rows_of(file, f"{role}_labels")[...] for role in ("train", "validation")}
    settings = [chosen] + [chosen | {name: n} for name, sizes in SIZES.items() for n in sizes if n != chosen[name]]
    for sizes in settings:
        near = graph(rows["train"], **sizes)
        row = sizes | {"purity": round(float((labels["train"][near] == labels["train"][:, None]).mean()), 4)}
        if options.trained:
            row["validation_precision@100"] = round(precision(rows, labels, near, options.bits, section), 4)
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
