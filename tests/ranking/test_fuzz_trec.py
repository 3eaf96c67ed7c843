"""TREC files under damage: a result or one line."""

from __future__ import annotations

from hypothesis import given

from latents.ranking import evaluate_run, read_qrels, read_run
from tests.support.mutations import damaged_text, folder_with, many, result_or_one_line

RUN = "q1 Q0 d1 1 0.9 tag\nq1 Q0 d2 2 0.5 tag\nq2 Q0 d1 1 3 tag\nq2 Q0 d3 2 2.5 tag\n"
QRELS = "q1 0 d1 1\nq1 0 d2 0\nq2 0 d3 2\n"


@given(run=damaged_text(RUN), qrels=damaged_text(QRELS))
@many(150)
def test_trec_files(run: bytes, qrels: bytes) -> None:
    with folder_with(run=run, qrels=qrels) as folder:
        scores, judged = (
            result_or_one_line(lambda: read_run(folder / "run")),
            result_or_one_line(lambda: read_qrels(folder / "qrels")),
        )
        if scores is not None and judged is not None:
            result_or_one_line(lambda: evaluate_run(scores, None, judged, cutoffs=(1, 5)))
