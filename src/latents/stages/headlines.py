"""Stage `headlines`: the headline numbers of all stages in one JSON file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from latents.stages.shared.command import Log, run, stage

app = stage("Gather the headline numbers.")


@app.command()
def gather(
    files: Annotated[
        list[Path],
        typer.Argument(help="results/<stage>/<dataset>/<run>/.../metrics.json, or a summary.json of all runs"),
    ],
    headline: Annotated[list[str], typer.Option(help="stage:number, once for each number that is gathered.")],
    metrics: Annotated[Path, typer.Option(help="JSON to write.")],
    log: Log = None,
) -> None:
    """Write {stage: {run: {headline: value}}} from each stage's own metrics."""
    from latents.files.tables import read_json, write_json

    chosen: dict[str, list[str]] = {}
    for each in headline:
        stage_name, _, number = each.partition(":")
        chosen.setdefault(stage_name, []).append(number)
    gathered: dict[str, dict[str, dict[str, float]]] = {}
    for path in files:
        _, stage_name, *run_name = path.parent.parts
        values = read_json(path)
        runs = values if path.name == "summary.json" else {None: values}  # a summary holds several runs
        for inner, numbers in runs.items():
            whole_name = "_".join([*run_name, *([inner] if inner else [])])
            if names := chosen.get(stage_name):
                gathered.setdefault(stage_name, {})[whole_name] = {name: numbers[name] for name in names}
    write_json(metrics, gathered)


if __name__ == "__main__":
    run(app)
