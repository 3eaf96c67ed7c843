"""Stage `data`: fetch a data set, verify it, and write its canonical files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from relatent.jobs.params import Section, load_section
from relatent.stages.shared.command import PARAMS, Params, run, stage


class Data(Section):
    """Configure where the data sets come from."""

    source: Literal["real", "embedded"]


SECTION = Data

app = stage("Fetch a data set, verify it, write its canonical files.")


@app.command()
def fetch(
    dataset: Annotated[str, typer.Option(help="Data set: mnist, lfw or newsgroups.")],
    folder: Annotated[Path, typer.Option(help="Folder to write the canonical files to.")],
    identity: Annotated[Path, typer.Option(help="JSON to write: members, sizes in bytes, digest of the content.")],
    params: Params = PARAMS,
) -> None:
    """Fetch a data set from RELATENT_MIRROR, else from its addresses; or build the embedded one."""
    from relatent.datasets import download
    from relatent.files.tables import write_json

    section = load_section(Data, "data", params)
    mirror = os.environ.get("RELATENT_MIRROR")
    found = download.fetch(
        dataset, folder, source=section.source, mirror=Path(mirror) if mirror else None, cache=Path("data/downloads")
    )
    write_json(identity, found)


if __name__ == "__main__":
    run(app)
