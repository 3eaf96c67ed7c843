"""Define the verbs of the bridge; each function returns a line that says what it did."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bridge import leftovers, merging, recover
from bridge import prove as proving
from bridge import verify as verifying
from bridge.dvc_side import GUARD, Records, open_repo
from bridge.dvc_yaml import write_pipeline
from bridge.planning import TABLE
from bridge.snakemake_side import ROOT, Job, open_flow
from bridge.why import resolve, why
from relatent.errors import InputError
from relatent.files.atomic import atomic
from relatent.files.tables import write_json
from relatent.jobs.plan import vouched
from relatent.tools import uses

START = Path.cwd()  # folder where the bridge was called
HOOK = Path(__file__).with_name("hook.sh")


def gen() -> bool:
    """Write dvc.yaml from the Snakefile; True if it changed."""
    with open_flow() as flow:
        return write_pipeline(flow.jobs)


def commit() -> str:
    """Record in dvc.lock each stage that Snakemake considers up to date, without running it."""
    with open_flow() as flow:
        jobs = flow.jobs
    rewritten = write_pipeline(jobs)
    fresh = {job.name for job in jobs if job.up_to_date and job.recorded}
    with open_repo() as repo:
        records = Records(repo, drop_damaged=True)
        touched = [job for job in jobs if job.name in fresh & records.changed and vouched(job.name) != job.mark]
        fresh -= {job.name for job in touched}
        changed = records.write(fresh | {GUARD})
        records.keep(fresh)
    uses.collect({job.name: job.command for job in jobs}, changed & fresh)
    said = f"commit: {len(changed - {GUARD})} recorded, {len(fresh - changed)} were up to date"
    if stale := len(jobs) - len(fresh):
        said += f", {stale} left out as not up to date"
    said += "; dvc.yaml rewritten" if rewritten else ""
    if touched:
        recover.make_again([path for job in touched for path in job.outputs])
        names = " ".join(job.name for job in touched)
        raise InputError(f"{said}; {names}: touched, not made as things are now; marked to be run: run snakemake again")
    return said


def restore() -> str:
    """Mark for Snakemake as up to date what DVC holds unchanged, and as to run what it lacks."""
    # open the flow first: it brings code.json up to date
    with open_flow() as flow, open_repo() as repo:
        records = Records(repo)
        known = records.unchanged()
        marked = {job.name for job in flow.jobs if job.name in known and not (job.up_to_date and job.recorded)}
        records.keep_hashes(flow.mark(marked))
        changed = [job for job in flow.jobs if job.name in records.changed and not job.recorded]
        recover.make_again([path for job in changed for path in job.outputs], "not as dvc.lock has them")
        records.keep(known)
    return f"restore: {len(marked)} of {len(known)} unchanged stages were marked up to date in Snakemake"


def push() -> str:
    """Send all files named in dvc.lock to the remote."""
    exchange("push")
    return "push: the remote has all that dvc.lock names"


def pull() -> str:
    """Fetch all files named in dvc.lock from the remote, and restore."""
    exchange("pull")
    return restore()


def exchange(verb: str) -> None:
    """Run `dvc push` or `dvc pull` without the list of files that a killed call left half-done.

    DVC would trust that list.
    """
    with open_repo() as repo:
        if not repo.config["core"].get("remote"):
            raise InputError(
                "no remote is set: `dvc remote add --default shared <url>`, see docs/sharing.md; "
                "or make the results here: `make`"
            )
        repo.drop_data_index()
    if subprocess.run([sys.executable, "-m", "dvc", verb], check=False).returncode:
        raise InputError(f"`dvc {verb}` failed, as it says above; what it did is kept: repeat this")


def status() -> str:
    """Name the jobs that each tool would run; InputError if they differ."""
    with open_flow() as flow:  # first, since it brings code.json up to date
        snakemake = sorted(job.name for job in flow.jobs if not job.up_to_date)
    with open_repo() as repo:
        records = Records(repo)
        dvc = sorted(set(records.stages) - records.unchanged() - {GUARD})
    print(f"snakemake: {' '.join(snakemake) or 'nothing'}\ndvc: {' '.join(dvc) or 'nothing'}")
    leftovers.tell(files_of(flow.jobs))
    if snakemake != dvc:
        raise InputError("the tools disagree; `make` brings them together by running what Snakemake names")
    return "status: both tools agree"


def prove(*, dear: float = 20.0, at_stake: float = 0.0) -> str:
    """Keep results of other code that this code reproduces; say what was kept, and what not.

    Parameters
    ----------
    dear : CPU seconds from which a job with a probe is not rerun; its probe and the demo decide.
    at_stake : do nothing unless the jobs with changed code, and all below them, took this many CPU
        seconds.
    """
    with open_flow() as flow, open_repo() as repo:
        jobs, records = {job.name: job for job in flow.jobs}, Records(repo)
        chosen = [jobs[name] for name in jobs if records.code_alone(name)]
    seconds = {name: use["cpu_seconds"] for name, use in uses.read()["jobs"].items()}
    stake = sum(seconds.get(name, 0.0) for name in below({job.name for job in chosen}, jobs))
    if not chosen or stake < at_stake:
        return f"prove: {len(chosen)} jobs of changed code, {stake:.0f} CPU seconds with all below: nothing was tried"
    tried = proving.prove(chosen, seconds=seconds, dear=dear, cores=len(os.sched_getaffinity(0)))
    proofs = {each.job.name: each.proof for each in tried if each.proof}
    proving.record(proofs, jobs)
    with open_repo() as repo, open_flow() as flow:
        records = Records(repo)
        records.write(set(proofs) | {GUARD})
        records.keep_hashes(flow.mark(set(proofs)))
    for each in tried:
        if each.proof is None:
            print(f"{each.job.name} is to run: {each.why_not}", file=sys.stderr)
    by_probe = sum(proof.by == "probe" for proof in proofs.values())
    saved = sum(seconds.get(name, 0.0) for name in proofs)
    return (
        f"prove: {len(proofs)} of {len(tried)} jobs of changed code are kept, {by_probe} by their probes and the demo, "
        f"the others by a rerun; {saved:.0f} CPU seconds on record need not be spent"
    )


def verify(*, directory: str = ".", keep: bool = False) -> str:
    """Begin every dear job of a run here, and compare its first steps with the record.

    Parameters
    ----------
    directory : folder of the run: "." or "demo".
    keep : instead, write the demo's record from its results.

    Raises
    ------
    InputError
        If a job does not begin as recorded.
    """
    os.chdir(directory)
    with open_flow() as flow:
        jobs = {job.name: job for job in flow.jobs}
    if keep:
        return f"verify: {verifying.keep(jobs)} probes and the headlines are now on record in {verifying.RECORDED}"
    checked = verifying.verify(jobs, len(os.sched_getaffinity(0)))
    print("\n".join(verifying.table(checked)))
    different = [each for each in checked if not each.found.startswith(("as recorded", "not probed"))]
    agree = sum(each.found == "as recorded" for each in checked)
    said = f"verify: {agree} of {len(checked)} dear jobs begin as recorded, of {len(jobs)} in all"
    if different:
        print("\n".join(verifying.elsewhere(ROOT / "demo", len(os.sched_getaffinity(0)))))
        raise InputError(f"{said}; {len(different)} do not: {different[0].job.name} {different[0].found}")
    return said


def below(names: set[str], jobs: dict[str, Job]) -> set[str]:
    """Return these jobs and all that depend on them; `jobs` by name, in any order."""
    made = {path: name for name, job in jobs.items() for path in job.outputs}
    readers: dict[str, set[str]] = {}
    for name, job in jobs.items():
        for path in job.inputs:
            if path in made:
                readers.setdefault(made[path], set()).add(name)
    found, pending = set(names), list(names)
    while pending:
        more = readers.get(pending.pop(), set()) - found
        found |= more
        pending += more
    return found


def explain(asked: str) -> str:
    """Print why a job, or the job that makes a file, would run or last ran.

    Paths count from any folder below the root.
    """
    with open_flow() as flow:
        jobs = {job.name: job for job in flow.jobs}
    for line in why(resolve(asked, jobs, START), jobs):
        print(line)
    return "why"


def files_of(jobs: list[Job]) -> set[str]:
    """Return all files that jobs make or read."""
    return {path for job in jobs for path in (*job.outputs, *job.inputs)}


def clean() -> str:
    """Remove the files below results/ and data/raw that no rule makes, naming each."""
    with open_flow() as flow:
        known = files_of(flow.jobs)
    with open_repo() as repo:
        return leftovers.clean(known, Path(repo.cache.local.path))


def merge() -> str:
    """Finish a merge that stopped at dvc.lock: take each job's record from the side that fits."""
    from relatent.jobs.params import read_yaml

    refuse_conflicts("params.yaml")
    merging.check()
    # in a separate process: a reading of the Snakefile holds its lock until its process ends
    if subprocess.run([sys.executable, "workflow/bridge", "gen"], check=False).returncode:
        raise InputError("dvc.yaml could not be written, as it says above: put that right, then repeat this")
    said = merging.merge(read_yaml("dvc.yaml")["stages"], read_yaml("params.yaml"))
    subprocess.run([sys.executable, "-m", "dvc", "checkout"], check=False, stdout=subprocess.DEVNULL)
    return f"{said}; {restore()}; now `snakemake`, which runs what no side has, then `git add --all` and commit"


def refuse_conflicts(*paths: str) -> None:
    """Raise InputError if a file has git's conflict markers, with which it would lose records."""
    for path in map(Path, paths):
        if path.is_file() and all(mark in path.read_bytes() for mark in (b"\n=======\n", b"\n>>>>>>> ")):
            how = "resolve it" if path.name == "params.yaml" else "`python workflow/bridge merge`"
            raise InputError(f"{path}: a merge is not done: git's conflict markers stand in it; {how} first")


def hooks() -> str:
    """Install git hooks: `dvc checkout` and `restore` after a checkout, merge or rebase."""
    found = subprocess.run(["git", "rev-parse", "--git-path", "hooks"], capture_output=True, text=True, check=False)
    if found.returncode:
        raise InputError(f"not a git repository: {found.stderr.strip()}")
    folder = Path(found.stdout.strip())
    for name in ("post-checkout", "post-merge", "post-rewrite"):
        path = folder / name
        if path.exists() and path.read_bytes() != HOOK.read_bytes() and "make hooks" not in path.read_text():
            raise InputError(
                f"{path}: a hook of your own is there; move it away or call `python workflow/bridge restore` from it"
            )
        with atomic(path) as temporary:
            temporary.write_bytes(HOOK.read_bytes())
            temporary.chmod(0o755)
    return f"hooks: installed in {folder}"


def fits(written: Any, present: Any) -> bool:
    """Check that dvc.yaml, written for one value of a structural parameter, fits another.

    A run may override further defaults.

    Examples
    --------
    >>> fits({"long": ["epochs"]}, {"long": ["epochs", "seed"]}), fits({"long": ["epochs"]}, {"long": []})
    (True, False)
    """
    if isinstance(written, dict) and isinstance(present, dict):
        return written.keys() == present.keys() and all(set(written[run]) <= set(present[run]) for run in written)
    return written == present


def check() -> str:
    """Stop with one line if dvc.yaml has other structural parameters; otherwise write code.json."""
    from relatent.jobs import closure
    from relatent.jobs.params import read_yaml
    from relatent.stages.shared import schema

    written = read_yaml("dvc.yaml")["stages"][GUARD]["meta"]["shape"]
    present = schema.shape()
    for key in [*written, *present]:
        if not fits(written.get(key), present.get(key)):
            raise InputError(
                f"{key} is structural: dvc.yaml was written for {written.get(key)}, "
                f"params.yaml has {present.get(key)}; run `python workflow/bridge gen` first"
            )
    write_json(TABLE, closure.table(closure.Sources.on_disk(Path("src")).closures()))
    return "check: dvc.yaml fits params.yaml"


VERBS: dict[str, Callable[..., str | bool]] = {
    "gen": gen,
    "commit": commit,
    "restore": restore,
    "push": push,
    "pull": pull,
    "status": status,
    "prove": prove,
    "verify": verify,
    "check": check,
    "hooks": hooks,
    "why": explain,
    "merge": merge,
    "clean": clean,
}
