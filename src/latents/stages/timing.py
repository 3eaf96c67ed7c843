"""Stage `timing`: all that measures seconds; its results are the only ones whose bytes may differ between runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from pydantic import Field

from latents.params import Section, load_section
from latents.stages.entry import PARAMS, Log, Params, run, stage


class SvmTiming(Section):
    """The SVM note's comparison."""

    sizes: Annotated[list[Annotated[int, Field(ge=20)]], Field(min_length=2)] = Field(
        description="a list of at least two numbers of documents from 20"
    )
    repeats: int = Field(ge=1, description="a whole number of fits from 1")
    seed: int = Field(ge=0, description="a seed from 0")


class Timing(Section):
    """What is timed."""

    svm: SvmTiming


app = stage("Measure seconds and memory.")


@app.command()
def svm(
    representation: Annotated[Path, typer.Option(help="HDF5 with sparse train rows and train_labels.")],
    table: Annotated[Path, typer.Option(help="CSV to write: a row per machine, layout and size.")],
    params: Params = PARAMS,
    log: Log = None,
) -> None:
    """LIBSVM and LIBLINEAR on tf-idf rows, dense against sparse, over growing sizes."""
    from latents.storage import write_csv
    from latents.svm_timing import compare

    section = load_section(Timing, "timing", params).svm
    write_csv(table, compare(representation, sizes=section.sizes, repeats=section.repeats, seed=section.seed))


if __name__ == "__main__":
    run(app)
