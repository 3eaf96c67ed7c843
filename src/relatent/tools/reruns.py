"""`relatent reruns`: count the jobs that each of the last commits made run again.

Reads git alone; nothing is checked out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import typer


@dataclass(frozen=True)
class Plan:
    """The jobs of a revision."""

    # by job: command, digests of code and environment, files, parameters
    fingerprints: dict[str, Any]
    readers: dict[str, set[str]]  # by job: the jobs that read an output of it

    def downstream(self, names: Iterable[str]) -> set[str]:
        """Return these jobs and all that depend on them."""
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self.readers.get(name, ())
        return found


def reruns(
    revision: Annotated[str, typer.Argument(help="The newest commit.")] = "HEAD",
    commits: Annotated[int, typer.Option(min=1, help="Number of commits, up to the newest one.")] = 10,
) -> None:
    """Print how many jobs each commit touched, and how many had to run: these and all
    downstream."""
    from relatent.tools.compare import table
    from relatent.tools.revisions import to_root

    to_root()
    rows = list(count(revision, commits))
    cells = [(shorten(label), str(own), f"{below} of {whole}", "") for label, own, below, whole in rows]
    typer.echo("\n".join(table("commit", cells, ("touched", "to run"))).rstrip())
    touched, run, every = (sum(numbers) for numbers in list(zip(*rows, strict=True))[1:])
    typer.echo(f"all: {touched} touched, {run} to run, {every} in {len(rows)} whole runs")


def shorten(text: str, width: int = 72) -> str:
    """Cut a text that is longer than `width`."""
    return text if len(text) <= width else f"{text[: width - 3]}..."


def count(revision: str, commits: int) -> Iterator[tuple[str, int, int, int]]:
    """Yield (commit, number of jobs touched, number to run, number of all jobs), newest commit
    first.

    A commit touches a job if it changes its command, code, environment, files or parameters, or
    adds the job. To run are these jobs and all downstream, as if every output came out different.
    """
    from relatent.tools.revisions import git, resolve

    listed = git("log", "--first-parent", f"-{commits + 1}", "--format=%h %s", resolve(revision)).decode().splitlines()
    plans: dict[str, Plan] = {}
    for newer, older in list(zip(listed, [*listed[1:], ""], strict=True))[:commits]:
        now, before = (plan(line.partition(" ")[0], plans) for line in (newer, older))
        touched = {name for name, own in now.fingerprints.items() if differ(own, before.fingerprints.get(name))}
        yield newer, len(touched), len(now.downstream(touched)), len(now.fingerprints)


def plan(revision: str, known: dict[str, Plan]) -> Plan:
    """Return the plan of a revision, read once; an empty plan for "" or a revision without
    dvc.yaml."""
    if revision not in known:
        known[revision] = read_plan(revision)
    return known[revision]


def read_plan(revision: str) -> Plan:
    """Read the plan of a revision from its dvc.yaml, params.yaml and sources."""
    from relatent.jobs.closure import key_of
    from relatent.tools.revisions import outputs, parse, read_file, value_at

    content = read_file(revision, "dvc.yaml") if revision else None
    if content is None:
        return Plan({}, {})
    stages = parse(content, "dvc.yaml", revision)["stages"]
    values = parse(read_file(revision, "params.yaml") or b"{}", "params.yaml", revision)
    jobs = {name: stage for name, stage in stages.items() if "deps" in stage and name != "structure"}
    makers = {path: name for name, stage in jobs.items() for path in outputs(stage)}
    own = {path for stage in jobs.values() for path in stage["deps"] if path not in makers and path[:4] != "src/"}
    blobs = {path: read_file(revision, path) for path in own}
    code = codes(revision)
    readers: dict[str, set[str]] = {}
    fingerprints = {}
    for name, stage in jobs.items():
        files = {path: blobs[path] for path in stage["deps"] if path in blobs}
        params = {key: value_at(values, key) for key in stage.get("params", []) if isinstance(key, str)}
        fingerprints[name] = (stage["cmd"], code.get(key_of(stage["cmd"]) or "", {}), files, params)
        for path in stage["deps"]:
            if path in makers:
                readers.setdefault(makers[path], set()).add(name)
    return Plan(fingerprints, readers)


def codes(revision: str) -> dict[str, dict[str, str]]:
    """Return the digests of each command at a revision, from code.json or, without it, from the
    sources."""
    from relatent.tools.revisions import read_code, sources

    return read_code(revision) or {key: {"code": each.code} for key, each in sources(revision).closures().items()}


def differ(now: Any, before: Any) -> bool:
    """Say whether two fingerprints of a job differ; environments count if both revisions record
    them."""
    if before is None or now[:1] + now[2:] != before[:1] + before[2:]:
        return True
    return any(now[1][part] != before[1][part] for part in now[1].keys() & before[1].keys())
