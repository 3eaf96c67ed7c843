"""Stage `newsgroups`: store the documents, their groups and the split by date as one HDF5 file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from relatent.stages.shared.command import run, stage

app = stage("Store the newsgroups' documents, labels and split.")


@app.command()
def prepare(
    archive: Annotated[Path, typer.Option(help="Canonical tar of the data set.")],
    documents: Annotated[Path, typer.Option(help="HDF5 to write: documents with groups, ids and split.")],
) -> None:
    """Stream the documents, their groups, ids and split from the archive into HDF5."""
    from relatent.text.documents import write_newsgroups

    write_newsgroups(archive, documents)


if __name__ == "__main__":
    run(app)
