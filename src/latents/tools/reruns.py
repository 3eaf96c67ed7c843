"""`latents reruns`: how many jobs each of the last commits would run again, from git alone; nothing is checked out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import typer


@dataclass(frozen=True)
class Plan:
    """The jobs that a revision asks for, by name."""

    prints: dict[str, Any]  # what decides on a rerun: command, sources by their hash in git, values of parameters
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

    A job is touched whose command, sources or parameters the commit changes, or which is new. To run are these and all
    below them: as many as it takes if every output comes out different.
    """
    from latents.tools.revisions import git, resolve

    listed = git("log", "--first-parent", f"-{commits + 1}", "--format=%h %s", resolve(revision)).decode().splitlines()
    plans: dict[str, Plan] = {}
    for newer, older in list(zip(listed, [*listed[1:], ""], strict=True))[:commits]:
        now, before = (plan(line.partition(" ")[0], plans) for line in (newer, older))
        touched = {name for name, print_ in now.prints.items() if before.prints.get(name) != print_}
        yield newer, len(touched), len(now.downstream(touched)), len(now.prints)


def plan(revision: str, known: dict[str, Plan]) -> Plan:
    """The plan of a revision, read once; an empty one of no revision, and of one that has no dvc.yaml yet."""
    if revision not in known:
        known[revision] = read_plan(revision)
    return known[revision]


def read_plan(revision: str) -> Plan:
    """The plan that a revision's dvc.yaml holds, with its sources and parameters."""
    from latents.tools.revisions import git, outputs, parse, read_file, value_at

    content = read_file(revision, "dvc.yaml") if revision else None
    if content is None:
        return Plan({}, {})
    stages = parse(content, "dvc.yaml", revision)["stages"]
    values = parse(read_file(revision, "params.yaml") or b"{}", "params.yaml", revision)
    tree = git("ls-tree", "-r", "-z", revision).decode().split("\0")  # mode, type, hash, tab, path
    blobs = {path: head.split()[2] for head, _, path in (line.partition("\t") for line in tree if line)}
    jobs = {name: stage for name, stage in stages.items() if "deps" in stage}
    makers = {path: name for name, stage in jobs.items() for path in outputs(stage)}
    below: dict[str, set[str]] = {}
    prints = {}
    for name, stage in jobs.items():
        sources = {path: blobs.get(path) for path in stage["deps"] if path not in makers}
        prints[name] = (stage["cmd"], sources, {key: value_at(values, key) for key in stage.get("params", [])})
        for path in stage["deps"]:
            if path in makers:
                below.setdefault(makers[path], set()).add(name)
    return Plan(prints, below)
