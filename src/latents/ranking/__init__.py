"""Exact ranking evaluation at scale: every query against every item, ties included.

`evaluate` is the entrance. It needs numpy, scipy and h5py; numba, if installed, makes it faster.
"""

from latents.ranking.evaluate import evaluate
from latents.ranking.result import RankingResult, format_table

__all__ = ["RankingResult", "evaluate", "format_table"]
