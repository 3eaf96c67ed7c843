"""`latents`: every stage and tool for a person at a terminal. Rules call the same stages as modules."""

from __future__ import annotations

import typer

from latents.stages import (
    autoencoder,
    classification,
    data,
    digit_classifier,
    digits,
    faces,
    figures,
    language_model,
    metrics,
    newsgroups,
    ranking,
    representations,
    rnn,
    rnn_pictures,
    text,
    timing,
    vae,
)
from latents.stages.entry import run
from latents.tools.rank import rank

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
    vae,
    rnn,
    rnn_pictures,
    language_model,
    representations,
    ranking,
    classification,
    timing,
    figures,
    metrics,
):
    app.add_typer(module.app, name=module.__name__.rpartition(".")[2])


app.command()(rank)


def main() -> None:
    """Run the command line."""
    run(app)


if __name__ == "__main__":
    main()
