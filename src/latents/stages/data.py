"""Stage `data`: fetch a data set, verify it, and write its canonical files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from latents.jobs.params import Section, load_section
from latents.stages.shared.command import PARAMS, Log, Params, run, stage


class Data(Section):
    """Where the data sets come from."""

    source: Literal["real", "embedded"]


SECTION = Data

app = stage("Fetch a data set, verify it, write its canonical files.")


@app.command()
def fetch(
    dataset: Annotated[str, typer.Option(help="mnist, lfw or newsgroups.")],
    folder: Annotated[Path, typer.Option(help="Folder of the canonical files.")],
    identity: Annotated[Path, typer.Option(help="JSON to write: members, bytes, content digest.")],
    params: Params = PARAMS,
    log: Log = None,
) -> None:
    """Fetch one data set: from LATENTS_MIRROR if set, else its addresses; or build it from our wheels."""
    from latents.datasets import download
    from latents.files.tables import write_json

    section = load_section(Data, "data", params)
    mirror = os.environ.get("LATENTS_MIRROR")
    found = download.fetch(
        dataset, folder, source=section.source, mirror=Path(mirror) if mirror else None, cache=Path("data/downloads")
    )
    write_json(identity, found)


if __name__ == "__main__":
    run(app)
