"""Keep results that changed code would reproduce: rerun cheap jobs, and probe expensive ones.

A cheap job is run in a separate folder on the recorded inputs, and its outputs are compared. A dear
job has a probe and took at least `dear` seconds; only its first steps run. What a probe does not
reach (the last epoch, early stopping, saving) is covered by the demo: jobs of the same rule there,
made by the old code and by the new.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bridge import demos, recover, shadow
from bridge.definitions import having
from bridge.dvc_side import PROOFS
from bridge.planning import TABLE
from bridge.snakemake_side import Job
from relatent.files.tables import write_json
from relatent.tools.revisions import git

FOLDER = Path(".snakemake/proofs")


@dataclass(frozen=True)
class Proof:
    """Reason why a result that other code made is kept.

    Attributes
    ----------
    by : "bytes" (the job ran and all outputs came out the same) or "probe".
    steps : steps of the probe with equal digests.
    demo : for a probe, outputs of the demo that old and new code made the same.
    before, after : digests of code and environment, and the revision of the sources.
    """

    by: str
    before: dict[str, str]
    after: dict[str, str]
    steps: tuple[str, ...] = ()
    demo: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tried:
    """Job that was tried, with its proof or the reason why it has none."""

    job: Job
    proof: Proof | None
    why_not: str = ""


def prove(jobs: Iterable[Job], *, seconds: Mapping[str, float], dear: float, cores: int) -> list[Tried]:
    """Try jobs that would run only because their code or environment changed.

    Parameters
    ----------
    jobs : jobs with inputs and outputs as in dvc.lock.
    seconds : recorded CPU seconds by job.
    dear : CPU seconds from which a job with a probe runs only its probe.
    cores : number of jobs at once.
    """
    recorded = recover.recorded()
    present = json.loads(TABLE.read_text(encoding="utf-8"))

    def one(job: Job) -> Tried:
        before = dict(recorded[job.name]["params"][TABLE.name][job.key])
        after = present[job.key] | {"revision": demos.here()}
        is_dear = probe_of(job) is not None and seconds.get(job.name, 0.0) >= dear
        return (by_probe if is_dear else by_bytes)(job, Proof("", before, after))

    with ThreadPoolExecutor(cores) as pool:
        tried = list(pool.map(one, jobs))
    return covered(tried, cores)


def by_bytes(job: Job, proof: Proof) -> Tried:
    """Run a job in a separate folder and compare all its outputs."""
    ran = shadow.run(job.command, job.inputs, FOLDER / "jobs" / job.name)
    different = [path for path in job.outputs if not _same(ran.folder / path, Path(path))]
    if not ran.ended_well:
        return Tried(job, None, f"it failed: {ran.said}")
    if different:
        return Tried(job, None, f"{different[0]} comes out different")
    return Tried(job, replace(proof, by="bytes"))


def _same(one: Path, other: Path) -> bool:
    """Compare two outputs byte by byte; of a probe, only the digests, not the machine."""
    return shadow.same(one, other) or (one.name == "probe.json" and marks(one) == marks(other) != {})


def by_probe(job: Job, proof: Proof) -> Tried:
    """Run the first steps of a job in a separate folder and compare its state."""
    path = probe_of(job) or ""
    ran = shadow.run(job.command, job.inputs, FOLDER / "jobs" / job.name, RELATENT_PROBE="1")
    old, new = marks(Path(path)), marks(ran.folder / path)
    if not ran.ended_well:
        return Tried(job, None, f"its probe failed: {ran.said}")
    different = [step for step in old.keys() | new.keys() if old.get(step) != new.get(step)]
    if different or not new:
        first = next((step for step in [*old, *new] if step in different), "the first step")
        return Tried(job, None, f"its probe differs from {first}")
    return Tried(job, replace(proof, by="probe", steps=tuple(new)))


def probe_of(job: Job) -> str | None:
    """Return the probe among a job's outputs."""
    return next((path for path in job.outputs if Path(path).name == "probe.json"), None)


def marks(path: Path) -> dict[str, str]:
    """Return the digests of a probe, {step: digest}, in order; empty if it is incomplete."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8"))["probe"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def covered(tried: list[Tried], cores: int) -> list[Tried]:
    """Check proofs by probe on the demo: old and new code must make the same for the whole rule."""
    rules: dict[str, set[str]] = {}  # rules by the revision of the old code
    olds = {}
    for each in tried:
        if each.proof and each.proof.by == "probe":
            found_in = having(each.job.key, each.proof.before["code"], [])
            # a hash: HEAD is another revision after the next commit, and demos are kept by revision
            olds[each.job.name] = revision = found_in and git("rev-parse", found_in).decode().strip()
            if revision:
                rules.setdefault(revision, set()).add(each.job.rule)
    found = {revision: demos.compare(revision, names, FOLDER / "demos", cores) for revision, names in rules.items()}
    return [_held(each, olds[each.job.name], found) if each.job.name in olds else each for each in tried]


def _held(tried: Tried, revision: str | None, found: Mapping[str, Mapping[str, demos.Compared]]) -> Tried:
    if revision is None or tried.proof is None:
        return Tried(tried.job, None, "no revision has its old code: no demo to compare")
    compared = found[revision].get(tried.job.rule, demos.Compared((), "no job in the demo"))
    if compared.different or not compared.same:
        return Tried(tried.job, None, f"the demo differs: {compared.different}")
    before = tried.proof.before | {"revision": revision[:12]}
    return Tried(tried.job, replace(tried.proof, before=before, demo=compared.same))


def record(proofs: Mapping[str, Proof], names: Iterable[str]) -> None:
    """Add proofs to proofs.json, and drop those of jobs that no longer exist."""
    old: dict[str, Any] = json.loads(PROOFS.read_text(encoding="utf-8")) if PROOFS.exists() else {}
    new = {name: {key: value for key, value in vars(proof).items() if value} for name, proof in proofs.items()}
    write_json(PROOFS, {name: (old | new)[name] for name in names if name in old or name in new})
