"""`latents reruns`: how many jobs each of the last commits would run again, from git alone; nothing is checked out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import typer


@dataclass(frozen=True)
class Plan:
    """The jobs that a revision asks for, by name."""

    prints: dict[str, Any]  # what decides on a rerun: command, digests of code and environment, files, parameters
    below: dict[str, set[str]]  # the jobs that read an output of a job

    def downstream(self, names: Iterable[str]) -> set[str]:
        """These jobs and all that depend on them."""
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self.below.get(name, ())
        return found


def reruns(
    revision: Annotated[str, typer.Argument(help="The newest commit.")] = "HEAD",
    commits: Annotated[int, typer.Option(min=1, help="How many commits, that one and those before it.")] = 10,
) -> None:
    """Print how many jobs each commit touched, and how many had to run because of it, those downstream included."""
    from latents.tools.compare import table
    from latents.tools.revisions import to_root

    to_root()
    rows = list(count(revision, commits))
    cells = [(shorten(label), str(own), f"{below} of {whole}", "") for label, own, below, whole in rows]
    typer.echo("\n".join(table("commit", cells, ("touched", "to run"))).rstrip())
    touched, run, every = (sum(numbers) for numbers in list(zip(*rows, strict=True))[1:])
    typer.echo(f"all: {touched} touched, {run} to run, {every} in {len(rows)} whole runs")


def shorten(text: str, width: int = 72) -> str:
    """The beginning of a long text."""
    return text if len(text) <= width else f"{text[: width - 3]}..."


def count(revision: str, commits: int) -> Iterator[tuple[str, int, int, int]]:
    """(commit, jobs that it touches, jobs to run because of it, all jobs) of each commit, the newest first.

    A job is touched whose command, code, environment or parameters the commit changes, or which is new. To run are
    these and all below them: as many as it takes if every output comes out different.
    """
    from latents.tools.revisions import git, resolve

    listed = git("log", "--first-parent", f"-{commits + 1}", "--format=%h %s", resolve(revision)).decode().splitlines()
    plans: dict[str, Plan] = {}
    for newer, older in list(zip(listed, [*listed[1:], ""], strict=True))[:commits]:
        now, before = (plan(line.partition(" ")[0], plans) for line in (newer, older))
        touched = {name for name, print_ in now.prints.items() if differ(print_, before.prints.get(name))}
        yield newer, len(touched), len(now.downstream(touched)), len(now.prints)


def plan(revision: str, known: dict[str, Plan]) -> Plan:
    """The plan of a revision, read once; an empty one of no revision, and of one that has no dvc.yaml yet."""
    if revision not in known:
        known[revision] = read_plan(revision)
    return known[revision]


def read_plan(revision: str) -> Plan:
    """The plan that a revision's dvc.yaml holds, with its sources and parameters."""
    from latents.jobs.closure import key_of
    from latents.tools.revisions import outputs, parse, read_file, value_at

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
    below: dict[str, set[str]] = {}
    prints = {}
    for name, stage in jobs.items():
        files = {path: blobs[path] for path in stage["deps"] if path in blobs}
        params = {key: value_at(values, key) for key in stage.get("params", []) if isinstance(key, str)}
        prints[name] = (stage["cmd"], code.get(key_of(stage["cmd"]) or "", {}), files, params)
        for path in stage["deps"]:
            if path in makers:
                below.setdefault(makers[path], set()).add(name)
    return Plan(prints, below)


def codes(revision: str) -> dict[str, dict[str, str]]:
    """The digests of each command at a revision: of code.json, or of the sources of a revision before it."""
    from latents.tools.revisions import read_code, sources

    return read_code(revision) or {key: {"code": each.code} for key, each in sources(revision).closures().items()}


def differ(now: Any, before: Any) -> bool:
    """Is one print of a job another than the earlier one? An environment counts where both revisions have it."""
    if before is None or now[:1] + now[2:] != before[:1] + before[2:]:
        return True
    return any(now[1][part] != before[1][part] for part in now[1].keys() & before[1].keys())
