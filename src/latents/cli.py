"""`latents`: every stage and tool for a person at a terminal. Rules call the same stages as modules."""

from __future__ import annotations

import typer

from latents.stages import (
    autoencoder,
    classification,
    data,
    digits,
    faces,
    figures,
    hashing,
    metrics,
    newsgroups,
    ranking,
    representations,
    text,
    text_vae,
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
    newsgroups,
    text,
    faces,
    autoencoder,
    vae,
    text_vae,
    hashing,
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
