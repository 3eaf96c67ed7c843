"""Check a whole run in minutes: make cheap results, probe dear jobs, compare with records.

Everything is made below `FOLDER`, so that no recorded file changes. Git does not keep the demo's
results; its probes and headlines are in `RECORDED`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from bridge import shadow
from bridge.demos import ROOT, snakemake
from bridge.prove import marks, probe_of
from bridge.snakemake_side import Job
from relatent.errors import InputError
from relatent.files.tables import write_json

FOLDER = Path(".snakemake/verify")
RECORDED = Path("recorded.json")
HEADLINES = Path("results/metrics.json")


class Checked(NamedTuple):
    """Result for one job: "as recorded", or what else was found."""

    job: Job
    found: str


def verify(jobs: Mapping[str, Job], cores: int) -> list[Checked]:
    """Probe every dear job whose inputs are cheap to make.

    Parameters
    ----------
    jobs : all jobs of the run here, by name.
    cores : number of jobs at once.

    Raises
    ------
    InputError
        If the inputs of the probes cannot be made; the message ends with the last line of the
        output.
    """
    made = {path: job for job in jobs.values() for path in job.outputs}
    dear = [job for job in jobs.values() if probe_of(job)]
    behind = {job.name: next(dear_above(job, made), None) for job in dear}
    reached = [job for job in dear if behind[job.name] is None]
    make({path for job in reached for path in job.inputs}, cores)
    with ThreadPoolExecutor(cores) as pool:
        found = dict(zip((job.name for job in reached), pool.map(begin, reached), strict=True))
    return [Checked(job, found.get(job.name) or f"not probed: it needs what {behind[job.name]} makes") for job in dear]


def dear_above(job: Job, made: Mapping[str, Job]) -> Iterator[str]:
    """Yield the names of the dear jobs that a job depends on, nearest first."""
    for path in job.inputs:
        above = made.get(path)
        if above is not None:
            if probe_of(above):
                yield above.name
            yield from dear_above(above, made)


def make(paths: Iterable[str], cores: int) -> None:
    """Make files below FOLDER with the DAG."""
    run_in(FOLDER, Path("params.yaml"), sorted(paths), cores)


def run_in(folder: Path, params: Path, paths: list[str], cores: int) -> None:
    """Run the DAG below a folder for some files."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy2(params, folder / "params.yaml")
    done = snakemake(ROOT, folder, "--cores", str(cores), "--quiet", "all", "--", *paths)
    if done.returncode:
        raise InputError(f"verify: {paths[0]} and others could not be made: {' '.join(done.stderr.split())[-300:]}")


def elsewhere(demo: Path, cores: int) -> Iterator[str]:
    """Make the demo here, and report how far its headlines are from the recorded ones."""
    known = _read(demo / RECORDED)
    if not known:
        yield f"{demo.name}/{RECORDED}: missing, so nothing says how far results differ here"
        return
    folder = FOLDER / "demo"
    run_in(folder, demo / "params.yaml", [str(HEADLINES)], cores)
    yield f"on record: {known['machine']}"
    yield from distances(known["headlines"], _read(folder / HEADLINES))


def begin(job: Job) -> str:
    """Run a job's first steps, and say how they compare with the recorded probe."""
    path = probe_of(job) or ""
    old = recorded().get(path) or marks(Path(path))
    if not old:
        return "not probed: no probe is on record"
    ran = shadow.run(job.command, job.inputs, FOLDER / "probes" / job.name, base=FOLDER, RELATENT_PROBE="1")
    new = marks(ran.folder / path)
    if not ran.ended_well:
        return f"failed: {ran.said}"
    first = next((step for step in [*old, *new] if old.get(step) != new.get(step)), None)
    return "as recorded" if first is None else f"differs from {first}"


def recorded() -> dict[str, dict[str, str]]:
    """Return the probes in RECORDED by path; empty if git keeps the probes themselves."""
    return dict(_read(RECORDED).get("probes", {}))


def keep(jobs: Mapping[str, Job]) -> int:
    """Write the probes and headlines found here to RECORDED; return the number of probes."""
    paths = [path for path in map(probe_of, jobs.values()) if path and Path(path).exists()]
    if not paths:
        raise InputError("verify: there is no probe here to keep; run the DAG first")
    machine = json.loads(Path(paths[0]).read_text(encoding="utf-8"))["machine"]
    probes = {path: marks(Path(path)) for path in sorted(paths)}
    write_json(RECORDED, {"machine": machine, "probes": probes, "headlines": _read(HEADLINES)})
    return len(paths)


def table(checked: Iterable[Checked]) -> list[str]:
    """Return the lines of the table: rule, result, number of jobs."""
    rows: dict[tuple[str, str], list[str]] = {}
    for each in checked:
        rows.setdefault((each.job.rule, each.found), []).append(each.job.name)
    width = max((len(rule) for rule, _ in rows), default=0)
    return [f"{rule:<{width}}  {len(names):>3}  {found}" for (rule, found), names in rows.items()]


def distances(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Yield how far headlines are apart: per stage, its farthest number with both values."""
    for stage, old in before.items():
        numbers, others = dict(_flat(old)), dict(_flat(after.get(stage, {})))
        far = {name: abs(others[name] - number) for name, number in numbers.items() if name in others}
        if far and max(far.values()) > 0:
            name = max(far, key=lambda each: far[each] / (abs(numbers[each]) or 1.0))
            count = f"{sum(map(bool, far.values()))} of {len(far)} numbers of the demo differ"
            yield f"{stage}: {count}, {name} most: {numbers[name]:.6g} on record, {others[name]:.6g} here"


def _flat(values: Any, prefix: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(values, Mapping):
        for name, value in values.items():
            yield from _flat(value, f"{prefix}.{name}" if prefix else str(name))
    elif isinstance(values, int | float) and not isinstance(values, bool):
        yield prefix, float(values)


def _read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}
