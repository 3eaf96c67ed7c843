"""`latents compare`: what differs between the results of two revisions, as a table and as a page with the figures."""

from __future__ import annotations

import base64
import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

METRICS, FIGURES = "results", "results/figures"

# which way is better, by a metric's last word; a name with none of these words is not judged
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
    """What differs between two revisions; rows are (name, first, second, remark)."""

    names: tuple[str, str]
    params: list[Row]
    metrics: list[Row]
    jobs: list[Row]
    figures: list[str]  # paths of those that differ
    same_figures: int

    def tables(self) -> Iterator[tuple[str, list[Row]]]:
        """Each table with its heading."""
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
    """Print the parameters, metrics and jobs that differ, and write a page with both revisions' figures."""
    from latents.files.atomic import atomic
    from latents.tools.revisions import to_root

    page_file = to_root() / page
    found = differences(first, second, every=every)
    with atomic(page_file) as temporary:  # before a word is printed: who reads that may not read to the end
        temporary.write_text(render(found, first, second), encoding="utf-8")
    for heading, rows in found.tables():
        typer.echo("\n".join(table(heading, rows, found.names)))
    typer.echo(f"figures: {len(found.figures)} differ, {found.same_figures} are the same; side by side in {page}")


def differences(first: str, second: str = "", *, every: bool = False) -> Comparison:
    """Compare two revisions; "" is the files as they are now. InputError when one of them is not there."""
    from latents.tools.revisions import files, read_file, read_jobs, read_values, resolve

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
    """A row for each name whose value differs; with `judged`, the better one is marked."""
    for name in [*first, *(name for name in second if name not in first)]:
        old, new = first.get(name), second.get(name)
        if old != new:
            yield name, shown(old), shown(new), better(name, old, new) if judged else ""


def param_changes(
    first: dict[str, Any], second: dict[str, Any], before: dict[str, Any], after: dict[str, Any]
) -> Iterator[Row]:
    """A row for each parameter with which results were made that differ, and for what params.yaml alone has changed.

    Parameters
    ----------
    first, second : the jobs of both revisions by name; each records the values that it was run with.
    before, after : {dotted key: value} of both revisions' params.yaml, of which results may not know yet.
    """
    used = [recorded(side) for side in (first, second)]
    rows = list(recorded_changes(*used))
    yield from rows
    seen = {(name, new) for name, _, new, _ in rows}
    for name, old, new, _ in changes(before, after):
        if (name, new) not in seen:
            yield name, old, new, "params.yaml alone: " + ("not run yet" if name in used[1] else "no job records it")


def recorded(jobs: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The value of each parameter, by its dotted key, in each job that records it."""
    from latents.tools.revisions import flat

    found: dict[str, dict[str, Any]] = {}
    for job in jobs.values():
        for key, value in job.params.items():
            for name, leaf in flat(value, key):
                found.setdefault(name, {})[job.name] = leaf
    return found


def recorded_changes(first: dict[str, dict[str, Any]], second: dict[str, dict[str, Any]]) -> Iterator[Row]:
    """A row for each change of a recorded value, with the jobs that it concerns."""
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
    """The value that all jobs of a side record: a job that is new there, or gone, changes no parameter by that."""
    every = list(values.values())
    return every[0] if every and all(value == every[0] for value in every) else None


def in_short(jobs: list[str], most: int = 4) -> str:
    """Names of jobs, those of one rule as their number."""
    rules: dict[str, list[str]] = {}
    for job in jobs:
        rules.setdefault(job.partition("-")[0], []).append(job)
    names = [own[0] if len(own) == 1 else f"{rule} ({len(own)})" for rule, own in rules.items()]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more rules" if len(names) > most else "")


def shown(value: Any) -> str:
    """A value in a cell; "-" where there is none."""
    return "-" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def better(name: str, old: Any, new: Any) -> str:
    """Which of two values is better, by the last word of the metric's name: see HIGHER and LOWER."""
    if not (isinstance(old, int | float) and isinstance(new, int | float)):
        return ""
    last = name.rpartition(".")[2].lower()
    low, high = any(word in last for word in LOWER), any(word in last for word in HIGHER)
    if low == high or old == new:
        return ""
    return "first is better" if (old < new) == low else "second is better"


def job_changes(first: dict[str, Any], second: dict[str, Any]) -> Iterator[Row]:
    """A row for each rule with jobs that differ: how many there are in each revision, and in what they differ."""
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
    """The lines of a table, its columns as wide as they must be."""
    if not rows:
        yield f"{heading}: no difference\n"
        return
    lines = [(heading, *names, ""), *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        yield "  ".join(cells).rstrip()
    yield ""


STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem; color: #222; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin-bottom: 1rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .2rem 1rem .2rem 0; border-bottom: 1px solid #ddd; vertical-align: top; }
td:first-child { overflow-wrap: anywhere; }
.better { font-weight: 700; color: #0072b2; }
@media (max-width: 40rem) { body { font-size: 13px; margin: 1rem auto; } th, td { padding-right: .5rem; } }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 1rem; }
figure { margin: 0; } img { max-width: 100%; height: auto; }
h3 { font-size: 1rem; margin-bottom: .3rem; overflow-wrap: anywhere; }
"""


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>{style}</style></head><body>
{body}
</body></html>
"""


def render(found: Comparison, first: str, second: str) -> str:
    """The page: the tables, then each figure that differs in both revisions; it holds all that it shows."""
    from latents.tools.revisions import resolve

    names = [html.escape(name) for name in found.names]
    parts = [f"<h1>{names[0]} and {names[1]}</h1>"]
    for heading, rows in found.tables():
        parts.append(f"<h2>{heading.capitalize()}</h2>")
        parts.append(html_table(heading, rows, names) if rows else "<p>No difference.</p>")
    parts.append(f"<h2>Figures</h2><p>{len(found.figures)} differ, {found.same_figures} are the same.</p>")
    revisions = [resolve(name) if name else "" for name in (first, second)]
    for path in found.figures:
        pair = "".join(picture(revision, path, name) for revision, name in zip(revisions, names, strict=True))
        parts.append(f'<h3>{breakable(path)}</h3><div class="pair">{pair}</div>')
    return PAGE.format(title=" and ".join(names), style=STYLE, body="\n".join(parts))


def html_table(heading: str, rows: list[Row], names: Iterable[str]) -> str:
    """A table of the page."""
    head = "".join(f"<th>{cell}</th>" for cell in (heading, *names, ""))
    body = "".join(f"<tr>{''.join(cells(row))}</tr>" for row in rows)
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'


def cells(row: Row) -> Iterator[str]:
    """The cells of a row, the better value marked."""
    better_column = {"first is better": 1, "second is better": 2}.get(row[3])
    for column, cell in enumerate(row):
        mark = ' class="better"' if column == better_column else ""
        yield f"<td{mark}>{html.escape(cell) if column else breakable(cell)}</td>"


def breakable(name: str) -> str:
    """A name that may go on in the next line after each of its parts."""
    return re.sub(r"([._/])", r"\1<wbr>", html.escape(name))


def picture(revision: str, path: str, name: str) -> str:
    """A figure of a revision, embedded; a remark where it has none."""
    from latents.tools.revisions import read_file

    content = read_file(revision, path)
    if content is None:
        return f"<figure><figcaption>{name}: not there</figcaption></figure>"
    data = base64.b64encode(content).decode()
    image = f'<img alt="{html.escape(path)}" src="data:image/png;base64,{data}">'
    return f"<figure><figcaption>{name}</figcaption>{image}</figure>"
