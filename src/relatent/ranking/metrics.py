"""Compute metrics from tie groups, in expectation over the order within each group.

A ranking is given as its *groups*: for every score of a relevant item, the number of items with a
higher score (`above`), with that score (`tied`), and of relevant items among the tied ones. No
metric here needs more, so only relevant items are sorted. With ``tied == 1`` everywhere (no ties,
or ties broken as trec_eval does) the expectations are the ordinary metrics.

Source: McSherry & Najork, Computing information retrieval performance measures efficiently in the
presence of tied scores, ECIR 2008.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from relatent.ranking.result import RECALL_LEVELS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Groups:
    """Tie groups of relevant items, best first, of consecutive queries.

    Attributes
    ----------
    query : int64 (n_groups,), ascending; the query of each group
    above : int64, items with a higher score
    tied : int64, items in the group, relevant or not
    relevant : int64, relevant items in the group
    gain : float64, sum of the gains of the group's relevant items
    """

    query: Ints
    above: Ints
    tied: Ints
    relevant: Ints
    gain: Floats


@dataclass(frozen=True)
class Ranks:
    """Sums over the first n ranks, n = 0 .. n_items: harmonic, and of DCG's 1/log2(rank + 1)."""

    n_items: int
    harmonic: Floats = field(init=False)
    discount: Floats = field(init=False)

    def __post_init__(self) -> None:
        ranks = np.arange(1, self.n_items + 1, dtype=np.float64)
        object.__setattr__(self, "harmonic", np.concatenate([[0.0], np.cumsum(1 / ranks)]))
        gains = 1 / np.log2(ranks + 1)  # Jarvelin & Kekalainen 2002, as in trec_eval's ndcg
        object.__setattr__(self, "discount", np.concatenate([[0.0], np.cumsum(gains)]))


def from_groups(
    groups: Groups,
    n_relevant: Ints,
    ideal: Floats,
    ranks: Ranks,
    cutoffs: tuple[int, ...],
    *,
    full: bool,
) -> Floats:
    """Compute every metric of every query, in the columns of `metric_names`.

    Parameters
    ----------
    groups : Groups
    n_relevant : int64 array of shape (n_queries,)
    ideal : float64 array of shape (n_queries, len(cutoffs) + 1)
        DCG of the ideal list at each cutoff, and in full.
    ranks : Ranks
    cutoffs : tuple of int
    full : bool
        Also compute the metrics of the full ranking (needs all groups).

    Returns
    -------
    float64 array of shape (n_queries, n_metrics)
        nan in the rows of queries without a relevant item.
    """
    before = _relevant_before(groups)
    per_cutoff = [_at_cutoff(groups, before, n_relevant, ranks, k) for k in cutoffs]
    precision = [hits / k for k, (hits, _, _) in zip(cutoffs, per_cutoff, strict=True)]
    with np.errstate(invalid="ignore", divide="ignore"):
        columns = precision + [hits / n_relevant for hits, _, _ in per_cutoff]
        columns += [gain / ideal[:, i] for i, (_, gain, _) in enumerate(per_cutoff)]
        columns += [precision / n_relevant for _, _, precision in per_cutoff]
        if full:
            _, gain, precision_sum = _at_cutoff(groups, before, n_relevant, ranks, ranks.n_items)
            hits = _at_cutoff(groups, before, n_relevant, ranks, n_relevant[groups.query])[0]
            columns += [precision_sum / n_relevant, hits / n_relevant]
            columns += [_reciprocal_rank(groups, n_relevant), gain / ideal[:, -1]]
            columns += _interpolated_precision(groups, before, n_relevant)
    values = np.stack(columns, axis=1)
    values[n_relevant == 0] = np.nan
    return values


def _relevant_before(groups: Groups) -> Ints:
    """Count the relevant items of the same query in better groups."""
    running = np.cumsum(groups.relevant) - groups.relevant
    first = np.searchsorted(groups.query, groups.query, side="left")
    return running - running[first] if len(running) else running


def _at_cutoff(
    groups: Groups, before: Ints, n_relevant: Ints, ranks: Ranks, k: int | Ints
) -> tuple[Floats, Floats, Floats]:
    """Return the expected relevant items, DCG and sum of precisions at relevant items, of the first
    k."""
    n = len(n_relevant)
    taken = np.clip(k - groups.above, 0, groups.tied)  # places of the group within the first k
    end = groups.above + taken
    share = groups.relevant / groups.tied
    discounts = ranks.discount[end] - ranks.discount[end - taken]
    # sum over places i of (before + 1 + (i - 1)(r - 1)/(t - 1)) / (above + i), in closed form
    inverse = ranks.harmonic[end] - ranks.harmonic[end - taken]
    slope = (groups.relevant - 1) / np.maximum(groups.tied - 1, 1)
    rising = np.where(taken > 1, taken - (groups.above + 1) * inverse, 0.0)
    precisions = share * ((before + 1) * inverse + slope * rising)

    def per_query(values: Floats) -> Floats:
        return np.bincount(groups.query, values, minlength=n).astype(np.float64)

    return (
        per_query(share * taken),
        per_query(groups.gain / groups.tied * discounts),
        per_query(precisions),
    )


def _reciprocal_rank(groups: Groups, n_relevant: Ints) -> Floats:
    """Return E[1 / rank of the first relevant item], which depends on a query's best group only."""
    first = np.flatnonzero(np.diff(groups.query, prepend=-1))
    above, tied, relevant = groups.above[first], groups.tied[first], groups.relevant[first]
    values = 1.0 / (above + 1)
    for i in np.flatnonzero(tied > relevant):
        values[i] = expected_first(int(above[i]), int(tied[i]), int(relevant[i]))
    result = np.zeros(len(n_relevant))
    result[groups.query[first]] = values
    return result


def expected_first(above: int, tied: int, relevant: int) -> float:
    """Return E[1 / (above + place of the first relevant item)] in a group in random order.

    Examples
    --------
    >>> expected_first(0, 2, 1)  # first or second with equal probability
    0.75
    """
    place = np.arange(1, tied - relevant + 2)
    # P(first at place i) = C(tied - i, relevant - 1) / C(tied, relevant), as a running product
    ratio = (tied - place - relevant + 1) / np.maximum(tied - place, 1)
    probability = relevant / tied * np.concatenate([[1.0], np.cumprod(ratio[:-1])])
    return float((probability / (above + place)).sum())


def _interpolated_precision(groups: Groups, before: Ints, n_relevant: Ints) -> list[Floats]:
    """Return the largest precision at a rank where int(level R + 0.9) relevant items are expected.

    Within a group the expected precision is monotone, so its ends suffice.
    """
    through = before + groups.relevant
    at_end = through / (groups.above + groups.tied)
    columns = []
    for level in RECALL_LEVELS:
        asked = (level * n_relevant + 0.9).astype(np.int64)[groups.query]
        missing = np.maximum(asked - before, 0)
        place = np.maximum(-(-missing * groups.tied // groups.relevant), 1)  # ceil
        inside = (before + place * groups.relevant / groups.tied) / (groups.above + place)
        best = np.where(through >= asked, np.maximum(inside, at_end), 0.0)
        column = np.zeros(len(n_relevant))
        np.maximum.at(column, groups.query, best)
        columns.append(column)
    return columns
