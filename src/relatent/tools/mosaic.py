"""`relatent mosaic`: draw the features of a file on one picture, similar ones side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def mosaic(
    features: Annotated[str, typer.Argument(help="Features (n, y, x) or (n, d): file or file:name; HDF5, npy or npz.")],
    picture: Annotated[Path, typer.Argument(help="PNG to write, one pixel per value.")],
    order: Annotated[str, typer.Option(help="none, greedy, tsp, leaf, or fast-tsp (not repeatable).")] = "tsp",
    typeset: Annotated[bool, typer.Option("--typeset", help="Blank tiles between clusters, lines centred.")] = False,
    columns: Annotated[int, typer.Option(help="Tiles per line; 0: in proportion to 25 for 450 features.")] = 0,
    shape: Annotated[str, typer.Option(help="Rows x columns of a feature, as 28x28; default: a square.")] = "",
    layout: Annotated[Path | None, typer.Option(help="Also write order, path length and grid as JSON.")] = None,
) -> None:
    """Order features by correlation, draw them as a mosaic, print the path length (sum of 1 -
    correlation)."""
    from relatent.errors import InputError
    from relatent.figures.mosaic import mosaic as tiled
    from relatent.figures.mosaic import save, shade
    from relatent.files.tables import write_json
    from relatent.ordering import default_columns, order_features, path_length, wrap
    from relatent.ordering import typeset as set_lines
    from relatent.stages.shared.command import open_log
    from relatent.tools.pictures import read_features

    if picture.suffix.lower() != ".png":
        raise InputError(f"{picture}: must be .png, got {picture.suffix or 'no suffix'}")
    if columns < 0:
        raise InputError(f"--columns: got {columns}, allowed: a whole number from 1, or 0 for the default")
    open_log(None)
    path, _, name = features.partition(":")
    tiles = read_features(Path(path), dataset=name or None, shape=parse_shape(shape))
    found = order_features(tiles, method=order)
    width = columns or default_columns(len(tiles))
    grid = set_lines(found, tiles, columns=width) if typeset else wrap(found, columns=width)
    save(picture, tiled(shade(tiles), grid))
    length, before = path_length(tiles, found), path_length(tiles, range(len(tiles)))
    if layout is not None:
        write_json(layout, {"order": found, "path_length": length, "unordered_path_length": before, "grid": grid})
    typer.echo(f"{len(tiles)} features, {len(grid)} lines of {width}; path length {length:.3f}, unordered {before:.3f}")


def parse_shape(text: str) -> tuple[int, int] | None:
    """Return "28x28" as (28, 28), an empty text as None."""
    from relatent.errors import InputError

    sides = text.lower().split("x")
    if not text:
        return None
    if len(sides) != 2 or not all(side.isascii() and side.isdigit() and int(side) for side in sides):
        raise InputError(f"--shape: got {text!r}, allowed: rows and columns, as 28x28")
    return int(sides[0]), int(sides[1])
