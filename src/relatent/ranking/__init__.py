"""Exact ranking evaluation at scale: every query against every item, ties included.

`evaluate` ranks and measures, `top_k` finds the best items, `evaluate_run` measures lists that
another program ranked, `compare` tests two results against each other. Needs numpy, scipy and h5py;
numba, if installed, makes it many times faster.

A name is imported from its module on first use (SPEC 1). Modules of the package import it from its
module, so that a stage depends on no more than it runs: `relatent.jobs.closure` refuses the short
form.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relatent.ranking.comparison import Comparison, compare, compare_many
    from relatent.ranking.evaluation import evaluate
    from relatent.ranking.result import RankingResult, format_table
    from relatent.ranking.runs import evaluate_run, read_qrels, read_run
    from relatent.ranking.topk import top_k

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

MODULES = {
    "comparison": ("Comparison", "compare", "compare_many"),
    "evaluation": ("evaluate",),
    "result": ("RankingResult", "format_table"),
    "runs": ("evaluate_run", "read_qrels", "read_run"),
    "topk": ("top_k",),
}


def __getattr__(name: str) -> Any:
    """Import a public name from its module."""
    for module, names in MODULES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
