"""Stage `figures.mosaic`: draw features of a model in order."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from relatent.stages.shared.command import run, stage

app = stage("Draw features of a model in order.")


@app.command()
def panels(
    layouts: Annotated[Path, typer.Option(help="HDF5 of the stage ordering.")],
    metrics: Annotated[Path, typer.Option(help="JSON with the lengths of paths.")],
    greedy: Annotated[Path, typer.Option(help="PNG to write: unordered, greedy.")],
    tour: Annotated[Path, typer.Option(help="PNG to write: the tour wrapped, the tour typeset.")],
) -> None:
    """Draw features unordered and in greedy order; then along a tour, wrapped and typeset."""
    from relatent.figures import mosaic
    from relatent.files.hdf5 import read_hdf5
    from relatent.files.tables import read_json

    length = read_json(metrics)
    names = ("pictures", "grid_none", "grid_greedy", "grid_tsp", "grid_typeset")
    features, unordered, nearest, wrapped, typeset = read_hdf5(layouts, *names)
    mosaic.panels(
        greedy,
        features,
        {"unordered": unordered, "greedy": nearest},
        {"unordered": length["none_length"], "greedy": length["greedy_length"]},
    )
    mosaic.panels(
        tour,
        features,
        {"tour": wrapped, "typeset": typeset},
        {"tour": length["tsp_length"], "typeset": length["tsp_length"]},
    )


if __name__ == "__main__":
    run(app)
