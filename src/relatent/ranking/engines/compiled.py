"""Choose among the numba engines; importing this module imports numba."""

from __future__ import annotations

import scipy.sparse as sp

from relatent.ranking.engines.codes import Codes
from relatent.ranking.engines.dense import Dense
from relatent.ranking.engines.sparse import Sparse
from relatent.ranking.engines.streamed import Streamed
from relatent.ranking.task import Task

SAFE = 1e140  # norms up to this size cause no overflow in float64 scores


def engine(task: Task, max_bytes: int, device: str) -> Dense | Sparse | Codes | None:
    """Return the engine for this kind of input, None if no kernel applies."""
    if task.score == "hamming":
        return Codes(task) if device == "cpu" and task.relevance is not None else None
    if sp.issparse(task.queries):
        return Sparse(task, max_bytes) if device == "cpu" else None
    dense = Dense(task, max_bytes, device) if task.full else Streamed(task, max_bytes, device)
    return dense if dense.scorer.largest < SAFE else None
