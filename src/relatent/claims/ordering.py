"""Claims of the notes on pictures of features: their order by similarity."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

from relatent.claims.artifacts import Evidence
from relatent.claims.claim import Judge
from relatent.claims.rules import Finding, Number, below, between, mean, over, under

ORDERS = "timing/orders.csv"


def sets(evidence: Evidence) -> list[str]:
    """Artifacts of the sets of features."""
    return evidence.names("ordering/", "metrics.json")


def length(evidence: Evidence, name: str, method: str) -> Number:
    """Length of a path."""
    return evidence.exact(f"{name.split('/')[2].replace('_', ' ')}, {method}", name, f"{method}_length")


def alike_features(evidence: Evidence) -> Iterator[Finding]:
    """Neighbours in the greedy order are more correlated than neighbours as they come."""
    for name in sets(evidence):
        n = evidence.value(name, "n_features")
        found = length(evidence, name, "greedy")
        mean_correlation = Number(f"{found.label}: mean correlation", 1 - found.value / (n - 1), 0.0, 1, found.source)
        yield over(mean_correlation, evidence.terms.share)


def neater(evidence: Evidence) -> list[Finding]:
    """The tour is shorter than the features as they come."""
    return [below(length(evidence, name, "tsp"), length(evidence, name, "none")) for name in sets(evidence)]


def tour_shorter(evidence: Evidence) -> list[Finding]:
    """The tour is shorter than the greedy path."""
    return [below(length(evidence, name, "tsp"), length(evidence, name, "greedy")) for name in sets(evidence)]


def no_delay(evidence: Evidence) -> list[Finding]:
    """Seconds of the greedy order of the notes' number of features."""
    taken = evidence.timed("greedy", ORDERS, method="greedy", set="rbm_weights")
    return [under(taken, evidence.terms.delay_seconds, f"greedy within {evidence.terms.delay_seconds:g} s")]


def a_minute(evidence: Evidence) -> list[Finding]:
    """Seconds of the tour of the notes' number of features."""
    about = evidence.terms.about
    taken = evidence.timed("tour", ORDERS, method="tsp", set="rbm_weights")
    return [between(taken, 60 / about, 60 * about, "the tour takes about a minute")]


def growth(evidence: Evidence, method: str) -> Number:
    """Exponent of the growth of seconds with the number of features, between neighbouring sizes."""
    rows = [row for row in evidence.table(ORDERS) if row["method"] == method and row["set"].startswith("random")]
    points = sorted((math.log(int(row["n"])), math.log(float(row["seconds"]))) for row in rows)
    steps = [
        Number(f"{method}", (late[1] - early[1]) / (late[0] - early[0]), source=f"results/{ORDERS}: seconds over n")
        for early, late in pairwise(points)
    ]
    return mean(f"exponent of n, {method}", steps)


def square(evidence: Evidence) -> list[Finding]:
    """The greedy order's time grows no faster than the square."""
    found = growth(evidence, "greedy")
    excess = Number("above 2", found.value - 2, found.error, found.runs, found.source)
    return [
        Finding("time grows no faster than the square of the number of features", (found,), not over(excess, 0).holds)
    ]


JUDGES: dict[str, Judge] = {
    "features-alike": alike_features,
    "tour-neater": neater,
    "greedy-longer": tour_shorter,
    "greedy-no-delay": no_delay,
    "solver-minute": a_minute,
    "greedy-square": square,
}
