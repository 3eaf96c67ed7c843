"""Measure lists that another program ranked: the top k of an index such as faiss, or a TREC run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from relatent.errors import InputError
from relatent.ranking import inputs
from relatent.ranking.metrics import Groups, Ranks, from_groups
from relatent.ranking.relevance import Judgements, Relevance, Relevant, relevance
from relatent.ranking.result import RankingResult, metric_names

Ints = NDArray[np.int64]
Run = Mapping[str, Mapping[str, float]]
BLOCK = 1024  # queries measured at once


def evaluate_run(
    ids: Any,
    scores: Any,
    qrels: Any,
    *,
    cutoffs: Sequence[int] = (10, 100, 1000),
    ties: str = "expected",
    metrics: str = "all",
) -> RankingResult:
    """Measure given rankings; an item that a list lacks counts as not found.

    Parameters
    ----------
    ids : int array of shape (n_queries, k), or mapping {query: {document: score}}
        Rows of the database, -1 where the list is shorter, as faiss returns them; or a TREC run,
        as pytrec_eval takes it and `read_run` reads it.
    scores : float array of shape (n_queries, k), or None
        Larger is better: negate distances. None: the lists are in order without ties. Must be
        None if `ids` is a mapping.
    qrels : sparse array (n_queries, n_items), pair of labels, or mapping {query: {document: gain}}
        Gains above 0 make an item relevant; the pair is (query_labels, database_labels) of
        `evaluate`.
    cutoffs, ties, metrics
        As in `evaluate`; "trec" orders ties by descending id or document name.

    Returns
    -------
    RankingResult
        If `ids` is a mapping, the queries are those of `qrels`, sorted by name.

    Raises
    ------
    InputError
        If shapes do not match, an id is repeated or beyond the database, or a score is nan.

    Examples
    --------
    >>> result = evaluate_run([[4, 1, 0]], None, ([7], [7, 8, 8, 8, 9]), cutoffs=[3])
    >>> result["recip_rank"], result["recall@3"]
    (array([0.33333333]), array([1.]))
    """
    inputs.choice("ties", ties, inputs.TIES)
    inputs.choice("metrics", metrics, inputs.METRICS)
    if isinstance(ids, Mapping):
        ids, scores, qrels = _from_mappings(ids, scores, qrels)
    ids = _checked_ids(ids)
    scores = _checked_scores(scores, ids)
    judged, n_items = _judged(qrels, len(ids))
    if ids.size and ids.max() >= n_items:
        row = int(np.argmax(ids.max(axis=1) >= n_items))
        raise InputError(f"ids row {row} holds {ids[row].max()}, the database has {n_items} rows")
    ks = inputs.cutoff_tuple(cutoffs)
    ranks = Ranks(max(ids.shape[1], judged.most))
    values = np.empty((len(ids), len(metric_names(ks, metrics))))
    counts = np.zeros(len(ids), dtype=np.int64)
    for first in range(0, len(ids), BLOCK):
        rows = slice(first, min(first + BLOCK, len(ids)))
        relevant = judged.of(rows.start, rows.stop)
        groups = _groups(ids[rows], scores[rows], relevant, n_items, first, ties)
        counts[rows] = relevant.counts
        ideal = relevant.ideal(ranks, ks)
        values[rows] = from_groups(groups, relevant.counts, ideal, ranks, ks, full=metrics == "all")
    settings = {"score": "run", "ties": ties, "metrics": metrics}
    return RankingResult(values, counts, ks, settings)


def _groups(ids: Ints, scores: NDArray[Any], relevant: Relevant, n_items: int, first: int, ties: str) -> Groups:
    """Find the tie groups that hold a relevant item, of a block of lists."""
    query, place = np.nonzero(ids >= 0)
    item, score = ids[query, place], scores[query, place]
    if ties == "trec":
        score = score.astype(np.float32)
    order = np.lexsort((-item, -score, query))
    query, item, score = query[order], item[order], score[order]
    pairs = query * n_items + item
    if len(repeated := np.flatnonzero(np.diff(np.sort(pairs)) == 0)):
        pair = int(np.sort(pairs)[repeated[0]])
        raise InputError(f"ids row {first + pair // n_items} holds {pair % n_items} twice")
    wanted = relevant.query * n_items + relevant.columns  # ascending
    found = np.searchsorted(wanted, pairs)
    hit = np.append(wanted, -1)[found] == pairs
    gains = np.ones(len(wanted)) if relevant.gains is None else relevant.gains
    gain = np.where(hit, np.append(gains, 0.0)[found], 0.0)
    new = (np.diff(query, prepend=-1) > 0) | (ties == "trec")
    new[1:] |= np.diff(score) != 0
    start = np.flatnonzero(new)
    if not len(start):
        return Groups(query, item, item, item, gain)
    n_relevant = np.add.reduceat(hit.astype(np.int64), start)
    of_query = start - np.searchsorted(query, query[start])
    keep = n_relevant > 0
    return Groups(
        query=query[start][keep],
        above=of_query[keep],
        tied=np.diff(start, append=len(query))[keep],
        relevant=n_relevant[keep],
        gain=np.add.reduceat(gain, start)[keep],
    )


def _checked_ids(ids: Any) -> Ints:
    array = np.asarray(ids)
    if array.ndim != 2 or (array.dtype.kind not in "iu" and array.size):
        raise InputError(f"ids must be integers of shape (n_queries, k), got {array.dtype} of {array.shape}")
    return array.astype(np.int64)


def _checked_scores(scores: Any, ids: Ints) -> NDArray[Any]:
    if scores is None:
        return np.broadcast_to(-np.arange(ids.shape[1], dtype=np.float64), ids.shape)
    array = np.asarray(scores)
    if array.shape != ids.shape or array.dtype.kind not in "biuf":
        raise InputError(f"scores must be numbers of the shape of ids, {ids.shape}, got {array.dtype} of {array.shape}")
    if (bad := np.isnan(array) & (ids >= 0)).any():
        raise InputError(f"scores row {int(np.argwhere(bad)[0, 0])} holds nan")
    return array.astype(np.float64)


def _judged(qrels: Any, n_queries: int) -> tuple[Relevance, int]:
    """Return the relevance and the number of items of the database."""
    if isinstance(qrels, tuple) and len(qrels) == 2:
        database_labels = qrels[1] if sp.issparse(qrels[1]) else np.asarray(qrels[1])
        n_items = database_labels.shape[0]
        return relevance(*qrels, (n_queries, n_items)), n_items
    if not sp.issparse(qrels) or qrels.shape[0] != n_queries:
        raise InputError(
            f"qrels must be a sparse array of {n_queries} rows, a pair (query_labels, "
            f"database_labels), or a mapping beside a mapping of ids; got {type(qrels).__name__}"
        )
    return Judgements(qrels), qrels.shape[1]


def _from_mappings(run: Run, scores: Any, qrels: Any) -> tuple[Ints, NDArray[Any], Any]:
    """Turn named queries and documents into arrays; ids ascend with the documents' names."""
    if scores is not None or not isinstance(qrels, Mapping):
        raise InputError("a run given as a mapping takes scores=None and qrels as a mapping")
    queries = sorted(qrels)
    names = sorted({name for side in (run, qrels) for q in queries for name in side.get(q, ())})
    number = {name: i for i, name in enumerate(names)}
    k = max((len(run.get(q, ())) for q in queries), default=0)
    ids, values = np.full((len(queries), k), -1), np.zeros((len(queries), k))
    gains = sp.lil_array((len(queries), max(len(names), 1)))
    for row, q in enumerate(queries):
        for place, (name, score) in enumerate(run.get(q, {}).items()):
            ids[row, place], values[row, place] = number[name], score
        for name, gain in qrels[q].items():
            gains[row, number[name]] = gain
    return ids, values, gains.tocsr()


def read_run(path: str | Path) -> dict[str, dict[str, float]]:
    """Read a TREC run file: lines of query, Q0, document, rank, score, tag.

    Raises
    ------
    InputError
        If a line has another form; names its number.
    """
    return _read(path, 6, 4, float)


def read_qrels(path: str | Path) -> dict[str, dict[str, int]]:
    """Read a TREC judgement file: lines of query, 0, document, gain.

    Raises
    ------
    InputError
        If a line has another form; names its number.
    """
    return _read(path, 4, 3, int)


def _read(path: str | Path, width: int, column: int, kind: Any) -> dict[str, dict[str, Any]]:
    table: dict[str, dict[str, Any]] = {}
    for number, line in enumerate(_lines(path), start=1):
        fields = line.split()
        if not fields:
            continue
        try:
            if len(fields) != width:
                raise ValueError
            value = kind(fields[column])
            float(value)  # an int too large for float64 overflows here
            table.setdefault(fields[0], {})[fields[2]] = value
        except (ValueError, OverflowError):
            raise InputError(
                f"{path} line {number} must have {width} fields, number {column + 1} of them "
                f"{kind.__name__}, got {line.strip()[:200]!r}"
            ) from None
    return table


def _lines(path: str | Path) -> Iterable[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file ({error})") from None
