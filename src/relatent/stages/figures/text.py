"""Stage `figures.text`: draw models of documents, and the ranking of hash codes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from relatent.stages.figures import Figure
from relatent.stages.shared.command import run, stage

app = stage("Draw models of documents, and the ranking of hash codes.")


@app.command()
def perplexities(
    metrics: Annotated[list[Path], typer.Argument(help="Files results/text_vae/<run>/metrics.json.")],
    peers: Annotated[Path, typer.Option(help="JSON of the unigram model and LDA.")],
    figure: Figure,
) -> None:
    """Draw perplexities of VAEs of documents beside a unigram model, LDA and published numbers."""
    from relatent.figures import text
    from relatent.files.tables import read_json
    from relatent.published.numbers import PERPLEXITY

    beside = {name: values for name, values in read_json(peers).items() if "perplexity_documents" in values}
    text.perplexities(figure, beside | {path.parent.name: read_json(path) for path in metrics}, PERPLEXITY)


@app.command()
def topics(
    ours: Annotated[Path, typer.Option(help="CSV of a VAE: top words per direction.")],
    peers: Annotated[Path, typer.Option(help="CSV of LDA: top words per topic.")],
    figure: Figure,
) -> None:
    """Draw top words of LDA's topics, each beside the VAE's direction that shares most of them."""
    from relatent.figures import text
    from relatent.files.tables import read_csv

    found = ([row["words"].split() for row in read_csv(path)] for path in (peers, ours))
    text.topics(figure, *found)


@app.command()
def documents(
    embeddings: Annotated[list[Path], typer.Argument(help="HDF5 per 2-D run, in a folder of the run's name.")],
    words: Annotated[Path, typer.Option(help="HDF5 of the stage text, with the names of the groups.")],
    figure: Figure,
) -> None:
    """Draw embedded test documents by inference network, coloured by family of newsgroups."""
    import json

    from relatent.figures import text
    from relatent.files.hdf5 import open_hdf5, read_hdf5

    with open_hdf5(words) as file:
        groups = json.loads(file.attrs["groups"])
    points = {}
    for path in embeddings:
        rows, labels = read_hdf5(path, "test", "test_labels")
        points[path.parent.name] = rows, labels
    text.planes(figure, points, groups)


@app.command()
def hashing(
    comparison: Annotated[Path, typer.Option(help="CSV of the stage hashing: the comparison.")], figure: Figure
) -> None:
    """Draw precision@100 against the number of bits, by method and protocol."""
    from relatent.figures import text
    from relatent.files.tables import read_csv

    text.hashing(figure, read_csv(comparison))


if __name__ == "__main__":
    run(app)
