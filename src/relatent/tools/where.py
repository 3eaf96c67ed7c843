"""`relatent where`: print how a result was made, back to the digests of the data sets."""

from __future__ import annotations

import hashlib
import os
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from relatent.tools.uses import read as read_uses

HEADLINES = "results/metrics.json"


def where(
    name: Annotated[str, typer.Argument(help="File of a result, or the name of a number in results/metrics.json.")],
) -> None:
    """Print rule, command, code, parameters, inputs and revision of a result and of all its
    ancestors."""
    from relatent.errors import InputError
    from relatent.tools.revisions import near, read_jobs, since, to_root

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
    for line in legend([job for _, job in chain], revisions):
        typer.echo(line)


def from_root(name: str, came_from: Path) -> str:
    """Return a path relative to the folder `came_from` as one relative to the root, the working
    folder.

    A path outside the root stays as it is.
    """
    path = Path(os.path.normpath(came_from / name))  # links stay: a result's folder may be one
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else name


def metric(name: str) -> tuple[str, Any]:
    """Return the file of a headline number and its value; (name, None) if there is no such
    number."""
    from relatent.files.tables import read_json
    from relatent.tools.revisions import flat

    if not Path(HEADLINES).exists():
        return name, None
    numbers = dict(flat(read_json(HEADLINES)))
    if name not in numbers:
        return name, None
    stage, run, _ = name.split(".", 2)
    found = [path for path in Path("results", stage).rglob("*.json") if path.name != "probe.json"]
    own = [str(path) for path in found if "_".join(path.parent.parts[2:]) == run]
    return own[0] if own else HEADLINES, numbers[name]


def ancestry(path: str, makers: dict[str, str], jobs: dict[str, Any]) -> Iterator[tuple[int, Any]]:
    """Yield (depth, job) of the job that makes a file and of its ancestors, each job once, depth
    first."""
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
    """Yield the lines that describe a job."""
    rule = job.name.partition("-")[0]
    yield f"{job.name}  (rule {rule}, since {revision})"
    for path, md5 in job.outputs.items():
        yield f"  makes   {path}  md5 {md5}{changed(path, md5)}"
        yield from (f"          {line}" for line in digest(path))
    yield f"  runs    {job.command}"
    yield f"  code    {job.code}  {job.key}"
    if job.environment:
        yield f"  with    environment {job.environment}"
    yield from proof(job)
    if use := read_uses()["jobs"].get(job.name):
        spent = f"{use['cpu_seconds']} CPU seconds in {use['wall_seconds']} s, {use['peak_mib']} MiB at most"
        yield f"  used    {spent}, on machine {use['machine']}"
    for key, value in job.params.items():
        yield f"  param   {key} = {value}"
    for path, md5 in job.inputs.items():
        yield f"  reads   {path}  md5 {md5}  from {makers.get(path, 'git')}"


def proof(job: Any) -> Iterator[str]:
    """Yield a line that says why a result is kept though other code made it; none if this code made
    it."""
    from relatent.files.tables import read_json

    found = read_json("proofs.json").get(job.name) if Path("proofs.json").exists() else None
    if found and (found["after"]["code"], found["after"]["environment"]) == (job.code, job.environment):
        how = "a rerun that gave the same bytes"
        if found["by"] == "probe":
            how = f"its probe ({', '.join(found['steps'])}) and {len(found['demo'])} files of the demo, all the same"
        made = f"made by code {found['before']['code']} with environment {found['before']['environment']}"
        yield f"  kept by proof: {made}; under {found['after']['revision']}: {how}"


def legend(jobs: list[Any], revisions: dict[str, str]) -> Iterator[str]:
    """Yield the lines that describe each environment and machine of some jobs, each once."""
    for job in {job.environment: job for job in jobs if job.environment}.values():
        yield f"environment {job.environment}"
        yield from _wrapped(environment(job, revisions[job.name]), ", ")
    uses = read_uses()
    for name in dict.fromkeys(uses["jobs"][job.name]["machine"] for job in jobs if job.name in uses["jobs"]):
        machine = uses["machines"][name]
        yield f"machine {name}"
        yield f"  {machine['model']} ({machine['number']}), {machine['cores']} cores, BLAS of {machine['blas_threads']}"
        yield from _wrapped(machine["capabilities"], " ")


def environment(job: Any, revision: str) -> list[str]:
    """List the versions that a job ran with, from code.json of its revision.

    If that code.json records another environment, the list is one sentence that says so.
    """
    from relatent.jobs.closure import versions
    from relatent.tools.revisions import UNCOMMITTED, read_code, sources

    sha = "" if revision == UNCOMMITTED else revision.split()[0]
    code, closures = read_code(sha), sources(sha).closures(job.key)
    if code.get(job.key, {}).get("environment") != job.environment or job.key not in closures:
        return ["its versions are in no code.json of that revision"]
    known = code["distributions"]
    return [f"{name} {known[name]}" for name in versions(closures[job.key].externals) if name in known]


def _wrapped(items: list[str], between: str) -> Iterator[str]:
    """Yield items in lines of at most 110 characters, none broken across lines."""
    whole = between.join(item.replace(" ", "\0") for item in items)
    for line in textwrap.wrap(whole, 110, break_on_hyphens=False):
        yield "  " + line.replace("\0", " ")


def changed(path: str, md5: str) -> str:
    """Return a remark if a file is missing or its content is not the recorded one."""
    if md5.endswith(".dir"):
        return ""
    if not Path(path).is_file():
        return "  (not here: dvc pull)"
    with open(path, "rb") as file:
        return "" if hashlib.file_digest(file, "md5").hexdigest() == md5 else "  (CHANGED since: run `make`)"


def digest(path: str) -> Iterator[str]:
    """Yield the name, source and digest of a data set, if the file is a record of one."""
    from relatent.files.tables import read_json

    if not (path.startswith("results/data/") and Path(path).is_file()):
        return
    identity = read_json(path)
    yield f"{identity['dataset']}, {identity['source']}: content digest {identity['content_digest']}"
