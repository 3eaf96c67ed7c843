"""Stage `bptt`: count how often epochs that wrap around use each element of the data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from pydantic import Field

from relatent.jobs.params import Section, load_section
from relatent.stages.shared.command import PARAMS, Params, run, stage


class BPTT(Section):
    """Configure the epochs of documents in which uses of elements are counted."""

    slots: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)]
    bptt: int = Field(ge=1)
    batches: int = Field(ge=2)
    longest: int = Field(ge=1)
    seeds: int = Field(ge=2)
    epochs: int = Field(ge=2)


SECTION = BPTT

app = stage("Count how often epochs use each element.")


@app.command()
def uses(
    words: Annotated[Path, typer.Option(help="HDF5 of the stage text, with train_offsets.")],
    metrics: Annotated[Path, typer.Option(help="JSON to write: uses of elements, by number of slots.")],
    params: Params = PARAMS,
) -> None:
    """Count how often epochs that wrap around use each element, by its place and by length."""
    from relatent.bptt.bias import bias_over_seeds, document_lengths
    from relatent.files.hdf5 import read_hdf5
    from relatent.files.tables import write_json

    section = load_section(BPTT, "bptt", params)
    lengths = document_lengths(*read_hdf5(words, "train_offsets"), longest=section.longest)
    found: dict = {"slots": section.slots}
    for slots in section.slots:
        counted = bias_over_seeds(
            lengths, slots=slots, **section.model_dump(include={"bptt", "batches", "seeds", "epochs"})
        )
        found["n_seeds"] = counted.pop("n_seeds")
        found |= {f"{slots}_{name}": value for name, value in counted.items()}
    write_json(metrics, found)


if __name__ == "__main__":
    run(app)
