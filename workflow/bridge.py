"""Snakemake's jobs <-> DVC's stages: `gen` writes dvc.yaml, `commit` records what is up to date, `restore` the reverse.

The Snakefile is the only DAG. `dvc.yaml` holds one stage per concrete job, written from it. Both tools then agree on
every artifact: see DESIGN's five promises and tests/test_bridge.py.
"""

from __future__ import annotations

import argparse
import inspect
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

import leftovers
import merging
import recover
from flow import ROOT, Job, open_flow
from latents.errors import InputError
from latents.files.atomic import atomic
from latents.files.tables import write_json
from latents.jobs.plan import vouched
from latents.tools import uses
from planning import PREFIX, TABLE, yaml_text
from records import GUARD, Records, open_repo

SOURCES = "src/latents"
START = Path.cwd()  # where the bridge was called
HEADER = "# Written from the Snakefile by `python workflow/bridge.py gen`; do not edit.\n"


def entry(job: Job) -> dict[str, Any]:
    """The job as an entry of dvc.yaml."""
    kept = [path for path in job.outputs if not _in_git(path)]
    tables = [path for path in kept if _axes(path)]
    probes = [{path: {"cache": False}} for path in job.outputs if _is_probe(path)]
    parts = {
        "cmd": f"{PREFIX} {job.command}",
        "deps": sorted(job.inputs),
        "params": [*sorted(job.tracked), {TABLE.name: [job.key]}],
        "outs": [*sorted(set(kept) - set(tables)), *probes],
        "metrics": [{path: {"cache": False}} for path in job.outputs if _is_metrics(path)],
        "plots": [
            *({path: {"cache": False}} for path in job.outputs if path.endswith(".png")),
            *({path: _axes(path)} for path in tables),
        ],
    }
    return {key: value for key, value in parts.items() if value}


def _is_metrics(path: str) -> bool:
    return path.startswith("results/") and path.endswith(".json") and not _is_probe(path)


def _is_probe(path: str) -> bool:
    """Digests, which `dvc metrics` has nothing to say of."""
    return Path(path).name == "probe.json"


def _in_git(path: str) -> bool:
    """Metrics, probes and figures are kept in git; everything else is in DVC's cache."""
    return _is_metrics(path) or _is_probe(path) or path.endswith(".png")


AXES = {  # what `dvc plots` draws of a stage's table
    ("digit_classifier", "history.csv"): {"x": "epoch", "y": "validation_error"},
    ("vae", "history.csv"): {"x": "epoch", "y": "validation_reconstruction"},
    ("rnn", "history.csv"): {"x": "epoch", "y": "validation_cross_entropy"},
    ("language_model", "history.csv"): {"x": "epoch", "y": "validation_cross_entropy"},
    ("autoencoder", "history.csv"): {"x": "epoch", "y": "validation_l2"},
    ("autoencoder", "errors.csv"): {"x": "step", "y": "held_out_mse"},
    ("rbm", "history.csv"): {"x": "epoch", "y": "validation_reconstruction"},
    ("deep_rbm", "history.csv"): {"x": "epoch", "y": "validation_reconstruction"},
    ("deep_rbm", "greedy.csv"): {"x": "epoch", "y": "validation_reconstruction"},
    ("likelihood", "log_partition.csv"): {"x": "temperatures", "y": "log_z"},
    ("face_model", "mixing.csv"): {"x": "lag", "y": "autocorrelation"},
    ("text_vae", "history.csv"): {"x": "epoch", "y": "validation_reconstruction"},
    ("hashing", "history.csv"): {"x": "epoch", "y": "validation_words"},
    ("hashing", "precision_recall.csv"): {"x": "recall", "y": "precision"},
    ("hashing", "table.csv"): {"x": "bits", "y": "precision@100"},
    ("ranking", "precision_recall.csv"): {"x": "recall", "y": "precision"},
    ("timing", "svm.csv"): {"x": "items", "y": "seconds"},
    ("timing", "encoders.csv"): {"x": "run", "y": "seconds"},
}


def _axes(path: str) -> dict[str, str] | None:
    """The axes of an output below results/<stage>/, None when it is no table that is drawn."""
    return AXES.get((Path(path).parts[1], Path(path).name))


def pipeline(jobs: Iterable[Job]) -> dict[str, Any]:
    """The content of dvc.yaml."""
    from latents.stages.shared import schema

    shape = schema.shape()
    guard = {
        "cmd": "python workflow/bridge.py check",
        "deps": [SOURCES],
        "params": sorted(shape),
        "outs": [{TABLE.name: {"cache": False, "persist": True}}],
        "meta": {"shape": shape},
    }
    return {"stages": {GUARD: guard} | {job.name: entry(job) for job in jobs}}


def gen() -> bool:
    """Write dvc.yaml from the Snakefile; True when it changed."""
    with open_flow() as flow:
        return write_pipeline(flow.jobs)


def write_pipeline(jobs: list[Job]) -> bool:
    """Write these jobs to dvc.yaml; True when it changed."""
    text = HEADER + yaml_text(pipeline(jobs))
    path = Path("dvc.yaml")
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return True


def commit() -> str:
    """Record in dvc.lock, without running anything, each stage that Snakemake holds up to date."""
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
    """Make Snakemake hold up to date what DVC holds unchanged, and to be run what it has no record of."""
    with open_flow() as flow, open_repo() as repo:  # the flow first: it brings code.json up to date
        records = Records(repo)
        known = records.unchanged()
        marked = {job.name for job in flow.jobs if job.name in known and not (job.up_to_date and job.recorded)}
        records.keep_hashes(flow.mark(marked))
        changed = [job for job in flow.jobs if job.name in records.changed and not job.recorded]
        recover.make_again([path for job in changed for path in job.outputs], "not as dvc.lock has them")
        records.keep(known)
    return f"restore: {len(marked)} of {len(known)} unchanged stages were marked up to date in Snakemake"


def push() -> str:
    """Send all that dvc.lock names to the remote."""
    exchange("push")
    return "push: the remote has all that dvc.lock names"


def pull() -> str:
    """Fetch all that dvc.lock names from the remote, and have Snakemake hold it up to date."""
    exchange("pull")
    return restore()


def exchange(verb: str) -> None:
    """`dvc push` or `dvc pull` with its list of files made anew: DVC trusts the half of one that a killed call left."""
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
    """Name the jobs that each tool would run; InputError when they are not the same."""
    with open_flow() as flow:  # first: it brings code.json up to date
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
    """Keep what other code made wherever this code makes the same; say what was kept, and of the rest why not.

    Parameters
    ----------
    dear : CPU seconds from which a job with a probe is not rerun: its probe and the demo decide.
    at_stake : CPU seconds that the jobs of changed code, and all below them, must have taken for this to do anything.
    """
    import prove as proving

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
    """Begin every dear job of a run here, and compare its first steps with those on record.

    Parameters
    ----------
    directory : of the run: "." or "demo".
    keep : write what is on record of the demo instead, from its results.

    Raises
    ------
    InputError
        When one does not begin as recorded.
    """
    import verify as verifying

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
    """These jobs and all that depend on them; `jobs` by name, in any order."""
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
    """Print why a job, or the one that makes a file, would run or last ran; seen from any folder below the root."""
    from why import resolve, why

    with open_flow() as flow:
        jobs = {job.name: job for job in flow.jobs}
    for line in why(resolve(asked, jobs, START), jobs):
        print(line)
    return "why"


def files_of(jobs: list[Job]) -> set[str]:
    """All files that jobs make or read."""
    return {path for job in jobs for path in (*job.outputs, *job.inputs)}


def clean() -> str:
    """Remove what no rule makes below results/ and data/raw, naming each file."""
    with open_flow() as flow:
        known = files_of(flow.jobs)
    with open_repo() as repo:
        return leftovers.clean(known, Path(repo.cache.local.path))


def merge() -> str:
    """Finish a merge that git stopped over dvc.lock: each job's record from the side that fits, then its files."""
    from latents.jobs.params import read_yaml

    refuse_conflicts("params.yaml")
    merging.check()
    # apart, as is each reading of the Snakefile: it holds its lock until its process ends
    if subprocess.run([sys.executable, "workflow/bridge.py", "gen"], check=False).returncode:
        raise InputError("dvc.yaml could not be written, as it says above: put that right, then repeat this")
    said = merging.merge(read_yaml("dvc.yaml")["stages"], read_yaml("params.yaml"))
    subprocess.run([sys.executable, "-m", "dvc", "checkout"], check=False, stdout=subprocess.DEVNULL)
    return f"{said}; {restore()}; now `snakemake`, which runs what no side has, then `git add --all` and commit"


def refuse_conflicts(*paths: str) -> None:
    """InputError when a file holds conflict markers of git: read as it is, all records would be lost."""
    for path in map(Path, paths):
        if path.is_file() and all(mark in path.read_bytes() for mark in (b"\n=======\n", b"\n>>>>>>> ")):
            how = "resolve it" if path.name == "params.yaml" else "`python workflow/bridge.py merge`"
            raise InputError(f"{path}: a merge is not done: git's conflict markers stand in it; {how} first")


HOOK = """#!/bin/sh
# Installed by `make hooks`: DVC's files and Snakemake's records follow the revision that git checks out.
case "$(basename "$0")" in
post-checkout) [ "$3" = 1 ] || exit 0 ;; # not on the checkout of single files
post-rewrite) [ "$1" = rebase ] || exit 0 ;; # an amended commit has the same files
esac
if [ "$(basename "$0")" != post-rewrite ]; then # inside a rebase: wait for its end
    for state in rebase-merge rebase-apply; do [ ! -d "$(git rev-parse --git-path $state)" ] || exit 0; done
fi
[ -f workflow/bridge.py ] && [ -f dvc.lock ] || exit 0
main=$(dirname "$(git rev-parse --path-format=absolute --git-common-dir)") # not $PWD in a `git worktree`
PATH="$PWD/.venv/bin:$main/.venv/bin:$PATH"
command -v dvc >/dev/null || { echo "hook: no dvc here; run make, then make pull" >&2; exit 0; }
if [ "$main" != "$PWD" ] && [ -d "$main/.dvc" ] && [ ! -e .dvc/config.local ]; then # all worktrees share one cache
    dvc config --quiet --local cache.dir "$(cd "$main" && dvc cache dir)"
fi
dvc checkout >/dev/null ||
    echo "hook: all but what dvc names above is restored; make pull fetches that, or snakemake makes it again" >&2
python workflow/bridge.py restore
"""


def hooks() -> str:
    """Install the git hooks that call `dvc checkout` and `restore` after a checkout, a merge and a rebase."""
    found = subprocess.run(["git", "rev-parse", "--git-path", "hooks"], capture_output=True, text=True, check=False)
    if found.returncode:
        raise InputError(f"not a git repository: {found.stderr.strip()}")
    folder = Path(found.stdout.strip())
    for name in ("post-checkout", "post-merge", "post-rewrite"):
        path = folder / name
        if path.exists() and path.read_text(encoding="utf-8") != HOOK and "make hooks" not in path.read_text():
            raise InputError(f"{path}: a hook of your own is there; move it away or call workflow/bridge.py from it")
        with atomic(path) as temporary:
            temporary.write_text(HOOK, encoding="utf-8")
            temporary.chmod(0o755)
    return f"hooks: installed in {folder}"


def check() -> str:
    """Stop with one line when dvc.yaml was written for other structural parameters; write code.json otherwise."""
    from latents.jobs import closure
    from latents.jobs.params import read_yaml
    from latents.stages.shared import schema

    written = read_yaml("dvc.yaml")["stages"][GUARD]["meta"]["shape"]
    present = schema.shape()
    for key in [*written, *present]:
        if written.get(key) != present.get(key):
            raise InputError(
                f"{key} is structural: dvc.yaml was written for {written.get(key)}, "
                f"params.yaml has {present.get(key)}; run `python workflow/bridge.py gen` first"
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
REPAIRS = {"merge": (), "hooks": (), "gen": ("params.yaml", "dvc.lock")}  # what a verb cannot do without; others: all


def main() -> None:
    """Run one verb and say what it did and how long it took, in one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name, function in VERBS.items():
        verb = verbs.add_parser(name, help=(function.__doc__ or "").partition(".")[0])
        for option, value in inspect.signature(function).parameters.items():
            if value.default is value.empty:
                verb.add_argument(option)
            elif isinstance(value.default, bool):
                verb.add_argument(f"--{option.replace('_', '-')}", action="store_true")
            else:
                verb.add_argument(f"--{option.replace('_', '-')}", type=type(value.default), default=value.default)
    options = vars(parser.parse_args())
    function = VERBS[options.pop("verb")]
    began = time.perf_counter()
    os.chdir(ROOT)
    try:
        refuse_conflicts(*REPAIRS.get(function.__name__, ("params.yaml", "dvc.lock", "dvc.yaml")))
        said = function(**options)
        sys.stdout.flush()
    except BrokenPipeError:  # who reads has enough: `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except InputError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(f"error: {error.filename or 'bridge'}: {error.strerror or error}")
    text = said if isinstance(said, str) else f"gen: dvc.yaml {'rewritten' if said else 'is up to date'}"
    print(f"{text} ({time.perf_counter() - began:.1f} s)", file=sys.stderr)


if __name__ == "__main__":
    main()
