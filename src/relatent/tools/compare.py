"""`relatent compare`: print what differs between two revisions, and write a page with their
figures."""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

METRICS, FIGURES = "results", "results/figures"

# Larger or smaller is better where the last part of a metric's name holds one of these words;
# other metrics are not judged.
HIGHER = (
    "elbo",
    "bound",
    "likelihood",
    "auc",
    "accuracy",
    "precision",
    "recall",
    "ndcg",
    "map",
    "mrr",
    "knn",
    "svm",
    "kept",
)
LOWER = ("mse", "error", "perplexity", "frechet", "entropy", "seconds", "length", "dropped")

Row = tuple[str, str, str, str]


@dataclass(frozen=True)
class Comparison:
    """The differences between two revisions; a row is (name, first value, second value, remark)."""

    names: tuple[str, str]
    params: list[Row]
    metrics: list[Row]
    jobs: list[Row]
    figures: list[str]  # paths of the figures that differ
    same_figures: int

    def tables(self) -> Iterator[tuple[str, list[Row]]]:
        """Yield each table with its heading."""
        yield "parameters", self.params
        yield "metrics", self.metrics
        yield "jobs", self.jobs


def compare(
    first: Annotated[str, typer.Argument(help="A revision, or the name of a DVC experiment.")],
    second: Annotated[str, typer.Argument(help="The same; default: the files as they are now.")] = "",
    page: Annotated[Path, typer.Option(help="HTML page to write, with the figures side by side.")] = Path(
        "compare.html"
    ),
    every: Annotated[
        bool, typer.Option("--all", help="Every number of every metrics file, not the headlines only.")
    ] = False,
) -> None:
    """Print the parameters, metrics and jobs that differ, and write a page with both revisions'
    figures."""
    from relatent.files.atomic import atomic
    from relatent.tools.revisions import to_root

    page_file = to_root() / page
    found = differences(first, second, every=every)
    # before printing, which stops if the reader does (`| head`)
    with atomic(page_file) as temporary:
        temporary.write_text(render(found, first, second), encoding="utf-8")
    for heading, rows in found.tables():
        typer.echo("\n".join(table(heading, rows, found.names)))
    typer.echo(f"figures: {len(found.figures)} differ, {found.same_figures} are the same; side by side in {page}")


def differences(first: str, second: str = "", *, every: bool = False) -> Comparison:
    """Compare two revisions; "" means the files as they are now.

    Raises
    ------
    InputError
        If there is no such revision.
    """
    from relatent.tools.revisions import files, read_file, read_jobs, read_values, resolve

    revisions = [resolve(name) if name else "" for name in (first, second)]
    a, b = revisions
    jobs = [read_jobs(revision) for revision in revisions]
    metrics = [METRICS + "/metrics.json"]
    if every:
        metrics = sorted({path for revision in revisions for path in files(revision, METRICS, ".json")})
    figures = sorted({path for revision in revisions for path in files(revision, FIGURES, ".png")})
    changed = [path for path in figures if read_file(a, path) != read_file(b, path)]
    return Comparison(
        names=(first, second or "now"),
        params=list(param_changes(*jobs, *(read_values(revision, "params.yaml") for revision in revisions))),
        metrics=[
            (name if len(metrics) == 1 else f"{path}: {name}", old, new, remark)
            for path in metrics
            for name, old, new, remark in changes(read_values(a, path), read_values(b, path), judged=True)
        ],
        jobs=list(job_changes(*jobs)),
        figures=changed,
        same_figures=len(figures) - len(changed),
    )


def changes(first: dict[str, Any], second: dict[str, Any], *, judged: bool = False) -> Iterator[Row]:
    """Yield a row for each name whose value differs; with `judged`, the remark says which is
    better."""
    for name in [*first, *(name for name in second if name not in first)]:
        old, new = first.get(name), second.get(name)
        if old != new:
            yield name, shown(old), shown(new), better(name, old, new) if judged else ""


def param_changes(
    first: dict[str, Any], second: dict[str, Any], before: dict[str, Any], after: dict[str, Any]
) -> Iterator[Row]:
    """Yield a row for each parameter that differs: values that jobs recorded, then params.yaml
    alone.

    Parameters
    ----------
    first, second : the jobs of each revision by name; a job records the values that it ran with.
    before, after : {dotted key: value} of each revision's params.yaml, which may be newer than its
        jobs.
    """
    used = [recorded(side) for side in (first, second)]
    rows = list(recorded_changes(*used))
    yield from rows
    seen = {(name, new) for name, _, new, _ in rows}
    for name, old, new, _ in changes(before, after):
        if (name, new) not in seen:
            yield name, old, new, "params.yaml alone: " + ("not run yet" if name in used[1] else "no job records it")


def recorded(jobs: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return {dotted key: {job: value}} of all parameters that jobs record."""
    from relatent.tools.revisions import flat

    found: dict[str, dict[str, Any]] = {}
    for job in jobs.values():
        for key, value in job.params.items():
            for name, leaf in flat(value, key):
                found.setdefault(name, {})[job.name] = leaf
    return found


def recorded_changes(first: dict[str, dict[str, Any]], second: dict[str, dict[str, Any]]) -> Iterator[Row]:
    """Yield a row for each change of a recorded value; the remark names the jobs that record it."""
    for name in [*first, *(name for name in second if name not in first)]:
        sides = first.get(name, {}), second.get(name, {})
        pairs: dict[tuple[str, str], list[str]] = {}
        for job in dict.fromkeys([*sides[0], *sides[1]]):
            old, new = (side.get(job, shared(side)) for side in sides)
            if old != new:
                pairs.setdefault((shown(old), shown(new)), []).append(job)
        for (old, new), jobs in pairs.items():
            yield name, old, new, in_short(jobs)


def shared(values: dict[str, Any]) -> Any:
    """Return the value that all jobs of one revision record, None if they differ or there is no
    job.

    It stands in for a job that the revision lacks: a new or removed job changes no parameter.
    """
    every = list(values.values())
    return every[0] if every and all(value == every[0] for value in every) else None


def in_short(jobs: list[str], most: int = 4) -> str:
    """List jobs by name; several of one rule as the rule and their number."""
    rules: dict[str, list[str]] = {}
    for job in jobs:
        rules.setdefault(job.partition("-")[0], []).append(job)
    names = [own[0] if len(own) == 1 else f"{rule} ({len(own)})" for rule, own in rules.items()]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more rules" if len(names) > most else "")


def shown(value: Any) -> str:
    """Format a value for a cell; None is "-"."""
    return "-" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def better(name: str, old: Any, new: Any) -> str:
    """Say which of two values is better, by the last part of the metric's name (HIGHER, LOWER)."""
    if not (isinstance(old, int | float) and isinstance(new, int | float)):
        return ""
    last = name.rpartition(".")[2].lower()
    low, high = any(word in last for word in LOWER), any(word in last for word in HIGHER)
    if low == high or old == new:
        return ""
    return "first is better" if (old < new) == low else "second is better"


def job_changes(first: dict[str, Any], second: dict[str, Any]) -> Iterator[Row]:
    """Yield a row for each rule with jobs that differ: their number in each revision, and what
    differs."""
    names = [*first, *(name for name in second if name not in first)]
    rules: dict[str, list[str]] = {}
    for name in names:
        rules.setdefault(name.partition("-")[0], []).append(name)
    for rule, jobs in rules.items():
        why: Counter[str] = Counter()
        for name in jobs:
            if name in first and name in second:
                why.update(first[name].differences(second[name]))
            else:
                why["only in the first" if name in first else "only in the second"] += 1
        if why:
            before, after = (str(sum(name in side for name in jobs)) for side in (first, second))
            yield rule, before, after, ", ".join(f"{kind} ({count})" for kind, count in why.items())


def table(heading: str, rows: list[Row], names: tuple[str, str]) -> Iterator[str]:
    """Yield the lines of a table with aligned columns."""
    if not rows:
        yield f"{heading}: no difference\n"
        return
    lines = [(heading, *names, ""), *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        yield "  ".join(cells).rstrip()
    yield ""


def render(found: Comparison, first: str, second: str) -> str:
    """Write the page: the tables, then each figure that differs, of both revisions, embedded."""
    from relatent.files.html import render as fill
    from relatent.tools.revisions import resolve

    revisions = [resolve(name) if name else "" for name in (first, second)]
    sides = list(zip(revisions, found.names, strict=True))
    return fill(
        Path(__file__).with_name("compare.html.j2"),
        names=found.names,
        tables=list(found.tables()),
        figures=[(path, [(name, picture(revision, path)) for revision, name in sides]) for path in found.figures],
        same_figures=found.same_figures,
        parts=lambda name: re.split(r"(?<=[._/])", name),
    )


def picture(revision: str, path: str) -> str | None:
    """Return a figure of a revision as base64, None if the revision has no such figure."""
    from relatent.tools.revisions import read_file

    content = read_file(revision, path)
    return None if content is None else base64.b64encode(content).decode()
