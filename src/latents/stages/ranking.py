"""Stage `ranking`: evaluate a representation by ranking all its training items for each test item."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import Field

from latents.params import Section, load_section
from latents.stages.entry import PARAMS, Log, Params, run, stage


class Ranking(Section):
    """How representations are ranked and scored."""

    score: Literal["cosine", "dot", "l2"] = Field(description="cosine, dot or l2")
    cutoffs: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)] = Field(
        description="a list of at least one rank from 1"
    )
    ties: Literal["expected", "trec"] = Field(description="expected or trec")


app = stage("Rank every training item for every test item; precision, recall, NDCG.")


@app.command()
def evaluate(
    embeddings: Annotated[Path, typer.Option(help="HDF5 with train, train_labels, test, test_labels.")],
    metrics: Annotated[Path, typer.Option(help="JSON to write: means over queries.")],
    curve: Annotated[Path, typer.Option(help="CSV to write: precision at recall 0, .1, .. 1.")],
    params: Params = PARAMS,
    log: Log = None,
) -> None:
    """Evaluate a representation: same label is relevant."""
    from latents.ranking import evaluate as rank
    from latents.ranking.result import RECALL_LEVELS
    from latents.storage import read_hdf5, write_csv, write_json

    section = load_section(Ranking, "ranking", params)
    names = ("test", "train", "test_labels", "train_labels")
    result = rank(*read_hdf5(embeddings, *names), score=section.score, cutoffs=section.cutoffs, ties=section.ties)
    write_json(metrics, result.means())
    means = result.means()
    write_csv(curve, [{"recall": level, "precision": means[f"iprec@{level}"]} for level in RECALL_LEVELS])


if __name__ == "__main__":
    run(app)
