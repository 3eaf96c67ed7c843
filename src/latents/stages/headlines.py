"""Stage `metrics`: the headline numbers of all stages in one JSON file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from latents.stages.shared.command import Log, run, stage

app = stage("Gather the headline numbers.")

HEADLINES = {
    "digit_classifier": ["test_accuracy"],
    "text": [],  # counts of words and documents, none a headline
    "faces": ["n_kept", "aligned_auc", "frontal_auc", "frontal_auc_turned"],
    "autoencoder": ["held_out_mse", "pca_held_out_mse"],
    "rbm": ["reconstruction_mse"],
    "deep_rbm": ["reconstruction_mse"],
    "likelihood": ["test_log_likelihood", "test_log_likelihood_reverse"],
    "measures": ["elbo", "bound", "active_units", "knn", "frechet"],
    "face_model": ["frechet", "frechet_floor"],
    "ordering": ["greedy_length", "tsp_length"],
    "rnn": ["cross_entropy"],
    "language_model": ["perplexity", "unigram_perplexity"],
    "text_vae": ["perplexity_documents", "perplexity_words", "bound_documents", "precision@100", "knn"],
    "hashing": ["precision@100_32"],
    "ranking": ["map", "precision@100"],
    "classification": ["knn", "linear_svm"],
}


@app.command()
def gather(
    files: Annotated[
        list[Path],
        typer.Argument(help="results/<stage>/<dataset>/<run>/.../metrics.json, or a summary.json of all runs"),
    ],
    metrics: Annotated[Path, typer.Option(help="JSON to write.")],
    log: Log = None,
) -> None:
    """Write {stage: {run: {headline: value}}} from each stage's own metrics."""
    from latents.files.tables import read_json, write_json

    gathered: dict[str, dict[str, dict[str, float]]] = {}
    for path in files:
        _, stage_name, *run_name = path.parent.parts
        values = read_json(path)
        runs = values if path.name == "summary.json" else {None: values}  # a summary holds several runs
        for inner, numbers in runs.items():
            whole_name = "_".join([*run_name, *([inner] if inner else [])])
            if names := HEADLINES[stage_name]:
                gathered.setdefault(stage_name, {})[whole_name] = {name: numbers[name] for name in names}
    write_json(metrics, gathered)


if __name__ == "__main__":
    run(app)
