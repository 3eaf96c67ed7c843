"""Stage `hashing`: encode documents as binary codes, and rank them by Hamming distance."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import typer
from pydantic import Field

from relatent.errors import InputError
from relatent.jobs.params import Name, Section, Structural, WithDefaults, load_section
from relatent.stages.shared.command import PARAMS, Params, ProbeFile, run, stage
from relatent.stages.shared.sections import Compute

if TYPE_CHECKING:
    import numpy as np

    from relatent.networks.probes import Probe


class Learned(Section):
    """Configure a learned method; see `relatent.hashing.training.Method`."""

    prior: Literal["gaussian", "bernoulli"]
    label_weight: float = Field(ge=0)
    private: bool
    neighbours: int = Field(ge=0)
    words: float = Field(gt=0)


class Training(Section):
    """Configure the training of all learned methods."""

    width: int = Field(ge=1)
    dropout: float = Field(ge=0, lt=1)
    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0, le=1)
    warm_up: float = Field(ge=0, le=1)
    seed: int = Field(ge=0)


class Hashing(WithDefaults):
    """Configure the methods, the code lengths and the protocols."""

    corpora: Annotated[list[Name], Field(min_length=1), Structural()]
    bits: Annotated[list[Annotated[int, Field(ge=1, le=1024)]], Field(min_length=1)]
    plain: Annotated[list[Literal["lsh", "lsa", "itq", "tfidf"]], Structural()]
    learned: Annotated[dict[Name, Learned], Field(min_length=1), Structural()]
    training: Training


WordsFile = Annotated[Path, typer.Option(help="HDF5 of the stage text.")]
MethodName = Annotated[
    str, typer.Option("--method", help="Method: a key of hashing.learned or an entry of hashing.plain.")
]
PROBED = 500  # documents per role that a probe encodes and ranks
NO_BITS = 0  # code length that tables give for real-valued rows
LSA_AXES = 32  # dimensions of the dense rows in which, beside tf-idf, neighbours are sought
GRAPH_NEIGHBOURS = 10  # neighbours per document in the graph of the diffusion map
DIFFUSION_AXES = 20
METRICS = ("precision@100", "map", "ndcg@100")
INACTIVE = 1e-3  # a bit is inactive if its variance is at most this share of the largest

SECTION = Hashing
HEADLINES = ["precision@100_32"]
AXES = {
    "history.csv": ("epoch", "validation_words"),
    "precision_recall.csv": ("recall", "precision"),
    "table.csv": ("bits", "precision@100"),
}

app = stage("Encode documents as binary codes by several methods; rank by Hamming distance.")


@app.command()
def evaluate(
    method: MethodName,
    words: WordsFile,
    codes: Annotated[Path, typer.Option(help="HDF5 to write: packed train and test codes by code length.")],
    metrics: Annotated[Path, typer.Option(help="JSON to write: precision@100, MAP and NDCG by code length.")],
    table: Annotated[Path, typer.Option(help="CSV to write: all metrics by code length.")],
    curve: Annotated[Path, typer.Option(help="CSV to write: precision at recall 0, .1, .. 1 by code length.")],
    history: Annotated[Path | None, typer.Option(help="CSV to write: training curves of a learned method.")] = None,
    probe: ProbeFile = None,
    params: Params = PARAMS,
) -> None:
    """Encode all documents by one method; rank training documents for each other document."""
    from relatent.files.hdf5 import open_hdf5, rows_of, write_hdf5
    from relatent.files.tables import write_csv, write_json
    from relatent.networks.probes import probing
    from relatent.networks.training import set_threads
    from relatent.stages.shared.checkpoint import discard

    section, compute = load_section(Hashing, "hashing", params), load_section(Compute, "compute", params)
    set_threads(compute.threads)
    with open_hdf5(words) as file:
        rows = {role: rows_of(file, f"{role}_tfidf") for role in ROLES}
        labels = {role: rows_of(file, f"{role}_labels")[...] for role in ROLES}
    learned = section.learned.get(method)
    near = None
    if learned is not None and learned.neighbours:
        near = neighbours(rows["train"], count=learned.neighbours, seed=section.training.seed)
    found = Found()
    with probing(probe) as marks:
        for bits in [NO_BITS] if method == "tfidf" else section.bits:
            with part_of(marks, bits, rows, labels) as part:
                latent, training = values(method, rows, labels, bits, section, compute, words, near, part)
                found.add(bits, measure(latent, rows, labels), training)
    packed, measured = found.packed, found.measured
    write_hdf5(codes, packed | {f"{role}_labels": labels[role] for role in ("train", "test")}, dataset="newsgroups")
    write_json(metrics, {f"{name}_{row['bits']}": row[name] for row in measured for name in SHOWN if name in row})
    write_csv(table, measured)
    write_csv(curve, found.curves)
    if history is not None:
        write_csv(history, found.histories)
    discard(job_name(method, words))


ROLES = ("train", "validation", "test")
SHOWN = (*METRICS, "validation_precision@100", "active_bits", "distinct_codes")


def values(
    method: str,
    rows: dict[str, Any],
    labels: dict[str, Any],
    bits: int,
    section: Hashing,
    compute: Compute,
    words: Path,
    near: np.ndarray | None,
    probe: Probe | None,
) -> tuple[dict[str, np.ndarray] | None, list[dict[str, float]]]:
    """Return the values to threshold, and the history of the training.

    The values are float (n, bits) by role, or None for `NO_BITS`: the rows themselves are ranked.
    The history is empty unless the method is learned.
    """
    from relatent.hashing import plain as codes
    from relatent.hashing import training as hashing_training
    from relatent.networks.recipe import Journal
    from relatent.stages.shared.checkpoint import checkpoint_path

    if bits == NO_BITS:
        return None, []
    sides = [rows[role] for role in ROLES]
    if method in section.plain:
        return dict(zip(ROLES, codes.project(method, *sides, bits=bits, seed=section.training.seed), strict=True)), []
    if method not in section.learned:
        allowed = ", ".join([*section.plain, *section.learned])
        raise InputError(f"--method: got {method!r}, allowed: {allowed}")
    chosen = section.learned[method]
    checkpoint = checkpoint_path(f"{job_name(method, words)}-{bits}", [chosen, section.training, compute], [words])
    network, fitted = hashing_training.train(
        rows["train"],
        labels["train"],
        rows["validation"],
        labels["validation"],
        method=hashing_training.Method(**chosen.model_dump()),
        bits=bits,
        neighbours=near,
        device=compute.device,
        options=hashing_training.Options(**section.training.model_dump()),
        journal=Journal(checkpoint, probe),
    )
    return {role: hashing_training.encode(network, rows[role]) for role in ROLES}, fitted.history


def part_of(
    probe: Probe | None, bits: int, rows: dict[str, Any], labels: dict[str, Any]
) -> AbstractContextManager[Probe | None]:
    """Return the probe of one code length, or None; at its end it ranks a few documents."""
    from relatent.hashing import training as hashing_training

    if probe is None:
        return nullcontext()
    some = {role: rows[role][:PROBED] for role in ROLES}

    def after(network: Any) -> Measured:
        latent = {role: hashing_training.encode(network, some[role]) for role in ROLES}
        return measure(latent, some, {role: labels[role][:PROBED] for role in ROLES})

    return probe.part(f"{bits} bits", after=after)


class Measured(NamedTuple):
    """Hold the results of one code length: packed codes, metrics, precision-recall curve."""

    packed: dict[str, np.ndarray]
    row: dict[str, Any]
    curve: list[dict[str, float]]


@dataclass
class Found:
    """Collect the results of all code lengths, as they are written."""

    packed: dict[str, Any] = field(default_factory=dict)
    measured: list[dict[str, Any]] = field(default_factory=list)
    curves: list[dict[str, Any]] = field(default_factory=list)
    histories: list[dict[str, Any]] = field(default_factory=list)

    def add(self, bits: int, one: Measured, training: list[dict[str, float]]) -> None:
        """Append the results of one code length."""
        self.packed |= {f"{bits}_{role}": codes for role, codes in one.packed.items()}
        self.measured.append({"bits": bits} | one.row)
        self.curves += [{"bits": bits} | point for point in one.curve]
        self.histories += [{"bits": bits} | row for row in training]


def measure(latent: dict[str, np.ndarray] | None, rows: dict[str, Any], labels: dict[str, Any]) -> Measured:
    """Threshold latent values and rank by Hamming distance; without values rank by cosine."""
    import numpy as np

    from relatent.hashing.plain import binarise

    sides, score, packed = rows, "cosine", {}
    if latent is not None:
        sides, score = dict(zip(ROLES, binarise(*(latent[role] for role in ROLES)), strict=True)), "hamming"
        packed = {role: np.packbits(sides[role], axis=1) for role in ("train", "test")}
    row, curve = rank(sides, labels, score)
    return Measured(packed, row | describe(latent, sides), curve)


def neighbours(tfidf: Any, *, count: int, seed: int) -> np.ndarray:
    """Return the nearest training documents of each training document, int64 (n, count).

    They are the same for all code lengths and do not depend on labels.
    """
    import numpy as np

    from relatent.hashing import graph as hashing_graph
    from relatent.hashing import plain as codes

    latent = codes.unit(tfidf @ codes.latent_semantic_axes(tfidf, count=LSA_AXES, seed=seed))
    graph = hashing_graph.nearest(tfidf, latent, count=GRAPH_NEIGHBOURS)
    walked = hashing_graph.diffusion_map(graph, count=DIFFUSION_AXES, generator=np.random.default_rng(seed))
    return hashing_graph.nearest(tfidf, np.hstack([latent, walked]), count=count)


def job_name(method: str, words: Path) -> str:
    """Return the readable part of a checkpoint's name."""
    return f"hashing-{words.parent.name}-{method}"


def rank(sides: dict[str, Any], labels: dict[str, Any], score: str) -> tuple[dict[str, float], list[dict[str, float]]]:
    """Rank training documents; return the metrics and the precision-recall curve of test documents.

    The metrics include precision@100 of validation documents.
    """
    from relatent.ranking.evaluation import evaluate
    from relatent.ranking.result import RECALL_LEVELS, RankingResult

    def result(role: str, **options: Any) -> RankingResult:
        return evaluate(sides[role], sides["train"], labels[role], labels["train"], score=score, **options)

    whole = result("test", cutoffs=(10, 100, 1000))
    means = whole.means()
    tuned = result("validation", cutoffs=(100,), metrics="cutoffs").means()["precision@100"]
    points = [{"recall": level, "precision": means[f"iprec@{level}"]} for level in RECALL_LEVELS]
    return means | {"validation_precision@100": tuned, "n_left_out": whole.n_left_out}, points


def describe(latent: dict[str, np.ndarray] | None, sides: dict[str, Any]) -> dict[str, int]:
    """Count the active bits, and the distinct codes of training documents: few show a collapse."""
    import numpy as np

    if latent is None:
        return {"active_bits": 0, "distinct_codes": 0}
    spread = latent["train"].var(axis=0, dtype=np.float64)
    active = int((spread > INACTIVE * spread.max()).sum())
    return {"active_bits": active, "distinct_codes": len(np.unique(np.packbits(sides["train"], axis=1), axis=0))}


@app.command()
def compare(
    tables: Annotated[list[Path], typer.Argument(help="Files results/hashing/<corpus>/<method>/table.csv.")],
    comparison: Annotated[Path, typer.Option(help="CSV to write: our numbers beside published ones.")],
) -> None:
    """Gather precision@100 of all methods beside published numbers, each with its source."""
    from relatent.files.tables import read_csv, write_csv
    from relatent.published.numbers import HASHING

    rows: list[dict[str, Any]] = []
    for path in tables:
        corpus, method = path.parent.parts[-2:]
        for row in read_csv(path):
            rows.append(
                {"source": "ours", "protocol": corpus, "method": method, "bits": int(row["bits"])}
                | {name: float(row[name]) for name in METRICS}
            )
    published = [
        {"source": "published, from memory", "protocol": "as published", "method": method, "bits": bits}
        | {"precision@100": value, "map": "", "ndcg@100": ""}
        for method, by_bits in HASHING.items()
        for bits, value in by_bits.items()
    ]
    write_csv(comparison, rows + published)


if __name__ == "__main__":
    run(app)
