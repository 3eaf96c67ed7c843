"""Predict the cost of jobs from what they used when they last ran, recorded in uses.json."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

from bridge.planning import stage_name
from relatent.tools.uses import read


def announce(workflow: Any, *, at_end: bool = False) -> None:
    """Print the cost of the jobs that a run is about to start.

    With `at_end`, print that of the jobs that a dry run named.
    """
    from snakemake.settings.enums import Quietness

    dag = getattr(workflow, "_dag", None)
    if dag is None or Quietness.ALL in (workflow.output_settings.quiet or ()) or workflow.dryrun != at_end:
        return
    jobs = [job for job in dag.needrun_jobs(exclude_finished=False) if job.output]
    above = {stage_name(job): [stage_name(other) for other in dag.dependencies[job]] for job in jobs}
    if jobs:
        print(cost(above, {stage_name(job): int(job.threads) for job in jobs}, cores_of(workflow)), file=sys.stderr)


def cores_of(workflow: Any) -> int:
    """Return the cores that a run may use; on a cluster, the number of jobs at once."""
    settings = workflow.resource_settings
    return int(settings.cores or settings.nodes or 1)


def cost(above: Mapping[str, Iterable[str]], threads: Mapping[str, int], cores: int) -> str:
    """Predict in one line what some jobs take, given for each job those that it waits for."""
    known = {name: use for name, use in read()["jobs"].items() if name in above}
    cpu = sum(use["cpu_seconds"] for use in known.values())
    # a job recorded with more cores takes longer here
    seconds = {name: max(use["wall_seconds"], use["cpu_seconds"] / cores) for name, use in known.items()}
    said = f"{len(above)} job{'s'[: len(above) != 1]}"
    if not known:
        return f"{said}, none of them with recorded use"
    wall = span(seconds, threads, above, cores)
    unknown = f" ({len(above) - len(known)} without recorded use)" if len(known) < len(above) else ""
    on = f"{cores} core{'s'[: cores != 1]}"
    return f"{said}, predicted {cpu:.0f} CPU seconds, about {in_words(wall)} on {on}{unknown}"


def in_words(seconds: float) -> str:
    """Print a time in a fitting unit.

    Examples
    --------
    >>> in_words(71), in_words(900), in_words(9000)
    ('71 s', '15 min', '2.5 h')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def span(
    seconds: Mapping[str, float], threads: Mapping[str, int], above: Mapping[str, Iterable[str]], cores: int
) -> float:
    """Return the seconds until the last job ends if the most urgent jobs start first.

    The most urgent job has the longest chain of jobs below it.

    List scheduling (Graham 1969): at most twice the shortest schedule where each job takes one
    core.
    """
    waits = {name: {other for other in others if other in above} for name, others in above.items()}
    below: dict[str, list[str]] = {name: [] for name in waits}
    for name, others in waits.items():
        for other in others:
            below[other].append(name)
    urgency: dict[str, float] = {}
    for name in reversed(_in_order(waits, below)):
        urgency[name] = seconds.get(name, 0) + max((urgency[other] for other in below[name]), default=0)
    ready = [name for name in waits if not waits[name]]
    running: list[tuple[float, str]] = []
    now, free = 0.0, cores
    while ready or running:
        for name in sorted(ready, key=lambda each: -urgency[each]):
            taken = min(threads.get(name, 1), cores)
            if taken <= free:
                ready.remove(name)
                running.append((now + seconds.get(name, 0), name))
                free -= taken
        now, ended = min(running)
        running.remove((now, ended))
        free += min(threads.get(ended, 1), cores)
        for name in below[ended]:
            waits[name].discard(ended)
            if not waits[name]:
                ready.append(name)
    return now


def _in_order(waits: Mapping[str, set[str]], below: Mapping[str, list[str]]) -> list[str]:
    """Sort the jobs so that each comes after all that it waits for."""
    left = {name: len(others) for name, others in waits.items()}
    order = [name for name, number in left.items() if not number]
    for name in order:  # the list grows during the loop
        for other in below[name]:
            left[other] -= 1
            if not left[other]:
                order.append(other)
    return order
