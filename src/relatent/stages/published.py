"""Stage `published`: set our numbers beside published ones, as a page of the report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from relatent.stages.shared.command import run, stage

app = stage("Set our numbers beside published ones.")

NAMES = {
    "mlp": "VAE, MLP", "lstm": "VAE, LSTM", "gru": "VAE, GRU", "both": "VAE, MLP + GRU", "lda": "LDA",
    "unigram": "unigram", "lsh": "LSH", "lsa": "LSA signs", "itq": "ITQ", "tfidf": "tf-idf cosine", "vdsh": "VDSH",
    "vdsh_s": "VDSH-S", "vdsh_sp": "VDSH-SP", "nash": "NASH", "nash_neighbours": "NASH + neighbours",
}  # fmt: skip


@app.command()
def write(
    documents: Annotated[list[Path], typer.Argument(help="Files results/text_vae/<run>/metrics.json.")],
    peers: Annotated[Path, typer.Option(help="JSON of the unigram model and LDA, of the stage text_vae.")],
    hashing: Annotated[Path, typer.Option(help="CSV of the stage hashing: the comparison.")],
    digits: Annotated[Path, typer.Option(help="JSON summary of the stage vae_measures.")],
    page: Annotated[Path, typer.Option(help="HTML to write: one page of tables.")],
) -> None:
    """Write published numbers beside ours: hash codes, perplexities, and bounds on digits."""
    from relatent.files.tables import read_csv, read_json
    from relatent.published import tables as comparison

    models = {name: values for name, values in read_json(peers).items() if "perplexity_documents" in values}
    models |= {path.parent.name: read_json(path) for path in documents}
    comparison.write_page(
        page,
        [
            comparison.hashing_table(read_csv(hashing), NAMES),
            comparison.perplexity_table(models, NAMES),
            comparison.bound_table(read_json(digits)),
        ],
    )


@app.command()
def markdown(
    metrics: Annotated[list[Path], typer.Argument(help="Files results/hashing/<protocol>/<method>/metrics.json.")],
) -> None:
    """Print precision@100 by protocol, method and code length: the tables of docs/hashing.md."""
    from relatent.files.tables import read_json
    from relatent.published import tables as comparison

    found: dict[str, dict[str, dict[str, float]]] = {}
    for path in metrics:
        found.setdefault(path.parent.parts[-2], {})[path.parent.name] = read_json(path)
    for protocol, methods in found.items():
        ordered = {method: methods[method] for method in sorted(methods, key=order)}
        typer.echo(f"{protocol}\n\n{comparison.markdown(ordered, NAMES)}\n")


def order(method: str) -> tuple[int, str]:
    """Return the sort key of a method: the order of NAMES, then other methods by name."""
    known = list(NAMES)
    return (known.index(method) if method in known else len(known), method)


if __name__ == "__main__":
    run(app)
