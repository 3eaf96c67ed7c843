"""Use DVC's records: find the stages whose records fit the files here, and write records in bulk.

Stages share most of their files, so asking DVC stage by stage would look up each source file
hundreds of times.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bridge.planning import KEPT, TABLE, yaml_text
from relatent.errors import InputError
from relatent.files.atomic import atomic
from relatent.jobs.plan import md5

LOCK = Path("dvc.lock")
PROOFS = Path("proofs.json")
KEPT_BY_PROOF = "kept by proof: see proofs.json"
GUARD = (
    # not a job, but above all jobs: it writes code.json, unless dvc.yaml has other structural
    # parameters
    "structure"
)


@contextmanager
def open_repo() -> Iterator[Any]:
    """Open DVC's repository here, locked against other DVC processes."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo() as repo, repo.lock:
            yield repo
    except DvcException as error:
        raise InputError(f"dvc: {' '.join(str(error).split())}") from None
    except sqlite3.Error as error:  # in its database of hashes: full disk, or folder not writable
        raise InputError(f"dvc: its database of hashes: {error}") from None


class Records:
    """Stages of dvc.yaml, their records in dvc.lock and the files, each looked up once."""

    def __init__(self, repo: Any, *, drop_damaged: bool = False) -> None:
        if drop_damaged:
            drop_damaged_lock(repo)
        self._repo = repo
        self.stages = {stage.name: stage for stage in repo.index.stages}
        self._files = {entry.fs_path: entry for stage in self.stages.values() for entry in _files(stage)}
        self._found = hashes(repo, self._files)
        self._params = params(repo, self.stages.values())  # by file
        self.changed = {name for name, stage in self.stages.items() if self._is_changed(stage)}
        """Stages whose record does not fit the present files, parameters and command."""

    def _is_changed(self, stage: Any) -> bool:
        return not self._files_fit(stage) or stage.changed_stage() or any(self._differ(entry) for entry in stage.params)

    def _files_fit(self, stage: Any) -> bool:
        return all(entry.hash_info and self._found.get(entry.fs_path) == entry.hash_info for entry in _files(stage))

    def code_alone(self, name: str) -> bool:
        """Check that only command, code or environment of a changed stage have changed."""
        stage = self.stages[name]
        params = [entry for entry in stage.params if Path(entry.fs_path).name != TABLE.name]
        fit = self._files_fit(stage) and not any(self._differ(entry) for entry in params)
        return name in self.changed and fit and all(entry.hash_info for entry in stage.params)

    def _differ(self, entry: Any) -> bool:
        known, now = entry.hash_info.value or {}, self._params[entry.fs_path]
        return any(key not in known or key not in now or known[key] != now[key] for key in entry.params)

    def unchanged(self) -> set[str]:
        """Return the stages that DVC considers unchanged together with all their ancestors.

        The stage that writes code.json is above all others; it counts by the values that it writes
        there.
        """
        import networkx as nx

        graph = self._repo.index.graph  # edges lead from a stage to each stage that it depends on
        found: set[str] = set()
        for stage in nx.dfs_postorder_nodes(graph):
            above = {each.name for each in graph.successors(stage)}
            if stage.name == GUARD or (stage.name not in self.changed and above <= found):
                found.add(stage.name)
        return found

    def write(self, names: set[str]) -> set[str]:
        """Write dvc.lock with new records of the named stages; return the names that changed.

        Stages that dvc.yaml lacks are dropped. The file is renamed into place, so that a kill
        leaves either the old dvc.lock or the new one.
        """
        from dvc.stage.serialize import to_lockfile
        from dvc.utils.serialize import load_yaml

        changed = names & self.changed
        text = LOCK.read_text(encoding="utf-8") if LOCK.exists() else ""
        recorded = re.findall(r"^  ([\w-]+):$", text, flags=re.MULTILINE)
        if not changed and set(recorded) <= self.stages.keys():
            return changed
        kept = load_yaml(str(LOCK)).get("stages", {}) if text else {}
        for name in changed:
            self.stages[name].save()
            self.stages[name].commit(relink=False)
            kept |= to_lockfile(self.stages[name])
        with atomic(LOCK) as temporary:
            stages = {name: kept[name] for name in self.stages if name in kept}
            text = yaml_text({"schema": "2.0", "stages": stages})
            temporary.write_text(noted(text, stages), encoding="utf-8")
        return changed

    def keep(self, names: set[str]) -> None:
        """Copy outputs that git keeps, so that jobs can put them back; drop older copies."""
        kept = {
            Path(KEPT, out.hash_info.value[:2], out.hash_info.value[2:]): out.fs_path
            for name in names - {GUARD}
            for out in self.stages[name].outs
            if not out.use_cache and out.hash_info
        }
        for path in {path for path in KEPT.glob("??/*") if path.is_file()} - kept.keys():
            path.unlink()
        for path, source in kept.items():
            if not path.exists():
                with atomic(path) as temporary:
                    shutil.copyfile(source, temporary)

    def keep_hashes(self, paths: list[str]) -> None:
        """Tell DVC that these files are unchanged and only their times differ."""
        known = {self._repo.fs.abspath(path): path for path in paths}
        self._repo.state.save_many([(path, self._found[path], None) for path in known], self._repo.fs)


def noted(lock: str, stages: dict[str, Any]) -> str:
    """Return the text of dvc.lock with a line at each stage that a proof keeps."""
    proofs = json.loads(PROOFS.read_text(encoding="utf-8")) if PROOFS.exists() else {}
    for name in proofs.keys() & stages.keys():
        code = next(iter(stages[name]["params"][TABLE.name].values()))
        if all(proofs[name]["after"][part] == code[part] for part in code):
            lock = lock.replace(f"\n  {name}:\n", f"\n  {name}:\n    # {KEPT_BY_PROOF}\n", 1)
    return lock


def drop_damaged_lock(repo: Any) -> None:
    """Remove a dvc.lock that DVC cannot read: it is derived, and `write` makes it again."""
    from dvc.exceptions import DvcException

    try:
        _ = repo.index.stages
    except DvcException as error:
        if "dvc.lock" not in str(error):
            raise
        LOCK.unlink()
        print("commit: dvc.lock was damaged; it is written anew", file=sys.stderr)
        repo._reset()


def _files(stage: Any) -> list[Any]:
    """Return a stage's dependencies and outputs, without its parameters."""
    from dvc.dependency import ParamsDependency

    return [entry for entry in (*stage.deps, *stage.outs) if not isinstance(entry, ParamsDependency)]


def hashes(repo: Any, entries: dict[str, Any]) -> dict[str, Any]:
    """Return the hash of each file that exists, by path; files with a known hash are not read."""
    infos = {path: repo.fs.info(path) for path in entries if repo.fs.exists(path)}
    known = {
        path: found
        for path, _, found in repo.state.get_many(infos, repo.fs, infos)
        if found and found.name == entries[path].hash_name
    }
    return {path: known.get(path) or entries[path].get_hash() for path in infos}


def md5s(paths: Iterable[str]) -> dict[str, str]:
    """Return the md5 of each file that exists, by path; files with a known hash are not read."""
    there = {os.path.abspath(path): path for path in paths if os.path.isfile(path)}
    with open_repo() as repo:
        infos = {full: repo.fs.info(full) for full in there}
        known = {full: found.value for full, _, found in repo.state.get_many(infos, repo.fs, infos) if found}
    return {path: known.get(full) or md5(path) for full, path in there.items()}


def params(repo: Any, stages: Any) -> dict[str, dict[str, Any]]:
    """Return the present value of each key that a stage depends on, by its file, read once."""
    from dvc.dependency.param import read_param_file

    keys: dict[str, set[str]] = {}
    for entry in (entry for stage in stages for entry in stage.params):
        keys.setdefault(entry.fs_path, set()).update(entry.params)
    files = {path: sorted(names) for path, names in keys.items()}
    return {path: read_param_file(repo.fs, path, names, flatten=True) for path, names in files.items()}
