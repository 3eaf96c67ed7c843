"""Claims of the notes on sequences: training without padding, the row-RNN on digits, and its hidden
units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from relatent.claims.artifacts import Evidence
from relatent.claims.claim import Judge
from relatent.claims.rules import (
    Finding,
    Number,
    above,
    alike,
    auc_error,
    lowest,
    not_below,
    over,
    ratio,
    share_error,
    under,
)

# --- BPTT without padding -------------------------------------------------------------------------

SWAPPING, SCHEDULES = "timing/swapping.csv", "bptt/uses.json"


def faster(evidence: Evidence, ours: str, peers: Sequence[str]) -> Iterator[Finding]:
    """One way of running sequences against others, for each number of slots."""
    for slots in evidence.column(SWAPPING, "batch"):
        for peer in peers:
            at = {"name": SWAPPING, "key": "per_second", "batch": slots}
            rates = [evidence.timed(method, method=method, **at) for method in (ours, peer)]
            name = f"{ours} / {peer}, {slots} slots"
            yield over(ratio(rates[0], rates[1], name), 1, f"{slots} slots: {ours} faster than {peer}")


def slots_of(evidence: Evidence) -> list[str]:
    """Numbers of slots for which epochs were laid out."""
    return [str(slots) for slots in evidence.value(SCHEDULES, "slots")]


def uses(evidence: Evidence, key: str, label: str) -> Number:
    """A number of how elements are used in an epoch."""
    return evidence.seeded(label, SCHEDULES, key)


def lengths_differ(evidence: Evidence) -> list[Finding]:
    """Few batches are of one length."""
    return [
        under(uses(evidence, f"{n}_alike_batches", f"share of batches of {n} alike"), 0.5) for n in slots_of(evidence)
    ]


def to_the_end(evidence: Evidence) -> Iterator[Finding]:
    """As the notes' code is written, every element of the last sequences is used."""
    for n in slots_of(evidence):
        last = uses(evidence, f"{n}_notes_last_sequences_uses", f"uses of an element of the last {n} sequences")
        yield not_below(last, Number("once", 1.0), f"{n} slots: the last sequences are used to their end")
        unused = uses(evidence, f"{n}_notes_unused_share", "share of elements never used")
        yield alike(unused, Number("none", 0.0), f"{n} slots: nothing is left out")


def start_again(evidence: Evidence) -> Iterator[Finding]:
    """Wrapping around uses the first sequences again."""
    for kind, name in (("notes", "as written"), ("wrapped", "until all have ended")):
        for n in slots_of(evidence):
            first = uses(evidence, f"{n}_{kind}_first_sequences_uses", f"uses of the first {n} sequences, {name}")
            yield over(first, 1)


def biased(evidence: Evidence) -> Iterator[Finding]:
    """In the order of the data, sequences at the start weigh more than those at the end."""
    for kind, name in (("notes", "as written"), ("wrapped", "until all have ended")):
        for n in slots_of(evidence):
            first, last = (
                uses(evidence, f"{n}_{kind}_{place}_sequences_uses", f"{place}, {name}") for place in ("first", "last")
            )
            yield above(first, last, f"{n} slots, {name}: the first sequences are used more than the last")


def shuffled(evidence: Evidence) -> Iterator[Finding]:
    """Over shuffled epochs no place in the data and no length weighs more."""
    for n in slots_of(evidence):
        for one, other in (("first_sequences", "last_sequences"), ("short", "long")):
            often, as_often = (
                uses(evidence, f"{n}_shuffled_{name}_uses", f"uses of {name.replace('_', ' ')}")
                for name in (one, other)
            )
            asked = f"{n} slots: {one.replace('_', ' ')} used as often as {other.replace('_', ' ')}"
            yield alike(often, as_often, asked)


# --- the row-RNN ----------------------------------------------------------------------------------

BASELINES = "rnn/mnist/baselines.json"


def row_rnn(evidence: Evidence, file: str) -> str:
    """The artifact of the notes' network."""
    return f"rnn/mnist/{evidence.terms.row_rnn}/{file}"


def n_digits(evidence: Evidence) -> int:
    """Test digits."""
    return int(evidence.value(row_rnn(evidence, "metrics.json"), "n_digits"))


def predicts(evidence: Evidence) -> list[Finding]:
    """Cross-entropy of the next row below the mean row's."""
    network = evidence.lone("row-RNN", row_rnn(evidence, "metrics.json"), "cross_entropy")
    return [lowest(network, [evidence.exact("mean row", BASELINES, "all_mean_row")], "better than the mean row")]


def more_than_identity(evidence: Evidence) -> list[Finding]:
    """Cross-entropy of the next row below that of repeating the last one, and of a regression on
    two rows."""
    network = evidence.lone("row-RNN", row_rnn(evidence, "metrics.json"), "cross_entropy")
    simple = {"last row again, smoothed": "all_copy_last", "logistic regression on two rows": "all_logistic"}
    return [
        lowest(network, [evidence.exact(name, BASELINES, key)], f"better than {name}") for name, key in simple.items()
    ]


def completes(evidence: Evidence) -> list[Finding]:
    """Completions are recognised more often than the seen half alone, and most of them."""
    items = n_digits(evidence)
    done = evidence.share("completed", row_rnn(evidence, "completion.json"), "completed", items=items)
    half = evidence.share("seen half alone", BASELINES, "half_alone", items=items)
    return [above(done, half, "better than the half alone"), over(done, 0.5, "most completions are the true digit")]


def errs_where_ambiguous(evidence: Evidence) -> list[Finding]:
    """Entropy of sampled completions separates failed completions from good ones."""
    name, items = row_rnn(evidence, "completion.json"), n_digits(evidence)
    right = evidence.value(name, "completed")
    auc = evidence.value(name, "entropy_separation")
    wrong = round(items * (1 - right))
    error = auc_error(auc, wrong, items - wrong)
    number = Number(
        "failed completion more ambiguous than a good one", auc, error, 1, f"results/{name}: entropy_separation"
    )
    return [
        over(number, 0.5, "errors are at more ambiguous halves"),
        over(number, 0.75, "most errors are, in 3 of 4 pairs"),
    ]


# --- hidden units ---------------------------------------------------------------------------------


def unit_share(evidence: Evidence, digit: int) -> tuple[Number, int]:
    """Share of the hidden units whose picture shows a digit, and how many units there are."""
    name = row_rnn(evidence, "units.json")
    total = sum(int(evidence.value(name, f"average_{each}")) for each in range(10))
    count = evidence.exact(f"units that show {digit}", name, f"average_{digit}")
    share = count.value / total
    return Number(f"share of units that show {digit}", share, share_error(share, total), 1, count.source), total


def well_shown(evidence: Evidence, digits: Sequence[int]) -> list[Finding]:
    """Each of these digits is shown by more than half of an even share of the units."""
    return [
        above(unit_share(evidence, digit)[0], Number("half an even share", 0.05), f"{digit} is well represented")
        for digit in digits
    ]


def many_zeros(evidence: Evidence) -> list[Finding]:
    """0 is shown by more than an even share of the units."""
    return [over(unit_share(evidence, 0)[0], evidence.terms.share, "more than an even share shows 0")]


def missing(evidence: Evidence, digits: Sequence[int]) -> list[Finding]:
    """None of these digits is shown by more than one unit in a hundred."""
    name = row_rnn(evidence, "units.json")
    counts = [evidence.exact(f"units that show {digit}", name, f"average_{digit}") for digit in digits]
    return [under(count, 0.5, f"no unit shows {digit}") for digit, count in zip(digits, counts, strict=True)]


def diluted(evidence: Evidence) -> list[Finding]:
    """The average over sequences has less fine detail than the one best sequence."""
    both = [evidence.seeded(name, "rnn/mnist/unit_weights.json", f"{name}_detail") for name in ("average", "best")]
    return [above(both[1], both[0], "the best single sequence has more detail than the average")]


def sharper(evidence: Evidence) -> list[Finding]:
    """Weights by the floored drive give averages of more contrast than weights by the
    activation."""
    both = [
        evidence.seeded(f"weights by {name}", "rnn/mnist/unit_weights.json", f"{name}_contrast")
        for name in ("drive", "activation")
    ]
    return [above(both[0], both[1], "more contrast with the pre-sigmoid drive, floored at 0")]


JUDGES: dict[str, Judge] = {
    "lengths-differ": lengths_differ,
    "swapping": lambda evidence: faster(evidence, "swapped", ("packed", "padded", "bucketed")),
    "swapping-loop": lambda evidence: faster(evidence, "loop", ("packed", "padded")),
    "to-the-end": to_the_end,
    "start-again": start_again,
    "wrap-bias": biased,
    "shuffle-cures": shuffled,
    "rows-look-good": predicts,
    "not-identity": more_than_identity,
    "completes": completes,
    "ambiguous-errors": errs_where_ambiguous,
    "units-zero": many_zeros,
    "units-others": lambda evidence: well_shown(evidence, (9, 8, 7, 3, 2)),
    "units-no-one": lambda evidence: missing(evidence, (1,)),
    "units-not-alone": lambda evidence: missing(evidence, (4, 5, 6)),
    "average-dilutes": diluted,
    "drive-sharper": sharper,
}
