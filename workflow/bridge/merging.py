"""Merge two branches' results: take for each job the record that fits the merged parameters.

Records are taken as a whole. Lines of dvc.lock must not be merged: half of one record and half of
another describe no run. `.gitattributes` keeps git from merging them, and the files that jobs made.
This module reads both sides from git's index, where an unfinished merge, rebase or cherry-pick
keeps them.
"""

from __future__ import annotations

import functools
import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bridge.dvc_side import PROOFS
from bridge.planning import TABLE, yaml_text
from relatent.errors import InputError
from relatent.files.atomic import atomic
from relatent.files.tables import write_json
from relatent.tools.revisions import outputs, value_at
from relatent.tools.uses import USES

LOCK = "dvc.lock"
NOTES = [TABLE.name, USES.name, PROOFS.name]  # what is noted about jobs beside their records
BASE, OURS, THEIRS = ":1", ":2", ":3"  # stages of git's index: common ancestor, and both sides


def staged(side: str, path: str) -> bytes | None:
    """Return a file on one side of the unfinished merge; None if the side lacks it."""
    done = subprocess.run(["git", "show", f"{side}:{path}"], capture_output=True, check=False)
    return None if done.returncode else done.stdout


def records(side: str) -> dict[str, Any]:
    """Return the records in one side's dvc.lock, by job."""
    from dvc.utils.serialize import parse_yaml  # reads numbers as DVC does: 1e-3 is not a string

    return dict((parse_yaml((staged(side, LOCK) or b"{}").decode(), LOCK) or {}).get("stages", {}))


def unmerged() -> list[str]:
    """List the files that git could not merge."""
    listed = subprocess.run(
        ["git", "diff", "--name-only", "--diff-filter=U", "-z"], capture_output=True, text=True, check=False
    )
    return [path for path in listed.stdout.split("\0") if path]


def check() -> None:
    """Raise InputError if git did not stop at dvc.lock."""
    if LOCK not in unmerged():
        raise InputError(f"{LOCK}: got no merge to finish; call this when git has stopped over it (docs/sharing.md)")


def choose(stages: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    """Choose the best fitting record for each job of the merged dvc.yaml.

    Jobs come after those whose outputs they read. Ties go to the side that changed the record. If
    no record fits fully, DVC notices, and the job runs.
    """
    base, ours, theirs = (records(side) for side in (BASE, OURS, THEIRS))
    made: dict[str, str] = {}
    chosen = {}
    for name in in_order(stages):
        sides = [theirs, ours] if ours.get(name) == base.get(name) else [ours, theirs]
        candidates = [side[name] for side in sides if name in side]
        if candidates:
            chosen[name] = max(candidates, key=lambda record: fit(record, stages[name], params, made))
            made |= {entry["path"]: entry.get("md5", "") for entry in chosen[name].get("outs", [])}
    return chosen


def fit(
    record: dict[str, Any], stage: dict[str, Any], params: dict[str, Any], made: dict[str, str]
) -> tuple[bool, ...]:
    """Compare a record with what it should be: all together, parameters, inputs, code, command."""
    inputs = all(
        made.get(entry["path"]) in (None, entry.get("md5"))  # both sides share what no job makes
        for entry in record.get("deps", [])
    )
    known = record.get("params", {})
    same = all(value_at(params, key) == value for key, value in known.get("params.yaml", {}).items())
    code = known.get(TABLE.name, {}).items() <= _table().items()
    command = record["cmd"] == stage["cmd"]
    return inputs and same and code and command, same, inputs, code, command


@functools.cache
def _table() -> dict[str, Any]:
    """Return the merged digests of code and environment, which `bridge gen` has written."""
    return dict(json.loads(TABLE.read_text(encoding="utf-8")))


def in_order(stages: dict[str, Any]) -> Iterator[str]:
    """Yield the jobs, each after those whose outputs it reads."""
    import networkx as nx

    makers = {path: name for name, stage in stages.items() for path in outputs(stage)}
    graph = nx.DiGraph()
    graph.add_nodes_from(stages)
    graph.add_edges_from(
        (makers[path], name) for name, stage in stages.items() for path in stage.get("deps", []) if path in makers
    )
    return iter(nx.topological_sort(graph))


def merge(stages: dict[str, Any], params: dict[str, Any]) -> str:
    """Write the merged dvc.lock and the files in git that belong to it, and mark them as merged."""
    conflicts = unmerged()
    chosen = choose(stages, params)
    with atomic(LOCK) as temporary:
        text = yaml_text({"schema": "2.0", "stages": {name: chosen[name] for name in stages if name in chosen}})
        temporary.write_text(text, encoding="utf-8")
    for path in (USES, PROOFS):
        join(path)
    in_git = {path: md5 for name, record in chosen.items() for path, md5 in kept(record, stages[name])}
    for path, md5 in in_git.items():
        take(path, md5)
    derived = [path for path in conflicts if path in {LOCK, "dvc.yaml", *NOTES, *in_git}]
    gone = [path for path in conflicts if path not in derived and not_made(path, stages)]
    if gone:
        subprocess.run(["git", "rm", "--quiet", "--force", "--", *gone], check=True)
    subprocess.run(["git", "add", "--force", "--", LOCK, "dvc.yaml", *derived], check=True)
    rest = unmerged()
    return f"merge: {len(chosen)} records" + (f"; left to you: {' '.join(rest)}" if rest else "")


def join(path: Path) -> None:
    """Write the notes of both sides about jobs; if both have one, ours is kept."""
    sides = [json.loads(staged(side, str(path)) or b"{}") for side in (THEIRS, OURS)]
    if any(sides):
        write_json(path, joined(*sides))


def joined(theirs: Any, ours: Any) -> Any:
    """Return the union of nested mappings.

    Examples
    --------
    >>> joined({"a": {"x": 1}, "b": 2}, {"a": {"y": 3}, "b": 4})
    {'a': {'x': 1, 'y': 3}, 'b': 4}
    """
    if not (isinstance(theirs, dict) and isinstance(ours, dict)):
        return ours
    return theirs | {name: joined(theirs.get(name, value), value) for name, value in ours.items()}


def kept(record: dict[str, Any], stage: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the outputs of a record that are in git, with their md5."""
    cached = {entry for entry in stage.get("outs", []) if isinstance(entry, str)}
    for entry in record.get("outs", []):
        if entry["path"] not in cached and entry["path"].endswith((".json", ".png")):
            yield entry["path"], entry.get("md5", "")


def not_made(path: str, stages: dict[str, Any]) -> bool:
    """Check for a result that no job makes any more."""
    return path.startswith("results/") and all(path not in outputs(stage) for stage in stages.values())


def take(path: str, md5: str) -> None:
    """Put the version of a file in place that a record describes.

    If neither side has it, the job will make it.
    """
    if Path(path).is_file() and hashlib.md5(Path(path).read_bytes()).hexdigest() == md5:
        return
    for side in (OURS, THEIRS, "HEAD", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REBASE_HEAD"):
        content = staged(side, path)
        if content is not None and hashlib.md5(content).hexdigest() == md5:
            with atomic(path) as temporary:
                temporary.write_bytes(content)
            subprocess.run(["git", "add", "--force", "--", path], check=True)
            return
