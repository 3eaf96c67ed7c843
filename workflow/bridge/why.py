"""Explain why a job would run and what follows, or why an up-to-date job last ran (`bridge why`).

The answer comes from dvc.lock, code.json and the present files, as DVC's does. If Snakemake's own
records say otherwise, a line says so.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from bridge.cost import cost
from bridge.dvc_side import md5s
from bridge.planning import PREFIX, plain, words
from bridge.reasons import apart, files, shown
from bridge.snakemake_side import Job as Planned
from relatent.errors import InputError
from relatent.jobs.params import read_yaml
from relatent.tools.revisions import Job, before, near, read_code, read_jobs, since, value_at

SHOWN = 8  # most inputs or jobs in a list


def resolve(asked: str, jobs: Mapping[str, Planned], start: Path) -> str:
    """Return the job with a name, or the job that makes a file; InputError suggests similar names.

    A path counts from `start` or from the root. Call this in the root, as all functions here.
    """
    makers = {path: name for name, job in jobs.items() for path in job.outputs}
    if asked in jobs:
        return asked
    for folder in (start, Path.cwd()):
        found = Path(folder, asked)
        path = os.path.relpath(os.path.join(os.path.realpath(found.parent), found.name))
        if path in makers:
            return makers[path]
    raise InputError(f"{asked}: no such job, and no job makes such a file{near(asked, [*jobs, *makers])}")


class State:
    """Jobs as they would run now, and their records in dvc.lock."""

    def __init__(self, jobs: Mapping[str, Planned], known: Mapping[str, Job], found: Mapping[str, str]) -> None:
        self.jobs, self._found, self._values = jobs, found, read_yaml("params.yaml")
        self.known = {name: _plainly(job) for name, job in known.items()}
        self.makers = {path: name for name, job in jobs.items() for path in job.outputs}
        self.runs = cache(self._runs)

    def above(self, name: str) -> list[str]:
        """Return the jobs whose outputs a job reads, in the order of its inputs."""
        return list(dict.fromkeys(self.makers[path] for path in self.jobs[name].inputs if path in self.makers))

    def now(self, name: str) -> Job:
        """Return a job as it would run now, in its record's form; a missing file has no md5."""
        job = self.jobs[name]
        made_by = read_code("").get(job.key, {})
        return Job(
            name=name,
            command=f"{PREFIX} {words(job.command)}",
            code=made_by.get("code", ""),
            environment=made_by.get("environment", ""),
            inputs={path: self._found.get(path, "") for path in job.inputs},
            params={key: plain(value_at(self._values, key)) for key in job.tracked},
            outputs={path: self._found.get(path, "") for path in job.outputs},
        )

    def remade(self, name: str) -> dict[str, str]:
        """Return a job's inputs that other jobs would make again, each with its job."""
        made = {path: self.makers[path] for path in self.jobs[name].inputs if path in self.makers}
        return {path: maker for path, maker in made.items() if self.runs(maker)}

    def own(self, name: str) -> list[str]:
        """Say in what a job differs from its record, apart from inputs that will be made again."""
        if name not in self.known:
            return ["record"]
        now, known = self.now(name), self.known[name]
        remade = self.remade(name)
        kinds = [kind for kind in known.differences(now) if kind != "inputs"]
        inputs = [{path: md5 for path, md5 in job.inputs.items() if path not in remade} for job in (known, now)]
        return [*kinds, *(["inputs"] if inputs[0] != inputs[1] else [])]

    def _runs(self, name: str) -> bool:
        return any(self.runs(other) for other in self.above(name)) or bool(self.own(name))

    def roots(self, name: str) -> list[str]:
        """Return the jobs above a job that would run for reasons of their own."""
        return [other for other in self.line(name, self.above) if other != name and self.own(other)]

    def below(self, name: str) -> list[str]:
        """Return a job and all jobs that depend on it."""
        readers: dict[str, list[str]] = {}
        for other in self.jobs:
            for each in self.above(other):
                readers.setdefault(each, []).append(other)
        return self.line(name, lambda other: readers.get(other, []))

    @staticmethod
    def line(name: str, following: Callable[[str], Iterable[str]]) -> list[str]:
        """Return a job and all that follow from it, nearest first."""
        found = [name]
        for other in found:  # the list grows during the loop
            found += [each for each in dict.fromkeys(following(other)) if each not in found]
        return found


def _plainly(job: Job) -> Job:
    """Normalise a record's parameters, so that equal values look equal."""
    return Job(**{**vars(job), "params": {key: plain(value) for key, value in job.params.items()}})


def why(name: str, jobs: Mapping[str, Planned]) -> Iterator[str]:
    """Yield the lines of the answer for a job."""
    empty = State(jobs, {}, {})
    line = [jobs[each] for each in empty.line(name, empty.above)]
    state = State(jobs, read_jobs(), md5s(path for job in line for path in (*job.inputs, *job.outputs)))
    yield from _would(name, state) if state.runs(name) else _ran(name, state)
    reason = " ".join(jobs[name].reason.split())
    if jobs[name].up_to_date and state.runs(name):
        yield "Snakemake would not run it, by its own records; see `bridge status`"
    elif reason and not state.runs(name):
        yield f"Snakemake would run it ({reason}), and put its outputs back if its inputs are as recorded"


def _would(name: str, state: State) -> Iterator[str]:
    """Yield why a job would run, which jobs above cause it, and what that costs."""
    yield f"{name} would run:"
    remade = state.remade(name)
    if name in state.known:
        known, now = state.known[name], state.now(name)
        yield from apart(known, now, since([name])[name])
        here = [{path: md5 for path, md5 in job.inputs.items() if path not in remade} for job in (known, now)]
        yield from files("input", *here)
        yield from files("output", known.outputs, now.outputs)
    else:
        yield "  it has no record in dvc.lock"
    yield from _some([f"input {path}: made anew by {maker}, which would run" for path, maker in remade.items()])
    yield from _some([f"because of {other}: its {', '.join(state.own(other))}" for other in state.roots(name)])
    below = state.below(name)
    threads = {each: state.jobs[each].threads for each in below}
    cores = len(os.sched_getaffinity(0))
    yield f"it and all below it: {cost({each: state.above(each) for each in below}, threads, cores)}"


def _some(lines: list[str]) -> list[str]:
    """Return the first of some lines, and the number of the others."""
    more = [f"  and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return [f"  {line}" for line in lines[:SHOWN]] + more


def _ran(name: str, state: State) -> Iterator[str]:
    """Yield why an up-to-date job last ran, from its record and the one before it."""
    yield f"{name} is up to date, since {since([name])[name]}"
    earlier = before(name)
    known = read_jobs(earlier).get(name) if earlier else None
    if earlier is None or known is None:
        yield "  no revision has an earlier record of it"
        return
    old, new = _plainly(known), state.known[name]
    yield f"it last ran because of what differs from its record in {shown(earlier)}:"
    lines = [*apart(old, new, shown(earlier)), *files("input", old.inputs, new.inputs)]
    yield from lines or ["  nothing that decides on a run: it was made to, or an output was missing"]
