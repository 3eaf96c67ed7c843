"""Draw figures of documents: perplexities, topics, embedded newsgroups, precision of codes against
length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from relatent.figures.planes import spread
from relatent.figures.style import CLASSES, COLUMN, PAGE, blank, figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TOPICS = 12  # pairs of topics shown
FAMILIES = 8  # colours at most; rarer families share the last one
NAMES = {
    "mlp": "MLP", "lstm": "LSTM", "gru": "GRU", "both": "MLP + GRU", "lda": "LDA", "unigram": "unigram",
    "lsh": "LSH", "lsa": "LSA signs", "itq": "ITQ", "tfidf": "tf-idf cosine", "vdsh": "VDSH", "vdsh_s": "VDSH-S",
    "vdsh_sp": "VDSH-SP", "nash": "NASH", "nash_neighbours": "NASH + neighbours",
}  # fmt: skip
MARKERS = "osD^v<>Pp"
SUPERVISED = ("vdsh_s", "vdsh_sp")  # drawn dashed: their training saw labels


def perplexities(path: Path, models: Mapping[str, Mapping[str, float]], published: Mapping[str, float]) -> None:
    """Draw perplexity per word as bars, the tighter bounds as marks, and published values as lines.

    Parameters
    ----------
    models : {name: `perplexity_documents` and, where it was measured, `bound_documents`}.
    published : {name: perplexity}, quoted from memory.
    """
    names = list(models)
    values = [models[name]["perplexity_documents"] for name in names]
    with figure(path, COLUMN, 2.4) as canvas:
        axes = canvas.add_subplot()
        bars = axes.bar(range(len(names)), values, color=CLASSES[0], width=0.65, label="ELBO")
        axes.bar_label(bars, [f"{value:.0f}" for value in values], padding=2, fontsize=6)
        bounded = [(index, models[name]["bound_documents"]) for index, name in enumerate(names)
                   if "bound_documents" in models[name]]  # fmt: skip
        if bounded:
            axes.plot(*zip(*bounded, strict=True), "_", color=CLASSES[1], ms=14, mew=1.5, label="importance-weighted")
        for number, (name, value) in enumerate(published.items()):
            axes.axhline(value, color=CLASSES[(2, 3, 5)[number % 3]], ls="--", lw=0.8, label=f"{name}, from memory")
        axes.set_xticks(range(len(names)), [NAMES.get(name, name) for name in names], fontsize=6)
        axes.set(ylabel="perplexity per word")
        axes.set_ylim(0, 1.4 * max(*values, *published.values()))  # room for the legend
        axes.legend(loc="upper right", fontsize=5.5, ncols=2)


def overlaps(topics: Sequence[Sequence[str]], directions: Sequence[Sequence[str]]) -> list[tuple[int, int, int]]:
    """Pair topics with directions one to one, so that the pairs share as many words as possible in
    total.

    Parameters
    ----------
    topics, directions : the top words of each.

    Returns
    -------
    list of (topic, direction, shared words)
        Most shared words first, ties by the number of the topic; as many pairs as the shorter list
        has items.

    Examples
    --------
    >>> overlaps([["game", "team"], ["god", "life"]], [["god", "game"], ["team", "game"]])
    [(0, 1, 2), (1, 0, 1)]
    """
    from scipy.optimize import linear_sum_assignment

    shared = np.array([[len(set(topic) & set(direction)) for direction in directions] for topic in topics])
    pairs = zip(*linear_sum_assignment(-shared), strict=True)
    found = [(int(topic), int(direction), int(shared[topic, direction])) for topic, direction in pairs]
    return sorted(found, key=lambda pair: (-pair[2], pair[0]))


def topics(path: Path, peers: Sequence[Sequence[str]], ours: Sequence[Sequence[str]]) -> None:
    """Write top words of LDA's topics beside those of directions of a VAE's latent space, shared
    words in colour.

    Shows TOPICS pairs of `overlaps` at even ranks, from the pair that shares most words to the one
    that shares fewest.

    Parameters
    ----------
    peers : top words of each topic of LDA.
    ours : top words of each direction: dimension 1 upwards, downwards, dimension 2 upwards, ...
    """
    pairs = overlaps(peers, ours)
    chosen = [pairs[rank] for rank in np.unique(np.linspace(0, len(pairs) - 1, TOPICS).round().astype(int))]
    with figure(path, PAGE, 0.35 + 0.3 * len(chosen)) as canvas:
        axes = canvas.add_subplot()
        blank(axes)
        axes.set(xlim=(0, 2), ylim=(len(chosen) - 0.4, -1.0))
        axes.text(0, -0.75, "LDA's topic", va="center", weight="bold", fontsize=7)
        axes.text(1.02, -0.75, "direction of the VAE's latent space", va="center", weight="bold", fontsize=7)
        for row, (topic, direction, _) in enumerate(chosen):
            common = set(peers[topic]) & set(ours[direction])
            sign = "+" if direction % 2 == 0 else "\N{MINUS SIGN}"
            for left, name, words in (
                (0.0, f"{topic + 1}", peers[topic]),
                (1.02, f"{direction // 2 + 1}{sign}", ours[direction]),
            ):
                axes.text(left, row, name, va="center", fontsize=6, color=CLASSES[9])
                wrapped(axes, left + 0.08, row, words, common)


def wrapped(axes: Axes, left: float, row: int, words: Sequence[str], common: set[str]) -> None:
    """Write words in two lines from `left` on, each behind the one before it; words in `common` are
    coloured."""
    half = -(-len(words) // 2)
    style: dict[str, Any] = {"fontsize": 6, "va": "center"}
    for line, some in enumerate((words[:half], words[half:])):
        behind: dict[str, Any] = {"xy": (left, row - 0.2 + 0.4 * line)}
        for word in some:
            colour = CLASSES[0] if word in common else CLASSES[7]
            placed = axes.annotate(word, **behind, **style, color=colour)
            behind = {"xy": (1, 0.5), "xycoords": placed, "xytext": (4, 0), "textcoords": "offset points"}


def family(group: str) -> str:
    """Return the first part of a group's name: comp, rec, sci, ..."""
    return group.partition(".")[0]


def planes(path: Path, embeddings: Mapping[str, tuple[np.ndarray, np.ndarray]], groups: Sequence[str]) -> None:
    """Scatter embedded documents, one panel per run, coloured by family of groups; names stand at
    the medians.

    Parameters
    ----------
    embeddings : {run: (points (n, 2), labels (n,))}; a label is an index into `groups`.
    """
    families = list(dict.fromkeys(family(group) for group in groups))
    of_group = np.array([min(families.index(family(group)), FAMILIES - 1) for group in groups])
    across = min(PAGE, 0.3 + 3.3 * len(embeddings))
    with figure(path, across, 3.5) as canvas:
        panels = np.atleast_1d(canvas.subplots(1, len(embeddings)))
        for axes, (name, (points, labels)) in zip(panels, embeddings.items(), strict=True):
            order = np.random.default_rng(0).permutation(len(points))  # no family lies on top of the others
            colours = np.array(CLASSES)[of_group[labels[order]]]
            axes.scatter(*points[order, :2].T, c=colours, s=1.5, linewidths=0, alpha=0.8, rasterized=True)
            low, high = np.percentile(points, 0.5, axis=0), np.percentile(points, 99.5, axis=0)
            axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xlabel="latent dimension 1")
            axes.text(0.02, 0.98, NAMES.get(name.removesuffix("_plane"), name), transform=axes.transAxes, va="top")
            axes.set_ylabel("latent dimension 2")
            present = np.unique(of_group[labels])
            medians = np.array([np.median(points[of_group[labels] == number, :2], axis=0) for number in present])
            for number, (x, y) in zip(present, spread(medians, 0.1 * (high - low).max()), strict=True):
                box = {"boxstyle": "round,pad=0.15", "fc": "white", "ec": CLASSES[number], "alpha": 0.85}
                axes.text(x, y, families[number], ha="center", va="center", fontsize=6, bbox=box)
        handles = [
            panels[0].plot([], [], "o", color=CLASSES[number], ms=4, label=name)[0]
            for number, name in enumerate(families[:FAMILIES])
        ]
        canvas.legend(handles=handles, loc="outside upper center", ncols=len(handles), fontsize=6, columnspacing=0.8)


def hashing(path: Path, table: Sequence[Mapping[str, str]]) -> None:
    """Draw precision@100 of our methods against the number of bits, one panel per protocol; tf-idf
    is a level line.

    Parameters
    ----------
    table : rows with `source`, `protocol`, `method`, `bits`, `precision@100`; published rows are
        not drawn.
    """
    ours = [row for row in table if row["source"] == "ours"]
    protocols = list(dict.fromkeys(row["protocol"] for row in ours))
    methods = list(dict.fromkeys(row["method"] for row in ours))
    with figure(path, PAGE if len(protocols) > 1 else COLUMN, 3.0) as canvas:
        panels = np.atleast_1d(canvas.subplots(1, len(protocols), sharey=True))
        for axes, protocol in zip(panels, protocols, strict=True):
            for number, method in enumerate(methods):
                rows = [row for row in ours if (row["protocol"], row["method"]) == (protocol, method)]
                points = sorted((int(row["bits"]), float(row["precision@100"])) for row in rows)
                colour, name = CLASSES[number % len(CLASSES)], NAMES.get(method, method)
                if [bits for bits, _ in points] == [0]:
                    axes.axhline(points[0][1], color=colour, ls=":", label=name)
                elif points:
                    line = "--" if method in SUPERVISED else "-"
                    axes.plot(*zip(*points, strict=True), line, marker=MARKERS[number % len(MARKERS)], ms=3,
                              color=colour, label=name)  # fmt: skip
            axes.set_xscale("log", base=2)
            lengths = sorted({int(row["bits"]) for row in ours} - {0})
            axes.set_xticks(lengths, [str(bits) for bits in lengths])
            axes.set(xlabel=f"bits, {protocol}", ylim=(0, 1))
        panels[0].set_ylabel("precision@100")
        handles, labels = panels[0].get_legend_handles_labels()
        canvas.legend(handles, labels, loc="outside upper center", ncols=5, fontsize=6, columnspacing=1.0)
