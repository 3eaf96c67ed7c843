"""The numba engine for codes: Hamming distances of packed bits, ranked by counting."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from relatent.machine.numba_cache import kernel
from relatent.ranking.engines.rows import measures_of, pairs_of
from relatent.ranking.inputs import chunks
from relatent.ranking.kernels.bits import popcount
from relatent.ranking.kernels.metrics import measure, most_relevant
from relatent.ranking.kernels.parameters import Measures, Pairs
from relatent.ranking.relevance import Relevant
from relatent.ranking.task import Each, Plan, Task, fit

Array = NDArray[Any]
BLOCKS = (256, 64, 16)


class Codes:
    """Rank by Hamming distance."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._bits = task.database.shape[1] * (1 if task.database.dtype == bool else 8)
        self._measures = measures_of(task)
        n = task.n_items
        words = np.empty((-(-self._bits // 64), n), np.uint64)
        for start, stop in chunks(n, self._bits):
            words[:, start:stop] = _words(task.database[start:stop]).T
        self._words = words

    def plan(self, workers: int, max_bytes: int) -> Plan | None:
        """Return a plan whose blocks of queries fit with their relevant items."""
        state = 24 * self._task.most_relevant + 400
        free = max_bytes - self._words.nbytes - workers * 4 * self._task.n_items
        return fit(workers, free, BLOCKS, state)

    def measure(self, first: int, last: int, relevant: Relevant, each: Each = map) -> Array:
        """Measure queries first .. last; returns (n_queries, n_metrics)."""
        task = self._task
        out = np.empty((last - first, len(task.names)))
        measure_codes(
            _words(task.queries[first:last]),
            self._words,
            self._bits,
            task.left_out_of(first, last),
            task.ties == "trec",
            pairs_of(relevant, slice(0, last - first)),
            relevant.ideal(task.ranks, task.cutoffs),
            self._measures,
            out,
        )
        return out

    def top(self, first: int, last: int, k: int, each: Each = map) -> tuple[Array, Array]:
        """Not offered: `engine` leaves the k best codes to `Sorting`."""
        raise NotImplementedError


def _words(rows: Array) -> NDArray[np.uint64]:
    """Return bits (n, bits) or packed bytes as 64-bit words (n, n_words), padded with zeros."""
    packed = np.packbits(rows, axis=1) if rows.dtype == bool else rows
    padded = np.zeros((len(rows), -(-packed.shape[1] // 8) * 8), np.uint8)
    padded[:, : packed.shape[1]] = packed
    return padded.view(np.uint64)


@kernel
def distances_to(query: Any, words: Any, distances: Any) -> None:
    """Fill uint16 distances (n,) of one code (n_words,) to all of `words` (n_words, n)."""
    n_words, n = words.shape
    for j in range(n):
        distances[j] = popcount(query[0] ^ words[0, j])
    for w in range(1, n_words):
        for j in range(n):
            distances[j] += popcount(query[w] ^ words[w, j])


@kernel
def histogram(distances: Any, counts: Any) -> None:
    """Count each distance, in four partial histograms: repeated hits of one bin would wait."""
    part = np.zeros((4, len(counts)), np.int64)
    n = len(distances) - len(distances) % 4
    for j in range(0, n, 4):
        part[0, distances[j]] += 1
        part[1, distances[j + 1]] += 1
        part[2, distances[j + 2]] += 1
        part[3, distances[j + 3]] += 1
    for j in range(n, len(distances)):
        part[0, distances[j]] += 1
    for d in range(len(counts)):
        counts[d] = part[0, d] + part[1, d] + part[2, d] + part[3, d]


@kernel
def expected_groups(distances: Any, counts: Any, columns: Any, gains: Any, groups: Any) -> int:
    """Fill the tie groups of relevant `columns`, one per distance; return how many there are."""
    relevant, gain = np.zeros(len(counts), np.int64), np.zeros(len(counts))
    for x in range(len(columns)):
        relevant[distances[columns[x]]] += 1
        if len(gains):
            gain[distances[columns[x]]] += gains[x]
    above, n_groups = 0, 0
    for d in range(len(counts)):
        if relevant[d]:
            groups[n_groups, 0], groups[n_groups, 1], groups[n_groups, 2] = (
                above,
                counts[d],
                relevant[d],
            )
            groups[n_groups, 3] = gain[d] if len(gains) else relevant[d]
            n_groups += 1
        above += counts[d]
    return n_groups


@kernel
def trec_groups(distances: Any, counts: Any, columns: Any, gains: Any, left_out: int, groups: Any) -> int:
    """Fill groups of one item each, equal distances by descending database row: a counting sort."""
    relevant = np.zeros(len(counts) + 1, np.int64)
    for j in columns:
        relevant[distances[j] + 1] += 1
    place = np.cumsum(relevant)  # of the next relevant item of each distance
    above = np.cumsum(counts) - counts
    x = len(columns) - 1
    for j in range(len(distances) - 1, -1, -1):
        d = distances[j]
        if x >= 0 and columns[x] == j:
            g = place[d]
            groups[g, 0], groups[g, 1], groups[g, 2] = above[d], 1, 1
            groups[g, 3] = gains[x] if len(gains) else 1.0
            place[d] += 1
            x -= 1
        if j != left_out:
            above[d] += 1
    return len(columns)


@kernel
def measure_codes(
    queries: Any,
    words: Any,
    n_bits: int,
    left_out: Any,
    trec: bool,
    pairs: Pairs,
    ideal: Any,
    measures: Measures,
    out: Any,
) -> None:
    """Rank and measure a block of codes (n_queries, n_words) against `words` (n_words,
    n_database)."""
    distances, counts = np.empty(words.shape[1], np.uint16), np.empty(n_bits + 1, np.int64)
    groups = np.empty((most_relevant(pairs.indptr), 4))
    for i in range(len(queries)):
        start, stop = pairs.indptr[i], pairs.indptr[i + 1]
        own, gains = pairs.columns[start:stop], pairs.gains[start:stop]
        distances_to(queries[i], words, distances)
        histogram(distances, counts)
        if left_out[i] >= 0:
            counts[distances[left_out[i]]] -= 1
        if trec:
            n_groups = trec_groups(distances, counts, own, gains, left_out[i], groups)
        else:
            n_groups = expected_groups(distances, counts, own, gains, groups)
        measure(groups[:n_groups], len(own), ideal[i], measures, out[i])
