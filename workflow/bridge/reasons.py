"""Say in what two versions of a job differ: two records, or a record and the job as it is now."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.definitions import differences, having
from relatent.jobs.closure import versions
from relatent.tools import revisions
from relatent.tools.revisions import Job, git


def apart(old: Job, new: Job, revision: str) -> Iterator[str]:
    """Yield lines that say in what two versions of a job differ, except for files.

    `revision` has the record of the old version.
    """
    if old.command != new.command:
        yield from (f"  command {old.command}", f"       -> {new.command}")
    was, is_ = (dict(revisions.flat(job.params)) for job in (old, new))
    for key in sorted(key for key in was.keys() | is_.keys() if was.get(key) != is_.get(key)):
        yield f"  parameter {key}: {was.get(key, 'none')} -> {is_.get(key, 'none')}"
    first = [] if revision == revisions.UNCOMMITTED else [revision.split()[0]]
    if old.code != new.code:
        yield f"  code {old.code} -> {new.code}"
        yield from (f"    {line}" for line in _code(old, new, first))
    if old.environment != new.environment:
        yield f"  environment {old.environment or 'not recorded'} -> {new.environment}"
        yield from (f"    {line}" for line in _environment(old, new, first))


def files(kind: str, old: dict[str, str], new: dict[str, str]) -> Iterator[str]:
    """Yield lines that name the files of a kind that differ; a missing file has no md5."""
    for path in sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path)):
        if path not in old or path not in new:
            yield f"  {kind} {path}: {'not one before' if path in new else 'not one any more'}"
        else:
            yield f"  {kind} {path}: {f'md5 {old[path]} -> {new[path]}' if new[path] else 'missing'}"


def _code(old: Job, new: Job, first: list[str]) -> Iterator[str]:
    """Yield modules and definitions in which the code of two versions differs, if git has both."""
    found = [having(old.key, old.code, first), having(new.key, new.code, ["", *first])]
    for job, revision in zip((old, new), found, strict=True):
        if revision is None:
            yield f"no revision of git, of those that were searched, has the sources of {job.code}"
    if None not in found:
        then, now = map(str, found)
        yield f"against the sources of {shown(then)}:"
        yield from differences(new.key, revisions.sources(then), revisions.sources(now))


def shown(revision: str) -> str:
    """Return a revision in a readable form."""
    return git("log", "-1", "--format=%h %as %s", revision).decode().strip()


def _environment(old: Job, new: Job, first: list[str]) -> Iterator[str]:
    """Yield the distributions that differ between two environments.

    They are read from code.json at revisions with these environments.
    """
    log = git("log", "-100", "--format=%H", "--", revisions.CODE).decode().split()
    tables = []
    for job, starts in ((old, first), (new, ["", *first])):
        codes = (revisions.read_code(each) for each in [*starts, "HEAD", *log])
        fit = (each["distributions"] for each in codes if each.get(job.key, {}).get("environment") == job.environment)
        tables.append(next(fit, None))
    was, is_ = tables
    if was is None or is_ is None:
        yield f"no revision of code.json has the versions of {(old if was is None else new).environment or 'the first'}"
        return
    behind = versions(revisions.sources("").closures(new.key)[new.key].externals).keys() | (was.keys() - is_.keys())
    names = [name for name in sorted(behind) if was.get(name) != is_.get(name)]
    yield from (f"{name} {was.get(name, 'none')} -> {is_.get(name, 'none')}" for name in names)
    if not names:
        yield "it imports other distributions than before"
