"""Compare numbers with their uncertainty, and turn the comparisons of a claim into its verdict.

A claim is split into the comparisons that it makes. A comparison holds if the numbers show it by
more than `SURE` standard errors. `not_below` and `alike` hold unless the numbers contradict them by
that much.

=========================  =============
comparisons that hold      verdict
=========================  =============
all                        holds
some                       holds in part
none                       does not hold
the claim has no judge,
or its numbers are absent  not testable
=========================  =============
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from relatent.errors import InputError

Verdict = Literal["holds", "holds in part", "does not hold", "not testable"]
VERDICTS: tuple[Verdict, ...] = ("holds", "holds in part", "does not hold", "not testable")
SURE = 2.0  # standard errors above which a difference counts; about 95 %
RULE = (  # as readers are told
    "A claim is split into the comparisons that it makes. A comparison holds when the numbers say so by more than two "
    "standard errors; that something is no worse, or as near, holds unless they contradict it by as much. All hold: "
    "the claim holds; some: in part; none: it does not hold. Behind a number stand its standard error and the runs, "
    "repeats or seeds that it is of; a number of one training run carries the error that seeds were seen to make."
)


@dataclass(frozen=True)
class Number:
    """A measured number.

    Attributes
    ----------
    label : what was measured, in a few words.
    value, error : the number and its standard error; 0 for a count or a computation without draws.
    runs : seeds, repeats or sizes over which it was measured.
    source : the artifact and the key that it was read from.
    """

    label: str
    value: float
    error: float = 0.0
    runs: int = 1
    source: str = ""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value) and math.isfinite(self.error) and self.error >= 0):
            raise InputError(
                f"{self.source or self.label}: need a number and its error, got {self.value}, {self.error}"
            )


@dataclass(frozen=True)
class Finding:
    """One comparison: what it asks, the numbers, and whether they say so.

    Examples
    --------
    >>> mlp, lstm = Number("MLP", 5.0, 0.1), Number("LSTM", 9.9, 0.1)
    >>> below(mlp, lstm).holds, below(lstm, mlp).holds
    (True, False)
    """

    asked: str
    numbers: tuple[Number, ...]
    holds: bool


def apart(a: Number, b: Number) -> float:
    """Return by how many standard errors of the difference a is above b; infinite if both errors
    are 0."""
    error, difference = math.hypot(a.error, b.error), a.value - b.value
    if error == 0:
        return math.copysign(math.inf, difference) if difference else 0.0
    return difference / error


def above(a: Number, b: Number, asked: str = "") -> Finding:
    """Is a above b by more than SURE standard errors of the difference?"""
    return Finding(asked or f"{a.label} above {b.label}", (a, b), apart(a, b) > SURE)


def below(a: Number, b: Number, asked: str = "") -> Finding:
    """Is a below b by more than SURE standard errors of the difference?"""
    return Finding(asked or f"{a.label} below {b.label}", (a, b), apart(b, a) > SURE)


def not_below(a: Number, b: Number, asked: str = "") -> Finding:
    """Is a at least b, or below it by no more than SURE standard errors?"""
    return Finding(asked or f"{a.label} not below {b.label}", (a, b), apart(b, a) <= SURE)


def alike(a: Number, b: Number, asked: str = "") -> Finding:
    """Do a and b differ by no more than SURE standard errors?"""
    return Finding(asked or f"{a.label} as {b.label}", (a, b), abs(apart(a, b)) <= SURE)


def over(a: Number, limit: float, asked: str = "") -> Finding:
    """Is a above a fixed limit by more than SURE of its standard errors?"""
    holds = above(a, Number("limit", limit)).holds
    return Finding(asked or f"{a.label} above {limit:g}", (a,), holds)


def under(a: Number, limit: float, asked: str = "") -> Finding:
    """Is a below a fixed limit by more than SURE of its standard errors?"""
    holds = below(a, Number("limit", limit)).holds
    return Finding(asked or f"{a.label} below {limit:g}", (a,), holds)


def between(a: Number, low: float, high: float, asked: str = "") -> Finding:
    """Does a lie between two fixed limits, limits included? Its error does not widen them."""
    return Finding(asked or f"{a.label} from {low:g} to {high:g}", (a,), low <= a.value <= high)


def lowest(a: Number, others: Sequence[Number], asked: str = "") -> Finding:
    """Is a below each of the others by more than SURE standard errors? The nearest of them comes
    first."""
    nearest = sorted(others, key=lambda other: other.value)
    return Finding(asked or f"{a.label} below all others", (a, *nearest), all(below(a, b).holds for b in others))


def highest(a: Number, others: Sequence[Number], asked: str = "") -> Finding:
    """Is a above each of the others by more than SURE standard errors? The nearest of them comes
    first."""
    nearest = sorted(others, key=lambda other: -other.value)
    return Finding(asked or f"{a.label} above all others", (a, *nearest), all(above(a, b).holds for b in others))


def falling(numbers: Sequence[Number], asked: str) -> Finding:
    """Is each number below the one before by more than SURE standard errors?"""
    steps = zip(numbers[1:], numbers[:-1], strict=True)
    return Finding(asked, tuple(numbers), all(below(later, earlier).holds for later, earlier in steps))


def ratio(a: Number, b: Number, label: str) -> Number:
    """Return a / b; relative errors add in squares. InputError if b is 0."""
    if b.value == 0:
        raise InputError(f"{b.source or b.label}: 0, so that nothing can be divided by it")
    value = a.value / b.value
    relative = math.hypot(a.error / a.value if a.value else 0.0, b.error / b.value)
    return Number(label, value, abs(value) * relative, min(a.runs, b.runs), _sources(a, b))


def _sources(*numbers: Number) -> str:
    return "; ".join(dict.fromkeys(number.source for number in numbers if number.source))


def mean(label: str, numbers: Sequence[Number]) -> Number:
    """Return the mean and its standard error from the spread of the numbers; their own errors are
    not used."""
    n = len(numbers)
    if n < 2:
        raise InputError(f"{label}: a mean and its error need two numbers at least, got {n}")
    average = sum(number.value for number in numbers) / n
    variance = sum((number.value - average) ** 2 for number in numbers) / (n - 1)
    return Number(label, average, math.sqrt(variance / n), n, _sources(*numbers))


def share_error(share: float, n: int) -> float:
    """Return the binomial standard error of a share of n items, at least 1 / n."""
    return math.sqrt(max(share * (1 - share), 1 / n) / n)


def bounded_error(n: int) -> float:
    """Return the largest standard error that a mean of n values in [0, 1] can have (Popoviciu
    1935)."""
    return 0.5 / math.sqrt(n)


def auc_error(auc: float, n_positive: int, n_negative: int) -> float:
    """Return the standard error of an area under the ROC curve (Hanley & McNeil 1982).

    Examples
    --------
    >>> round(auc_error(0.88, 1106, 8894), 4)
    0.0068
    """
    both, once = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (n_positive - 1) * (both - auc**2) + (n_negative - 1) * (once - auc**2)
    return math.sqrt(max(0.0, variance) / (n_positive * n_negative))


def verdict_of(findings: Sequence[Finding]) -> Verdict:
    """Return "holds" if all findings hold, "holds in part" if some do, "does not hold" if none
    does.

    Examples
    --------
    >>> yes, no = Finding("", (), True), Finding("", (), False)
    >>> verdict_of([yes, yes]), verdict_of([yes, no]), verdict_of([no])
    ('holds', 'holds in part', 'does not hold')
    """
    if not findings:
        raise InputError("a verdict needs at least one comparison")
    held = sum(finding.holds for finding in findings)
    return "holds" if held == len(findings) else "holds in part" if held else "does not hold"
