"""Snakemake's jobs <-> DVC's stages: `gen` writes dvc.yaml, `commit` records what is up to date, `restore` the reverse.

The Snakefile is the only DAG. `dvc.yaml` holds one stage per concrete job, written from it. Both tools then agree on
every artifact: see DESIGN's five promises and tests/test_bridge.py.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from latents.errors import InputError  # noqa: E402 the package is not installed where DVC runs a copy
from latents.storage import atomic  # noqa: E402

GUARD = "structure"  # the one stage that is no job: it stops DVC when dvc.yaml is of other structural parameters
HEADER = "# Written from the Snakefile by `python workflow/bridge.py gen`; do not edit.\n"
PREFIX = "PYTHONPATH=src"  # DVC's counterpart of the Snakefile's shell.prefix


@dataclass(frozen=True)
class Job:
    """One concrete Snakemake job."""

    name: str  # of the DVC stage
    command: str
    inputs: list[str]
    outputs: list[str]
    tracked: list[str]  # dotted keys of params.yaml
    up_to_date: bool  # Snakemake would not run it
    recorded: bool  # Snakemake has metadata of its last run

    def stage(self) -> dict[str, Any]:
        """The job as an entry of dvc.yaml."""
        kept = [path for path in self.outputs if not _in_git(path)]
        tables = [path for path in kept if _axes(path)]
        entry = {
            "cmd": f"{PREFIX} {self.command}",
            "deps": sorted(self.inputs),
            "params": sorted(self.tracked),
            "outs": sorted(set(kept) - set(tables)),
            "metrics": [{path: {"cache": False}} for path in self.outputs if _is_metrics(path)],
            "plots": [
                *({path: {"cache": False}} for path in self.outputs if path.endswith(".png")),
                *({path: _axes(path)} for path in tables),
            ],
        }
        return {key: value for key, value in entry.items() if value}


def _is_metrics(path: str) -> bool:
    return path.startswith("results/") and path.endswith(".json")


def _in_git(path: str) -> bool:
    """Metrics and figures are kept in git; everything else is in DVC's cache."""
    return _is_metrics(path) or path.endswith(".png")


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


# --- Snakemake ------------------------------------------------------------------------------------------------------


def read_jobs() -> list[Job]:
    """All jobs of the DAG, in the order of their rules.

    No public call returns them: Snakemake's private ones stay in this function, and its version is pinned.
    """
    from snakemake.api import SnakemakeApi
    from snakemake.settings.enums import Quietness, RerunTrigger
    from snakemake.settings.types import ConfigSettings, DAGSettings, OutputSettings, ResourceSettings

    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        flow = api.workflow(ResourceSettings(cores=1), ConfigSettings(), snakefile=ROOT / "Snakefile")
        flow.dag(DAGSettings(rerun_triggers=RerunTrigger.all(), force_incomplete=True))  # as the default profile has it
        workflow = flow._workflow
        workflow._prepare_dag(forceall=False, ignore_incomplete=False, lock_warn_only=True)
        workflow._build_dag()
        dag, metadata = workflow.dag, workflow.persistence
        order = {rule.name: number for number, rule in enumerate(workflow.rules)}
        found = [job for job in dag.jobs if job.output]
        return [
            Job(
                name="-".join([job.rule.name, *map(str, job.wildcards_dict.values())]),
                command=job.shellcmd,
                inputs=[str(path) for path in job.input],
                outputs=[str(path) for path in job.output],
                tracked=list(dict(job.params.items()).get("tracked", {})),
                up_to_date=not dag.needrun(job),
                recorded=bool(metadata.has_metadata(job)),
            )
            for job in sorted(found, key=lambda job: (order[job.rule.name], *job.wildcards_dict.values()))
        ]


def touch(outputs: list[str]) -> None:
    """Make Snakemake hold these outputs up to date, with their present parameters and code on record."""
    command = [sys.executable, "-m", "snakemake", "--touch", "--force", "--cores", "1", "--quiet", "all", "--"]
    environment = os.environ | {"DVC_STAGE": "restore"}  # our own onsuccess has nothing to commit
    finished = subprocess.run([*command, *outputs], env=environment, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise InputError(f"snakemake --touch failed: {' '.join(finished.stderr.split())[-500:]}")


# --- DVC ------------------------------------------------------------------------------------------------------------


def pipeline(jobs: Iterable[Job]) -> dict[str, Any]:
    """The content of dvc.yaml."""
    from latents.stages import schema

    shape = schema.shape()
    guard = {"cmd": "python workflow/bridge.py check", "params": sorted(shape), "meta": {"shape": shape}}
    return {"stages": {GUARD: guard} | {job.name: job.stage() for job in jobs}}


@contextmanager
def open_repo() -> Iterator[Any]:
    """DVC's repository here, locked against other DVC processes."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo() as repo, repo.lock:
            yield repo
    except DvcException as error:
        raise InputError(f"dvc: {' '.join(str(error).split())}") from None


def record(repo: Any, names: set[str]) -> list[str]:
    """Write dvc.lock anew: the named stages as they are now, no stage that dvc.yaml lacks; the names that changed.

    All at once and by rename: a kill leaves the old dvc.lock or the new one.
    """
    from dvc.stage.serialize import to_lockfile
    from dvc.utils.serialize import dump_yaml, load_yaml

    lock = Path("dvc.lock")
    before = load_yaml(str(lock)) if lock.exists() else {}
    kept = before.get("stages", {})
    stages = {stage.name: stage for stage in repo.index.stages}
    changed = [name for name in stages if name in names and any(stages[name].changed_entries())]
    for name in changed:
        stages[name].save()
        stages[name].commit(relink=False)
    entries = {name: kept[name] for name in stages if name in kept and name not in changed}
    for name in changed:
        entries |= to_lockfile(stages[name])
    after = {"schema": "2.0", "stages": {name: entries[name] for name in stages if name in entries}}
    if after != before:
        with atomic(lock) as temporary:
            dump_yaml(str(temporary), after)
    return changed


def drop_damaged_lock() -> None:
    """Remove a dvc.lock that DVC cannot read: it is derived, and `record` writes it anew."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            _ = repo.index.stages
    except DvcException as error:
        if "dvc.lock" not in str(error):
            raise InputError(f"dvc: {' '.join(str(error).split())}") from None
        Path("dvc.lock").unlink()
        print("commit: dvc.lock was damaged; it is written anew", file=sys.stderr)


def unchanged(repo: Any) -> set[str]:
    """Stages that DVC holds unchanged together with all their ancestors."""
    import networkx as nx

    graph = repo.index.graph  # an edge from a stage to each stage that it depends on
    found: set[str] = set()
    for stage in nx.dfs_postorder_nodes(graph):
        ancestors = {above.name for above in graph.successors(stage)}
        if ancestors <= found and not any(stage.changed_entries()):
            found.add(stage.name)
    return found


# --- the verbs ------------------------------------------------------------------------------------------------------


def gen(jobs: list[Job] | None = None) -> bool:
    """Write dvc.yaml from the Snakefile; True when it changed."""
    from dvc.utils.serialize import dumps_yaml

    text = HEADER + dumps_yaml(pipeline(read_jobs() if jobs is None else jobs))
    path = Path("dvc.yaml")
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return True


def commit() -> str:
    """Record in dvc.lock, without running anything, each stage that Snakemake holds up to date."""
    jobs = read_jobs()
    rewritten = gen(jobs)
    drop_damaged_lock()
    with open_repo() as repo:
        fresh = {job.name for job in jobs if job.up_to_date and job.recorded}
        changed = record(repo, fresh | {GUARD})
    stale = len(jobs) - len(fresh)
    return (
        f"commit: {len(changed)} recorded, {len(fresh) - len(fresh.intersection(changed))} were up to date"
        + (f", {stale} left out as not up to date" if stale else "")
        + ("; dvc.yaml rewritten" if rewritten else "")
    )


def restore() -> str:
    """Make Snakemake hold up to date what DVC holds unchanged."""
    with open_repo() as repo:
        known = unchanged(repo)
    jobs = [job for job in read_jobs() if job.name in known and not (job.up_to_date and job.recorded)]
    if jobs:
        touch([path for job in jobs for path in job.outputs])
    return f"restore: {len(jobs)} of {len(known)} unchanged stages were marked up to date in Snakemake"


def status() -> str:
    """Name the jobs that each tool would run; InputError when they are not the same."""
    import networkx as nx

    with open_repo() as repo:
        graph = repo.index.graph
        changed = {stage for stage in graph if any(stage.changed_entries())}
        below = {stage for stage in graph if changed & (nx.descendants(graph, stage) | {stage})}
        dvc = sorted({stage.name for stage in below} - {GUARD})
    snakemake = sorted(job.name for job in read_jobs() if not job.up_to_date)
    print(f"snakemake: {' '.join(snakemake) or 'nothing'}\ndvc: {' '.join(dvc) or 'nothing'}")
    if snakemake != dvc:
        raise InputError("the tools disagree; `make` brings them together by running what Snakemake names")
    return "status: both tools agree"


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
PATH="$PWD/.venv/bin:$PATH"
command -v dvc >/dev/null || { echo "hook: no dvc here; run make, then make pull" >&2; exit 0; }
dvc checkout --quiet && python workflow/bridge.py restore
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
    """Stop with one line when dvc.yaml was written for other structural parameters."""
    from latents.params import read_yaml
    from latents.stages import schema

    written = read_yaml("dvc.yaml")["stages"][GUARD]["meta"]["shape"]
    present = schema.shape()
    for key in [*written, *present]:
        if written.get(key) != present.get(key):
            raise InputError(
                f"{key} is structural: dvc.yaml was written for {written.get(key)}, "
                f"params.yaml has {present.get(key)}; run `python workflow/bridge.py gen` first"
            )
    return "check: dvc.yaml fits params.yaml"


VERBS: dict[str, Callable[[], str | bool]] = {
    "gen": gen,
    "commit": commit,
    "restore": restore,
    "status": status,
    "check": check,
    "hooks": hooks,
}


def main() -> None:
    """Run one verb and say what it did and how long it took, in one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=VERBS)
    verb = parser.parse_args().verb
    began = time.perf_counter()
    try:
        said = VERBS[verb]()
    except InputError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(f"error: {error.filename or 'bridge'}: {error.strerror or error}")
    text = said if isinstance(said, str) else f"gen: dvc.yaml {'rewritten' if said else 'is up to date'}"
    print(f"{text} ({time.perf_counter() - began:.1f} s)", file=sys.stderr)


if __name__ == "__main__":
    main()
