"""Stage `ranking`: evaluate a representation by ranking all its training items for each test item.

Jobs evaluate blocks of queries, then one job gathers them. Results do not depend on the number of
blocks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import Field

from relatent.errors import InputError
from relatent.jobs.params import Section, Structural, load_section
from relatent.stages.shared.command import PARAMS, Params, run, stage
from relatent.stages.shared.sections import Scores


class Ranking(Section):
    """Configure how representations are ranked and measured."""

    cutoffs: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)]
    ties: Literal["expected", "trec"]
    parts: Annotated[int, Field(ge=1, le=1000), Structural()]


SECTION = Ranking
HEADLINES = ["map", "precision@100"]
AXES = {"precision_recall.csv": ("recall", "precision")}

app = stage("Rank all training items for each test item; measure precision, recall and NDCG.")


@app.command()
def evaluate(
    dataset: Annotated[str, typer.Option(help="Data set, a key of the section scores.")],
    representation: Annotated[Path, typer.Option(help="HDF5 with train, train_labels, test, test_labels.")],
    part: Annotated[str, typer.Option(help="Block of queries, such as 1-of-4.")],
    result: Annotated[Path, typer.Option(help="HDF5 to write: metrics per query of the block.")],
    params: Params = PARAMS,
) -> None:
    """Rank all training items for a block of queries; items with a query's label are relevant."""
    from relatent.files.hdf5 import open_hdf5, rows_of, write_hdf5
    from relatent.ranking.evaluation import evaluate as rank

    section = load_section(Ranking, "ranking", params)
    with open_hdf5(representation) as file:
        measured = rank(
            rows_of(file, "test"),
            rows_of(file, "train"),
            rows_of(file, "test_labels")[...],
            rows_of(file, "train_labels")[...],
            score=load_section(Scores, "scores", params).of(dataset),
            cutoffs=section.cutoffs,
            ties=section.ties,
            part=block(part),
        )
    write_hdf5(result, measured.as_arrays(), dataset=dataset)


@app.command()
def gather(
    parts: Annotated[list[Path], typer.Argument(help="HDF5 files of all blocks, in order.")],
    metrics: Annotated[Path, typer.Option(help="JSON to write: means over queries.")],
    curve: Annotated[Path, typer.Option(help="CSV to write: precision at recall 0, .1, .. 1.")],
) -> None:
    """Gather the blocks; write the means and the precision-recall curve."""
    from relatent.files.hdf5 import open_hdf5
    from relatent.files.tables import write_csv, write_json
    from relatent.ranking.result import RECALL_LEVELS, RankingResult

    results = []
    for path in parts:
        with open_hdf5(path) as file:
            results.append(RankingResult.from_arrays(file))
    whole = RankingResult.concatenate(results)
    means = whole.means()
    write_json(metrics, means | {"n_queries": len(whole), "n_left_out": whole.n_left_out})
    write_csv(curve, [{"recall": level, "precision": means[f"iprec@{level}"]} for level in RECALL_LEVELS])


def block(text: str) -> tuple[int, int]:
    """Return (0, 4) for "1-of-4", as `relatent.ranking.evaluate` counts; else InputError."""
    number, _, count = text.partition("-of-")
    if not (number.isdigit() and count.isdigit() and 1 <= int(number) <= int(count)):
        raise InputError(f"--part: got {text!r}, allowed: a block and their number, as 1-of-4")
    return int(number) - 1, int(count)


if __name__ == "__main__":
    run(app)
