"""`latents where`: how a result came to be, back to the data sets' digests."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

HEADLINES = "results/metrics.json"


def where(
    name: Annotated[str, typer.Argument(help="A result's file, seen from here, or a number of results/metrics.json.")],
) -> None:
    """Print rule, command, code, parameters, inputs and revision of a result, and of all that it was made from."""
    from latents.errors import InputError
    from latents.tools.revisions import near, read_jobs, since, to_root

    came_from = to_root()
    jobs = read_jobs()
    makers = {path: job.name for job in jobs.values() for path in job.outputs}
    seen = from_root(name, came_from)
    path, value = next(((path, None) for path in (seen, name) if path in makers), metric(name))
    if path not in makers:
        raise InputError(f"{path}: no job of dvc.lock makes it{near(path, makers)}")
    chain = list(ancestry(path, makers, jobs))
    revisions = since([job.name for _, job in chain])
    if value is not None:
        typer.echo(f"{name} = {value}")
    for depth, job in chain:
        for line in describe(job, revisions[job.name], makers):
            typer.echo("  " * depth + line)


def from_root(name: str, came_from: Path) -> str:
    """A path as a folder's user sees it, as it is seen from the root, where we are; others stay as they are."""
    path = Path(os.path.normpath(came_from / name))  # links stay: a result's folder may be one
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else name


def metric(name: str) -> tuple[str, Any]:
    """The file that a headline number stands in, and its value; a name that is none is taken for a path."""
    from latents.storage import read_json
    from latents.tools.revisions import flat

    if not Path(HEADLINES).exists():
        return name, None
    numbers = dict(flat(read_json(HEADLINES)))
    if name not in numbers:
        return name, None
    stage, run, _ = name.split(".", 2)
    own = [str(path) for path in Path("results", stage).rglob("*.json") if "_".join(path.parent.parts[2:]) == run]
    return own[0] if own else HEADLINES, numbers[name]


def ancestry(path: str, makers: dict[str, str], jobs: dict[str, Any]) -> Iterator[tuple[int, Any]]:
    """The job that makes a file and all jobs above it with their depth, each once, nearest first."""
    seen: set[str] = set()

    def walk(name: str, depth: int) -> Iterator[tuple[int, Any]]:
        if name in seen:
            return
        seen.add(name)
        yield depth, jobs[name]
        for above in jobs[name].inputs:
            if above in makers:
                yield from walk(makers[above], depth + 1)

    return walk(makers[path], 0)


def describe(job: Any, revision: str, makers: dict[str, str]) -> Iterator[str]:
    """The lines that a job is shown with."""
    rule = job.name.partition("-")[0]
    yield f"{job.name}  (rule {rule}, since {revision})"
    for path, md5 in job.outputs.items():
        yield f"  makes   {path}  md5 {md5}{changed(path, md5)}"
        yield from (f"          {line}" for line in digest(path))
    yield f"  runs    {job.command}"
    yield f"  code    {digest_of(job.code)}  of {job_module(job)} and what it uses"
    if job.environment:
        yield f"  with    {digest_of(job.environment)}  the environment"
    for key, value in job.params.items():
        yield f"  param   {key} = {value}"
    for path, md5 in job.inputs.items():
        yield f"  reads   {path}  md5 {md5}  from {makers.get(path, 'git')}"


def digest_of(parts: dict[str, str]) -> str:
    """One digest of several, by their names."""
    text = "".join(f"{name} {digest}\n" for name, digest in sorted(parts.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def job_module(job: Any) -> str:
    """The stage's module in a job's command."""
    words = job.command.split()
    return str(words[words.index("-m") + 1]) if "-m" in words else "-"


def changed(path: str, md5: str) -> str:
    """A remark when a file is not the one on record."""
    if md5.endswith(".dir"):
        return ""
    if not Path(path).is_file():
        return "  (not here: dvc pull)"
    with open(path, "rb") as file:
        return "" if hashlib.file_digest(file, "md5").hexdigest() == md5 else "  (CHANGED since: run `make`)"


def digest(path: str) -> Iterator[str]:
    """The identity of a data set, where a file holds one."""
    from latents.storage import read_json

    if not (path.startswith("results/data/") and Path(path).is_file()):
        return
    identity = read_json(path)
    yield f"{identity['dataset']}, {identity['source']}: content digest {identity['content_digest']}"
