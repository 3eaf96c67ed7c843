"""Claims of the notes on speed: scores of all pairs, support vector machines; and Keras, listed as
outside."""

from __future__ import annotations

from collections.abc import Iterator

from relatent.claims.artifacts import Evidence, NotMeasuredError
from relatent.claims.claim import Judge
from relatent.claims.rules import Finding, Number, above, between, mean, over, ratio

SCORING, MEMORY = "timing/scoring.csv", "timing/memory.csv"
SIZES = ("first", "second", "third")  # of the notes, as the tables name them
MINUTES = 15.0  # the loop's at the third size, in the notes


def widths(evidence: Evidence) -> list[str]:
    """Numbers of dimensions that were timed."""
    return evidence.column(SCORING, "width")


def times_faster(evidence: Evidence, slow: str, fast: str, size: str, width: str) -> Number:
    """How many times as long the slow method takes."""
    taken = [evidence.timed(method, SCORING, method=method, size=size, width=width) for method in (slow, fast)]
    return ratio(taken[0], taken[1], f"{slow} / {fast}, {size} size, {width} dimensions")


def broadcasting(evidence: Evidence) -> Iterator[Finding]:
    """At the two sizes that fit: faster at all, and by 2 to 3 times."""
    timed = {(row["size"], row["width"]) for row in evidence.table(SCORING) if row["method"] == "broadcast"}
    fitting = [(size, width) for size in SIZES[:2] for width in widths(evidence) if (size, width) in timed]
    if not fitting:
        raise NotMeasuredError("the machine that measured had no memory for broadcasting whole at either size")
    for size, width in fitting:
        faster = times_faster(evidence, "loop", "broadcast", size, width)
        yield over(faster, 1, f"{size} size, {width} dimensions: broadcasting faster than the loop")
        yield between(faster, 2, 3, f"{size} size, {width} dimensions: 2 to 3 times as fast")


def out_of_memory(evidence: Evidence) -> Iterator[Finding]:
    """At the third size the differences need more than the machine has, and the attempt fails."""
    for width in widths(evidence):
        row = evidence.row(MEMORY, size=SIZES[2], width=width)
        source = f"results/{MEMORY}: {SIZES[2]}, {width} dimensions"
        needed = Number(f"GB needed, {width} dimensions", float(row["needed_bytes"]) / 1e9, source=source)
        machine = Number("GB of this machine", float(row["machine_bytes"]) / 1e9, source=source)
        yield above(needed, machine)
        failed = Number("memory errors", float(row["outcome"] == "MemoryError"), source=source)
        yield over(failed, 0, f"the attempt with {width} dimensions fails with a memory error")


def batches(evidence: Evidence) -> Iterator[Finding]:
    """At the third size, broadcasting block by block is faster than the loop."""
    for width in widths(evidence):
        yield over(times_faster(evidence, "loop", "batched", SIZES[2], width), 1)


def routines(evidence: Evidence) -> Iterator[Finding]:
    """cdist is many times as fast as the loop."""
    times = evidence.terms.times
    for size in SIZES[:2]:
        for width in widths(evidence):
            faster = times_faster(evidence, "loop", "cdist", size, width)
            yield over(faster, times)


def quarter_of_an_hour(evidence: Evidence) -> Iterator[Finding]:
    """The loop at the third size takes about a quarter of an hour."""
    about = evidence.terms.about
    for width in widths(evidence):
        taken = evidence.timed("loop", SCORING, method="loop", size=SIZES[2], width=width)
        minutes = Number(f"minutes, {width} dimensions", taken.value / 60, taken.error / 60, taken.runs, taken.source)
        yield between(minutes, MINUTES / about, MINUTES * about)


def sparse_rows(evidence: Evidence) -> list[Finding]:
    """LIBSVM on dense rows over LIBSVM on sparse rows, over the sizes."""
    rows = evidence.table("timing/svm.csv")
    taken = {(row["layout"], row["items"]): float(row["seconds"]) for row in rows if row["machine"] == "libsvm"}
    sizes = [items for layout, items in taken if layout == "dense"]
    source = "results/timing/svm.csv: seconds of libsvm"
    ratios = [Number(f"{items} rows", taken["dense", items] / taken["sparse", items], source=source) for items in sizes]
    if len(ratios) < 2:
        raise NotMeasuredError("fewer than two sizes are timed")
    average = mean(f"dense / sparse, mean over {len(ratios)} sizes", ratios)
    return [over(average, 1), over(average, evidence.terms.times)]


def same_accuracy(evidence: Evidence) -> Iterator[Finding]:
    """The layout of the rows changes no more than the time: equal accuracy on the training rows."""
    rows = evidence.table("timing/svm.csv")
    right = {(row["machine"], row["items"], row["layout"]): float(row["accuracy"]) for row in rows}
    for machine, items in dict.fromkeys((row["machine"], row["items"]) for row in rows):
        source = f"results/timing/svm.csv: accuracy of {machine}, {items} rows"
        values = [Number(layout, right[machine, items, layout], source=source) for layout in ("dense", "sparse")]
        same = values[0].value == values[1].value
        yield Finding(f"{machine}, {items} rows: the same accuracy", tuple(values), same)


def dense_memory(evidence: Evidence) -> Iterator[Finding]:
    """Dense rows take many times the memory of sparse ones."""
    rows = [row for row in evidence.table("timing/svm.csv") if row["machine"] == "libsvm"]
    largest = max(rows, key=lambda row: int(row["items"]))["items"]
    source = f"results/timing/svm.csv: peak_bytes of libsvm, {largest} rows"
    dense, sparse = (
        Number(layout, float(row["peak_bytes"]), source=source)
        for layout in ("dense", "sparse")
        for row in [evidence.row("timing/svm.csv", machine="libsvm", layout=layout, items=largest)]
    )
    yield over(ratio(dense, sparse, f"dense / sparse, {largest} rows"), evidence.terms.times)


JUDGES: dict[str, Judge] = {
    "broadcasting": broadcasting,
    "out-of-memory": out_of_memory,
    "batches": batches,
    "pdist": routines,
    "quarter-hour": quarter_of_an_hour,
    "svm-sparse": sparse_rows,
    "svm-same": same_accuracy,
    "svm-zeros": dense_memory,
}
