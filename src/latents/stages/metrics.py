"""Stage `metrics`: the headline numbers of all stages in one JSON file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from latents.stages.entry import Log, run, stage

app = stage("Gather the headline numbers.")

HEADLINES = {
    "faces": ["n_kept", "aligned_auc", "frontal_auc", "frontal_auc_turned"],
    "autoencoder": ["held_out_mse", "pca_held_out_mse"],
    "vae": ["elbo", "bound", "kl"],
    "text_vae": ["perplexity_documents", "perplexity_words", "bound_documents", "precision@100", "knn"],
    "hashing": ["precision@100_32"],
    "ranking": ["map", "precision@100"],
    "classification": ["knn", "linear_svm"],
}


@app.command()
def gather(
    files: Annotated[list[Path], typer.Argument(help="results/<stage>/<dataset>/<run>/.../metrics.json")],
    metrics: Annotated[Path, typer.Option(help="JSON to write.")],
    log: Log = None,
) -> None:
    """Write {stage: {run: {headline: value}}} from each stage's own metrics."""
    from latents.storage import read_json, write_json

    gathered: dict[str, dict[str, dict[str, float]]] = {}
    for path in files:
        _, stage_name, *run_name = path.parent.parts
        values = read_json(path)
        headlines = {name: values[name] for name in HEADLINES[stage_name]}
        gathered.setdefault(stage_name, {})["_".join(run_name)] = headlines
    write_json(metrics, gathered)


if __name__ == "__main__":
    run(app)
