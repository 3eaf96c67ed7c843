"""Build the command line `relatent`: tools for people, and the pipeline's stages."""

from __future__ import annotations

import os
from typing import Any

try:
    import typer
    from typer.core import TyperGroup
except ModuleNotFoundError as error:
    raise SystemExit(f"error: no module {error.name}; install it by: pip install 'relatent[cli]'") from None

from relatent.stages.shared.command import Command, run
from relatent.tools.compare import compare
from relatent.tools.mosaic import mosaic
from relatent.tools.rank import rank
from relatent.tools.reruns import reruns
from relatent.tools.where import where

FIGURES = "figures"


class Stages(TyperGroup):
    """Offer every stage as a command; import the stages only when one is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all stages, and of the group of figures."""
        return [*stages(), FIGURES]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command line of one stage, or None if no stage has this name."""
        if cmd_name != FIGURES and cmd_name not in stages():
            return None
        command = drawing() if cmd_name == FIGURES else typer.main.get_command(stages()[cmd_name])
        command.name = cmd_name  # shown in the help
        return command


def stages() -> dict[str, typer.Typer]:
    """Return the command line of every stage, {name: app}."""
    from relatent.stages.shared.discovery import modules

    return {name: module.app for name, module in modules().items()}


def drawing() -> Any:
    """Build the command line of the stages that draw figures, one group per topic."""
    from relatent.stages.shared.discovery import topics

    group = typer.Typer(help="Draw figures from the result files that hold their numbers.", no_args_is_help=True)
    for name, module in topics().items():
        group.add_typer(module.app, name=name)
    return typer.main.get_command(group)


app = typer.Typer(
    help="Rank items, order pictures in mosaics, and compare results of latent-variable models.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for tool in (rank, mosaic, compare, where, reruns):
    app.command(cls=Command)(tool)
app.add_typer(
    typer.Typer(cls=Stages, help="Run one stage of the pipeline, as its rules do.", no_args_is_help=True), name="stage"
)


@app.callback()
def options() -> None:
    """Rank items, order pictures in mosaics, and compare results of latent-variable models."""


def main() -> None:
    """Run the command line; a library that is not installed ends it with one line and status 1."""
    try:
        run(app)
    except ModuleNotFoundError as error:
        if os.environ.get("RELATENT_DEBUG") or str(error.name).partition(".")[0] == __package__:
            raise
        raise SystemExit(f"error: no module {error.name}; install it by: pip install 'relatent[pipeline]'") from None


if __name__ == "__main__":
    main()
