"""Exact ranking evaluation at scale: every query against every item, ties included.

`evaluate` ranks and measures, `top_k` finds the best, `evaluate_run` measures somebody else's
lists, `compare` tests two results against each other. Needs numpy, scipy and h5py; numba, if
installed, makes it many times faster.
"""

from latents.ranking.compare import Comparison, compare, compare_many
from latents.ranking.evaluate import evaluate
from latents.ranking.result import RankingResult, format_table
from latents.ranking.runs import evaluate_run, read_qrels, read_run
from latents.ranking.topk import top_k

__all__ = [
    "Comparison",
    "RankingResult",
    "compare",
    "compare_many",
    "evaluate",
    "evaluate_run",
    "format_table",
    "read_qrels",
    "read_run",
    "top_k",
]
