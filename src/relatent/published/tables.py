"""Set our numbers beside published ones: precision of hash codes, perplexity of documents, bounds
on digits.

Each published number comes with its source. No table repeats a published experiment: paragraphs
below it say how data and protocol differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relatent.files.atomic import atomic
from relatent.files.html import render
from relatent.published.numbers import BITS, BOUNDS, HASHING, PERPLEXITY, SOURCES

PAGE = "page.html.j2"

# our method: the published method above it in the table, "" for none
COUNTERPARTS = {
    "lsh": "LSH", "vdsh": "VDSH", "vdsh_s": "VDSH-S", "vdsh_sp": "VDSH-SP", "nash": "NASH-DN",
    "nash_neighbours": "", "lsa": "", "itq": "", "tfidf": "",
}  # fmt: skip
LABELLED = ("VDSH-S", "VDSH-SP", "NASH-DN-S", "vdsh_s", "vdsh_sp")  # their training saw labels

# how ours differ, under the default params.yaml; a blank line ends a paragraph
HASHING_NOTES = """\
Data: the public code of VDSH and of AMMI reads a file of tf-idf rows named ng20.tfidf.mat; which headers, words and
documents it holds and how it was split is not said with it, and rows of different papers may differ in it. Our
protocol random is the nearest guess: all 18,846 documents, 60/20/20 at random, From and Subject lines and quotes
kept, footers removed, 10,000 words. Ours by date is harder: the official split, bodies alone, no quotes. The
supervised methods lie above the published rows in the one and below in the other: the data count for more than the
method.

Measure: the public code of VDSH takes log(weight x p) of a word, so that weights do not weigh, breaks ties in Hamming
distance by an unstable sort, and takes NDCG's ideal from the retrieved documents alone. Ours takes weight x log p,
ties in expectation, and the ideal of the whole database.

Settings: AMMI's are the best of a random search for each code length, by its README on validation data; its numbers
stand beside the commands, which do not say whether they are of test documents. Ours are the same for all code
lengths. The sizes of the graph of NASH + neighbours were chosen by labels of training documents (docs/hashing.md).
"""
PERPLEXITY_NOTES = """\
Data: ours are 20 Newsgroups by date, bodies with quotes and footers, the 2,000 most frequent words that are no stop
words, not stemmed. The published numbers are of 2,000 words too, from memory stemmed, and NVDM's code comes with
counts of its own, which we do not use.

Average: from memory the papers of LDA's number and of NVDM average over documents, which is to be set beside ours over
documents; NVDM's public code prints both. The KL is counted in all rows of ours.

Choice: the public code of NVDM takes the first 50 test documents as its validation set; we choose on documents split
off from the training ones. Ours have 50 latent dimensions or topics, as the published models.

ProdLDA's paper counts other words of the same postings: beside ours for its order of magnitude only.
"""
BOUND_NOTES = """\
Binarisation: ours is drawn anew at each reading in training (dynamic), the test digits by one seeded draw. Numbers
under fixed binarisation do not compare with those under dynamic.

Measure: ours are on a fixed 2,000 of the 10,000 test digits; a bound with more draws is tighter. Networks, epochs and
latent dimensions differ between rows.
"""


@dataclass(frozen=True)
class Table:
    """Hold a table of the page: heading, measure, names of columns, rows of text, paragraphs on
    what differs."""

    heading: str
    measured: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: str


def hashing_table(ours: Iterable[Mapping[str, str]], names: Mapping[str, str]) -> Table:
    """Return precision@100 of published methods, each above our counterparts, then our other
    methods.

    Parameters
    ----------
    ours : rows with `source`, `protocol`, `method`, `bits`, `precision@100`; only rows of the
        source "ours" count.
    names : our method -> the name that is shown.
    """
    measured: dict[tuple[str, str], dict[int, float]] = {}
    for row in sorted(ours, key=lambda row: row["protocol"], reverse=True):  # random, the nearer one, before bydate
        if row["source"] == "ours":
            by_bits = measured.setdefault((row["method"], row["protocol"]), {})
            by_bits[int(row["bits"])] = float(row["precision@100"])
    lengths = sorted({*BITS, *(bits for by_bits in measured.values() for bits in by_bits)} - {0})

    def line(method: str, whose: str, by_bits: Mapping[int, float], source: str) -> tuple[str, ...]:
        labels = "yes" if method in LABELLED else "no"
        values = (f"{by_bits[bits]:.3f}" if bits in by_bits else "" for bits in lengths)
        shown = names.get(method, method)
        if set(by_bits) == {0}:
            source = f"real-valued rows, no code: {by_bits[0]:.3f}"
        return (shown, whose, labels, *values, source)

    rows = []
    for published in [*HASHING, ""]:
        if published:
            rows.append(line(published, "published", HASHING[published], SOURCES[published]))
        for (method, protocol), by_bits in measured.items():
            if COUNTERPARTS.get(method, "") == published:
                rows.append(line(method, f"ours, {protocol}", by_bits, "results/hashing"))
    return Table(
        "Semantic hashing of 20 Newsgroups",
        "Precision@100: training documents ranked by Hamming distance for each test document, the same newsgroup is"
        " relevant. By code length in bits.",
        ("method", "whose", "labels seen", *(str(bits) for bits in lengths), "source"),
        tuple(rows),
        HASHING_NOTES,
    )


def perplexity_table(ours: Mapping[str, Mapping[str, float]], names: Mapping[str, str]) -> Table:
    """Return perplexity per word of test documents: published, then ours in both averages and by
    the tighter bound.

    Parameters
    ----------
    ours : {model: `perplexity_documents`, `perplexity_words` and, where it was measured,
        `bound_documents`}.
    """
    rows: list[tuple[str, ...]]
    rows = [(name, "published", f"{value:.0f}", "", "", "", SOURCES[name]) for name, value in PERPLEXITY.items()]
    for name, values in ours.items():
        bound = f"{values['bound_documents']:.0f}" if "bound_documents" in values else ""
        numbers = (f"{values[f'perplexity_{average}']:.0f}" for average in ("documents", "words"))
        rows.append((names.get(name, name), "ours", "", *numbers, bound, "results/text_vae"))
    return Table(
        "Perplexity of 20 Newsgroups",
        "Perplexity a word of test documents, lower is better, by the ELBO; averaged over documents (every document"
        " counts the same) and over words. The last number is by the importance-weighted bound, over documents.",
        ("model", "whose", "as published", "over documents", "over words", "tighter bound", "source"),
        tuple(rows),
        PERPLEXITY_NOTES,
    )


def bound_table(summary: Mapping[str, Mapping[str, Any]]) -> Table:
    """Return bounds on the log likelihood of binary MNIST: published ones, then our runs, best
    first.

    Parameters
    ----------
    summary : run -> `bound`, `elbo`, `bound_samples`, `binarise`, `latent_dim`; the stage measures'
        summary.
    """
    rows = [(name, "published", how, f"{value:.2f}", "", source) for name, how, value, source in BOUNDS]
    for name, values in sorted(summary.items(), key=lambda item: -item[1]["bound"]):
        how = f"{values['binarise']}, {values['bound_samples']:,} draws"
        rows.append((name, "ours", how, f"{values['bound']:.2f}", f"{values['elbo']:.2f}", "results/measures"))
    return Table(
        "Log likelihood of binary MNIST",
        "Importance-weighted bound on the test log likelihood in nats, higher is better, and the ELBO of ours.",
        ("model", "whose", "binarised, measured with", "bound", "ELBO", "source"),
        tuple(rows),
        BOUND_NOTES,
    )


def page(tables: Sequence[Table]) -> str:
    """Return the tables as one HTML page that fetches nothing."""
    return render(Path(__file__).with_name(PAGE), tables=tables)


def write_page(path: Path, tables: Sequence[Table]) -> None:
    """Write the page; the same tables give the same bytes."""
    with atomic(path) as temporary:
        temporary.write_text(page(tables), encoding="utf-8")


def markdown(precisions: Mapping[str, Mapping[str, float]], names: Mapping[str, str]) -> str:
    """Return precision@100 of one protocol as a table in Markdown.

    The best value per code length is bold, once for methods that saw labels and once for the
    others.

    Parameters
    ----------
    precisions : method -> the metrics of the stage hashing, `precision@100_<bits>`; 0 bits are
        real-valued rows.
    names : method -> the name that is shown.

    Examples
    --------
    >>> print(markdown({"lsh": {"precision@100_8": 0.0561}}, {"lsh": "LSH"}))
    | method | labels seen | 8 |
    | --- | --- | ---: |
    | LSH | no | **.056** |
    """
    prefix = "precision@100_"
    values = {
        method: {int(key.removeprefix(prefix)): value for key, value in metrics.items() if key.startswith(prefix)}
        for method, metrics in precisions.items()
    }
    lengths = sorted({bits for by_bits in values.values() for bits in by_bits} - {0})
    best = {
        (bits, kind): max((v[bits] for m, v in values.items() if bits in v and (m in LABELLED) == kind), default=0.0)
        for bits in lengths
        for kind in (False, True)
    }
    lines = [
        f"| method | labels seen | {' | '.join(map(str, lengths))} |",
        f"| --- | --- | {' | '.join(['---:'] * len(lengths))} |",
    ]
    for method, by_bits in values.items():
        kind = method in LABELLED
        cells = []
        for bits in lengths:
            shown = short(by_bits[bits]) if bits in by_bits else ""
            cells.append(f"**{shown}**" if shown and by_bits[bits] == best[bits, kind] else shown)
        name = names.get(method, method) + (f" (no code: {short(by_bits[0])})" if 0 in by_bits else "")
        lines.append(f"| {name} | {'yes' if kind else 'no'} | {' | '.join(cells)} |")
    return "\n".join(lines)


def short(share: float) -> str:
    """Format a share with three digits: .433.

    Examples
    --------
    >>> short(0.4331), short(1.0)
    ('.433', '1.000')
    """
    return f"{share:.3f}".removeprefix("0")
