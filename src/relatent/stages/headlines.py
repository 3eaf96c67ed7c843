"""Stage `headlines`: gather the headline numbers of all stages in one JSON file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from relatent.stages.shared.command import run, stage

app = stage("Gather the headline numbers of all stages.")


@app.command()
def gather(
    files: Annotated[
        list[Path],
        typer.Argument(help="Files results/<stage>/<dataset>/<run>/.../metrics.json, or summary.json of all runs."),
    ],
    headline: Annotated[list[str], typer.Option(help="Number to gather, as stage:number; may be repeated.")],
    metrics: Annotated[Path, typer.Option(help="JSON to write: the gathered numbers.")],
) -> None:
    """Gather headline numbers from the metrics of stages as {stage: {run: {headline: value}}}."""
    from relatent.files.tables import read_json, write_json

    chosen: dict[str, list[str]] = {}
    for each in headline:
        stage_name, _, number = each.partition(":")
        chosen.setdefault(stage_name, []).append(number)
    gathered: dict[str, dict[str, dict[str, float]]] = {}
    for path in files:
        _, stage_name, *run_name = path.parent.parts
        values = read_json(path)
        runs = values if path.name == "summary.json" else {None: values}  # several runs
        for inner, numbers in runs.items():
            whole_name = "_".join([*run_name, *([inner] if inner else [])])
            if names := chosen.get(stage_name):
                gathered.setdefault(stage_name, {})[whole_name] = {name: numbers[name] for name in names}
    write_json(metrics, gathered)


if __name__ == "__main__":
    run(app)
