"""Stage `comparison`: our numbers beside published ones, as a page of the report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from latents.stages.shared.command import run, stage

app = stage("Set our numbers beside published ones.")

NAMES = {
    "mlp": "VAE, MLP", "lstm": "VAE, LSTM", "gru": "VAE, GRU", "both": "VAE, MLP + GRU", "lda": "LDA",
    "unigram": "unigram", "lsh": "LSH", "lsa": "LSA signs", "itq": "ITQ", "tfidf": "tf-idf cosine", "vdsh": "VDSH",
    "vdsh_s": "VDSH-S", "vdsh_sp": "VDSH-SP", "nash": "NASH", "nash_neighbours": "NASH + neighbours",
}  # fmt: skip


@app.command()
def write(
    documents: Annotated[list[Path], typer.Argument(help="results/text_vae/<run>/metrics.json of each run.")],
    peers: Annotated[Path, typer.Option(help="JSON of text_vae's peers: unigram and lda.")],
    hashing: Annotated[Path, typer.Option(help="CSV of the stage hashing.")],
    digits: Annotated[Path, typer.Option(help="JSON: the summary of the stage measures.")],
    page: Annotated[Path, typer.Option(help="HTML to write.")],
) -> None:
    """Write hash codes' precision, perplexities and bounds on digits, published and ours, on one page."""
    from latents.files.tables import read_csv, read_json
    from latents.published import tables as comparison

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
    metrics: Annotated[list[Path], typer.Argument(help="results/hashing/<protocol>/<method>/metrics.json")],
) -> None:
    """Print precision@100 by protocol, method and code length, as docs/hashing.md has it."""
    from latents.files.tables import read_json
    from latents.published import tables as comparison

    found: dict[str, dict[str, dict[str, float]]] = {}
    for path in metrics:
        found.setdefault(path.parent.parts[-2], {})[path.parent.name] = read_json(path)
    for protocol, methods in found.items():
        ordered = {method: methods[method] for method in sorted(methods, key=order)}
        typer.echo(f"{protocol}\n\n{comparison.markdown(ordered, NAMES)}\n")


def order(method: str) -> tuple[int, str]:
    """As NAMES has them, others after them by the alphabet."""
    known = list(NAMES)
    return (known.index(method) if method in known else len(known), method)


if __name__ == "__main__":
    run(app)
