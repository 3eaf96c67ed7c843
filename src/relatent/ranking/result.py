"""The result of an evaluation: a row of metrics per query, means, tables, arrays to store."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relatent.errors import InputError

Floats = NDArray[np.float64]

RECALL_LEVELS = tuple(level / 10 for level in range(11))
AT_CUTOFF = ("precision", "recall", "ndcg", "map")
FULL = ("map", "r_precision", "mrr", "ndcg")
# Interpolated precision: the largest at any rank that finds int(level R + 0.9) of the R relevant
# items, as in trec_eval; inside a tie both are expected numbers.
CURVE = tuple(f"iprec@{level:.1f}" for level in RECALL_LEVELS)
# trec_eval 9.0's name -> ours; the number that follows is the cutoff
TREC_NAMES = {
    "P": "precision@",
    "recall": "recall@",
    "ndcg_cut": "ndcg@",
    "map_cut": "map@",
    "map": "map",
    "Rprec": "r_precision",
    "recip_rank": "mrr",
    "ndcg": "ndcg",
    "iprec_at_recall": "iprec@",
}


def metric_names(cutoffs: Iterable[int], metrics: str = "all") -> tuple[str, ...]:
    """List the columns of a result in their order.

    Examples
    --------
    >>> metric_names([5], "cutoffs")
    ('precision@5', 'recall@5', 'ndcg@5', 'map@5')
    """
    at_cutoff = tuple(f"{name}@{k}" for name in AT_CUTOFF for k in cutoffs)
    return at_cutoff if metrics == "cutoffs" else at_cutoff + FULL + CURVE


def resolve_name(name: str) -> str:
    """Return our name of a metric, given ours or trec_eval's.

    Examples
    --------
    >>> resolve_name("P_10"), resolve_name("recip_rank"), resolve_name("ndcg@5")
    ('precision@10', 'mrr', 'ndcg@5')
    """
    stem, number = re.fullmatch(r"(.*?)(?:_([0-9.]+))?", name).groups()  # type: ignore[union-attr]
    ours = TREC_NAMES.get(stem)
    if ours is None or ours.endswith("@") != (number is not None):
        return name
    if stem == "iprec_at_recall":
        number = f"{float(number):.1f}"
    return ours + (number or "")


@dataclass(frozen=True, eq=False)
class RankingResult:
    """Metrics of every query; a query without a relevant item has nan everywhere.

    Attributes
    ----------
    values : float64 array of shape (n_queries, n_metrics)
        One column per name of `names`.
    n_relevant : int64 array of shape (n_queries,)
        How many database items are relevant to each query.
    cutoffs : tuple of int
    settings : mapping
        What the numbers depend on: score, ties, metrics.
    """

    values: Floats
    n_relevant: NDArray[np.int64]
    cutoffs: tuple[int, ...]
    settings: Mapping[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns of `values`."""
        return metric_names(self.cutoffs, self.settings["metrics"])

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, name: str) -> Floats:
        """Return one metric, float64 (n_queries,), by our name or trec_eval's: ``result["P_10"]``.

        ``result.means()["precision@10"]`` is its mean over queries.
        """
        resolved = resolve_name(name)
        if resolved not in self.names:
            raise InputError(f"no metric {name!r} in this result, it has {', '.join(self.names)}")
        return self.values[:, self.names.index(resolved)]

    @property
    def n_left_out(self) -> int:
        """Number of queries without a relevant item, which the means leave out."""
        return int((self.n_relevant == 0).sum())

    def means(self) -> dict[str, float]:
        """Return the mean of every metric over queries with a relevant item; nan if there is no
        such query."""
        kept = self.values[self.n_relevant > 0]
        means = kept.mean(axis=0) if len(kept) else np.full(len(self.names), np.nan)
        return dict(zip(self.names, means.tolist(), strict=True))

    def table(self) -> str:
        """Return the means as aligned text, one metric per line; `format_table` takes several
        results."""
        return format_table({"": self})

    def as_arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        """Return arrays to store, as by ``np.savez(path, **result.as_arrays())``; none needs
        pickle."""
        return {
            "values": self.values,
            "n_relevant": self.n_relevant,
            "cutoffs": np.asarray(self.cutoffs, dtype=np.int64),
            "settings": np.array([f"{k}={v}" for k, v in sorted(self.settings.items())], "S64"),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> RankingResult:
        """Build a result from `as_arrays`; an open npz file or HDF5 group will do."""
        pairs = (bytes(item).decode().split("=", 1) for item in np.asarray(arrays["settings"]))
        return cls(
            values=np.asarray(arrays["values"], dtype=np.float64),
            n_relevant=np.asarray(arrays["n_relevant"], dtype=np.int64),
            cutoffs=tuple(int(k) for k in np.asarray(arrays["cutoffs"])),
            settings=dict(pairs),
        )

    @classmethod
    def concatenate(cls, parts: Iterable[RankingResult]) -> RankingResult:
        """Join the parts of one evaluation, given in the order of their queries.

        Raises
        ------
        InputError
            If there is no part, or the parts differ in cutoffs or settings.
        """
        parts = list(parts)
        if not parts:
            raise InputError("concatenate needs at least one part, got none")
        head = parts[0]
        for number, part in enumerate(parts):
            if part.cutoffs != head.cutoffs or dict(part.settings) != dict(head.settings):
                raise InputError(
                    f"part {number} was evaluated with cutoffs {part.cutoffs}, {part.settings}, "
                    f"part 0 with {head.cutoffs}, {head.settings}: evaluate all parts alike"
                )
        return cls(
            values=np.concatenate([part.values for part in parts]),
            n_relevant=np.concatenate([part.n_relevant for part in parts]),
            cutoffs=head.cutoffs,
            settings=head.settings,
        )


def format_table(results: Mapping[str, RankingResult], names: Iterable[str] | None = None) -> str:
    """Format the means of several results side by side, one metric per line, the best starred.

    Parameters
    ----------
    results : mapping of a system's name to its result
    names : names of metrics, ours or trec_eval's; default: all metrics that every result has

    Returns
    -------
    str
        Lines joined by newlines; the last two count the queries measured and left out.

    Raises
    ------
    InputError
        If there is no result, or a metric is missing from one.
    """
    if not results:
        raise InputError("format_table needs at least one result, got none")
    shared = set.intersection(*(set(result.names) for result in results.values()))
    first = next(iter(results.values()))
    rows = [resolve_name(n) for n in names] if names is not None else [name for name in first.names if name in shared]
    if missing := [name for name in rows if name not in shared]:
        raise InputError(f"no metric {missing[0]!r} in every result, they share {sorted(shared)}")
    means = {system: result.means() for system, result in results.items()}
    lines = [["metric", *results]]
    for name in rows:
        line = [means[system][name] for system in results]
        best = np.nanmax(line) if len(line) > 1 and not np.isnan(line).all() else np.inf
        lines.append([name, *(f"{x:.4f}" + ("*" if x == best else " ") for x in line)])
    lines.append(["queries", *(f"{len(r) - r.n_left_out} " for r in results.values())])
    lines.append(["left out", *(f"{r.n_left_out} " for r in results.values())])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in lines
    )
