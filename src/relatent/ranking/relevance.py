"""State which database items are relevant to which query, and with what gain.

Relevant means equal integer (or string) labels, or at least one shared label in sparse indicators.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from relatent.errors import InputError
from relatent.ranking.metrics import Ranks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Relevant:
    """The relevant items of consecutive queries, as rows of a CSR matrix.

    Attributes
    ----------
    indptr : int64 array of shape (n_queries + 1,)
    columns : int64 array of shape (n_pairs,), ascending within a query
    gains : float64 array of shape (n_pairs,), or None where every gain is 1
    """

    indptr: Ints
    columns: Ints
    gains: Floats | None

    @property
    def counts(self) -> Ints:
        """Number of relevant items of each query."""
        return np.diff(self.indptr)

    @property
    def query(self) -> Ints:
        """Query of each pair, counted from the first query of the block."""
        return np.repeat(np.arange(len(self.indptr) - 1), self.counts)

    def without(self, left_out: Ints) -> Relevant:
        """Return the pairs without one database item per query (-1: none)."""
        keep = self.columns != left_out[self.query]
        counts = np.bincount(self.query[keep], minlength=len(left_out))
        return Relevant(_starts(counts), self.columns[keep], None if self.gains is None else self.gains[keep])

    def part(self, start: int, stop: int) -> Relevant:
        """Return the pairs of queries start .. stop; `indptr` still points into all columns."""
        return Relevant(self.indptr[start : stop + 1], self.columns, self.gains)

    def ideal(self, ranks: Ranks, cutoffs: tuple[int, ...]) -> Floats:
        """Return the DCG of the best order at each cutoff and in full, (n_queries, len(cutoffs) +
        1)."""
        ks = np.array([*cutoffs, ranks.n_items])
        counts = self.counts
        if self.gains is None:
            best: Floats = ranks.discount[np.minimum(counts[:, None], ks)]
            return best
        query = self.query
        order = np.lexsort((-self.gains, query))
        place = np.arange(len(query)) - self.indptr[:-1][query]
        gains = self.gains[order] * np.diff(ranks.discount)[place]
        return np.stack([np.bincount(query, gains * (place < k), minlength=len(counts)) for k in ks], axis=1)


def _starts(counts: Any) -> Ints:
    return np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])


class OfClasses(Relevant):
    """The relevant items of queries by class; pairs are listed on first use of `columns`.

    Attributes
    ----------
    of_query : int64 (n_queries,), class of each query of the block (-1: none)
    of_item : int64 (n_database,), class of each item
    """

    of_query: Ints
    of_item: Ints
    _labels: ClassLabels
    _left_out: Ints | None

    def __init__(self, labels: ClassLabels, of_query: Ints, left_out: Ints | None = None) -> None:
        counts = np.where(of_query >= 0, labels.sizes[of_query], 0)
        if left_out is not None:
            counts -= (left_out >= 0) & (labels.of_item[left_out] == of_query)
        for name, value in {"_labels": labels, "_left_out": left_out, "of_query": of_query}.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "of_item", labels.of_item)
        object.__setattr__(self, "indptr", _starts(counts))

    @cached_property
    def columns(self) -> Ints:
        members = [self._labels.members(label) for label in self.of_query]
        if self._left_out is not None:
            members = [own[own != j] for own, j in zip(members, self._left_out, strict=True)]
        return np.concatenate(members) if members else np.empty(0, np.int64)

    @cached_property
    def gains(self) -> Floats | None:
        gains = self._labels.gains
        return None if gains is None else gains[self.columns]

    def without(self, left_out: Ints) -> Relevant:
        """Return the pairs without one database item per query (-1: none)."""
        return OfClasses(self._labels, self.of_query, left_out)

    def part(self, start: int, stop: int) -> Relevant:
        """Return the pairs of queries start .. stop."""
        left_out = self._left_out
        return OfClasses(self._labels, self.of_query[start:stop], None if left_out is None else left_out[start:stop])


class ClassLabels:
    """Relevance by equal labels.

    Parameters
    ----------
    query_labels, database_labels : integer, bool or string arrays of shape (n,)
    gains : float64 array of shape (n_database,), or None
    """

    def __init__(self, query_labels: Any, database_labels: Any, gains: Floats | None) -> None:
        classes, self.of_item = np.unique(database_labels, return_inverse=True)
        self._members = np.argsort(self.of_item, kind="stable")
        self.sizes = np.bincount(self.of_item, minlength=len(classes))
        self._starts = _starts(self.sizes)
        found = np.searchsorted(classes, query_labels)
        known = found < len(classes)
        known[known] = classes[found[known]] == query_labels[known]
        self._class = np.where(known, found, -1)  # -1: no item of the database has this label
        self.gains = gains

    @property
    def most(self) -> int:
        """The largest number of items relevant to one query."""
        present = self._class[self._class >= 0]
        return int(self.sizes[present].max(initial=0))

    def members(self, label: int) -> Ints:
        """Return the items of a class, ascending; class -1 has none."""
        first, last = self._starts[label : label + 2] if label >= 0 else (0, 0)
        return self._members[first:last]

    def of(self, start: int, stop: int) -> Relevant:
        """Return the relevant items of queries start .. stop."""
        return OfClasses(self, self._class[start:stop])


class SharedLabels:
    """Relevance by at least one shared label.

    Parameters
    ----------
    query_labels, database_labels : sparse indicators of shape (n, n_labels)
    gains : float64 array of shape (n_database,), "shared" for the number of shared labels, or None
    """

    def __init__(self, query_labels: Any, database_labels: Any, gains: Floats | str | None) -> None:
        self._queries = _indicator(query_labels)
        self._items = sp.csc_array(_indicator(database_labels).T)
        self.gains = gains

    @property
    def most(self) -> int:
        """The largest possible number of items relevant to one query."""
        per_label = np.diff(self._items.tocsr().indptr).astype(np.float64)
        sums = self._queries @ per_label
        return int(min(sums.max(initial=0), self._items.shape[1]))

    def of(self, start: int, stop: int) -> Relevant:
        """Return the relevant items of queries start .. stop."""
        shared = sp.csr_array(self._queries[start:stop] @ self._items)
        shared.sort_indices()
        columns = shared.indices.astype(np.int64)
        gains = self.gains
        if isinstance(gains, str):
            gains = shared.data.astype(np.float64)
        elif gains is not None:
            gains = gains[columns]
        return Relevant(shared.indptr.astype(np.int64), columns, gains)


class Judgements:
    """Relevance by judgements of pairs.

    Parameters
    ----------
    gains : sparse array of shape (n_queries, n_items)
        An entry above 0 makes the item relevant, with that gain.
    """

    def __init__(self, gains: Any) -> None:
        judged = sp.csr_array(gains).astype(np.float64)
        judged.data = np.maximum(judged.data, 0.0)
        judged.eliminate_zeros()
        judged.sort_indices()
        self._judged = judged

    @property
    def most(self) -> int:
        """The largest number of items relevant to one query."""
        return int(np.diff(self._judged.indptr).max(initial=0))

    def of(self, start: int, stop: int) -> Relevant:
        """Return the relevant items of queries start .. stop."""
        rows = self._judged[start:stop]
        return Relevant(rows.indptr.astype(np.int64), rows.indices.astype(np.int64), rows.data)


Relevance = ClassLabels | SharedLabels | Judgements


def relevance(query_labels: Any, database_labels: Any, sizes: tuple[int, int], gains: Any = None) -> Relevance:
    """Check labels and gains, and build the relevance that they state.

    Parameters
    ----------
    query_labels, database_labels : labels of shape (n,), or indicators of shape (n, n_labels)
    sizes : (n_queries, n_database)
    gains : None, "shared" or array of shape (n_database,)

    Raises
    ------
    InputError
        If lengths do not match, labels are of a wrong kind, or gains are negative or not finite.
    """
    queries, items = (
        _labels(query_labels, "query_labels"),
        _labels(database_labels, "database_labels"),
    )
    for name, labels, size in (("query", queries, sizes[0]), ("database", items, sizes[1])):
        if labels.shape[0] != size:
            raise InputError(
                f"{name}_labels must have one row per row of the {name} side, {size}, got {labels.shape[0]}"
            )
    if sp.issparse(queries) != sp.issparse(items) or queries.shape[1:] != items.shape[1:]:
        raise InputError(
            f"query_labels and database_labels must be of one kind, got shapes {queries.shape} and {items.shape}"
        )
    checked = _gains(gains, sizes[1], multi_label=sp.issparse(queries))
    if sp.issparse(queries):
        return SharedLabels(queries, items, checked)
    if (queries.dtype.kind in "US") != (items.dtype.kind in "US"):
        raise InputError(f"labels must be of one kind, got {queries.dtype} and {items.dtype}")
    assert not isinstance(checked, str)
    return ClassLabels(queries, items, checked)


def _labels(labels: Any, name: str) -> Any:
    if sp.issparse(labels):
        return sp.csr_array(labels)
    array = np.asarray(labels)
    if array.dtype.kind == "O":
        array = array.astype(str)
    if array.ndim == 2 and array.dtype.kind in "biuf":
        return sp.csr_array(array)
    if array.ndim != 1 or array.dtype.kind not in "biufUS":
        raise InputError(
            f"{name} must be numbers or strings of shape (n,) or a 0/1 indicator (n, n_labels), "
            f"got {array.dtype} of shape {array.shape}"
        )
    if array.dtype.kind == "f" and np.isnan(array).any():
        raise InputError(f"{name} row {int(np.argmax(np.isnan(array)))} holds nan")
    return array


def _indicator(labels: Any) -> Any:
    binary = sp.csr_array(labels != 0)
    return binary.astype(np.int64)


def _gains(gains: Any, n_database: int, *, multi_label: bool) -> Floats | str | None:
    if gains is None:
        return None
    if isinstance(gains, str):
        if gains == "shared" and multi_label:
            return gains
        raise InputError(
            f"gains must be None, an array (n_database,), or 'shared' with indicator labels, got {gains!r}"
        )
    array = np.asarray(gains, dtype=np.float64)
    if array.shape != (n_database,):
        raise InputError(f"gains must have shape ({n_database},), got {array.shape}")
    if not (np.isfinite(array).all() and (array >= 0).all()):
        row = int(np.flatnonzero(~(np.isfinite(array) & (array >= 0)))[0])
        raise InputError(f"gains must be finite and not negative, row {row} holds {array[row]}")
    return array
