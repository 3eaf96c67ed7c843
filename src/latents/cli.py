"""`latents`: every stage and tool for a person at a terminal. Rules call the same stages as modules."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import typer

from latents.stages import (
    autoencoder,
    claims,
    classification,
    data,
    deep_rbm,
    digit_classifier,
    digits,
    evidence,
    face_model,
    faces,
    figures,
    hashing,
    language_model,
    newsgroups,
    ordering,
    ranking,
    rbm,
    representations,
    rnn,
    rnn_pictures,
    text,
    text_vae,
    timing,
    vae,
)
from latents.stages import headlines as metrics
from latents.stages import published as comparison
from latents.stages import rbm_likelihood as likelihood
from latents.stages import vae_measures as measures
from latents.stages.shared.command import Command, run
from latents.tools.compare import compare
from latents.tools.mosaic import mosaic
from latents.tools.rank import rank
from latents.tools.reruns import reruns
from latents.tools.where import where

app = typer.Typer(
    help="Latent-variable models, exact ranking evaluation and their pictures.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for module in (
    data,
    digits,
    digit_classifier,
    newsgroups,
    text,
    faces,
    autoencoder,
    rbm,
    deep_rbm,
    likelihood,
    face_model,
    vae,
    measures,
    ordering,
    text_vae,
    rnn,
    rnn_pictures,
    language_model,
    hashing,
    representations,
    ranking,
    classification,
    timing,
    evidence,
    comparison,
    metrics,
    claims,
):
    app.add_typer(module.app, name=module.__name__.rpartition(".")[2])

drawing = typer.Typer(help="Draw figures from the result files that hold their numbers.", no_args_is_help=True)
for topic in iter_modules(figures.__path__):
    drawing.add_typer(import_module(f"{figures.__name__}.{topic.name}").app, name=topic.name)
app.add_typer(drawing, name="figures")

for tool in (rank, mosaic, compare, where, reruns):
    app.command(cls=Command)(tool)


def main() -> None:
    """Run the command line."""
    run(app)


if __name__ == "__main__":
    main()
