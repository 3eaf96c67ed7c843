"""Read a revision of the repository: its files, and the jobs that its dvc.lock records.

A revision is anything that git can name, the name of a DVC experiment, or "" for the files as they
are now.
"""

from __future__ import annotations

import difflib
import functools
import hashlib
import io
import json
import os
import re
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

from relatent.errors import InputError
from relatent.jobs.closure import NAMES, Sources, key_of

LOCK, CODE = "dvc.lock", "code.json"
UNCOMMITTED = "not committed yet"
KINDS = ("command", "code", "environment", "inputs", "params", "outputs")


@dataclass(frozen=True)
class Job:
    """One job as dvc.lock records it: {path: md5} of files, digests of code and environment."""

    name: str
    command: str
    code: str
    environment: str
    inputs: dict[str, str]
    params: dict[str, Any]
    outputs: dict[str, str]

    def differences(self, other: Job) -> list[str]:
        """List what differs: command, code, environment, inputs, params, outputs."""
        return [kind for kind in KINDS if getattr(self, kind) != getattr(other, kind)]

    @property
    def key(self) -> str:
        """The key of the job's command in code.json."""
        return key_of(self.command) or ""


def git(*arguments: str) -> bytes:
    """Run a git command in the working folder and return its output; InputError with git's last
    line."""
    done = subprocess.run(["git", *arguments], capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise InputError(f"git {arguments[0]}: {said[-1] if said else 'failed'}")
    return done.stdout


def to_root() -> Path:
    """Make the root of the repository the working folder; return the folder before."""
    here = Path.cwd()
    os.chdir(next((above for above in (here, *here.parents) if is_root(above)), here))
    return here


def is_root(folder: Path) -> bool:
    """Say whether a folder is the root of a repository of DVC or git."""
    return any((folder / name).exists() for name in ("dvc.yaml", ".dvc", ".git"))


def resolve(revision: str) -> str:
    """Return the full hash of a revision or DVC experiment; InputError with similar names if
    unknown."""
    found = subprocess.run(
        ["git", "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode == 0:
        return found.stdout.strip()
    references = git("for-each-ref", "--format=%(objectname) %(refname)").decode().splitlines()
    named = {name.rpartition("/")[2]: sha for sha, name in (line.split(" ", 1) for line in references)}
    if revision in named:
        return named[revision]
    raise InputError(f"{revision}: no such revision or experiment{near(revision, named)}")


def near(name: str, names: Iterable[str]) -> str:
    """Return the end of an error message: similar names, "" if there are none."""
    close = difflib.get_close_matches(name, list(names), n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(close)}?" if close else ""


def read_file(revision: str, path: str) -> bytes | None:
    """Return the content of a file at a revision, None if it is not there."""
    if not revision:
        return Path(path).read_bytes() if Path(path).is_file() else None
    done = subprocess.run(["git", "show", f"{revision}:{path}"], capture_output=True, check=False)
    return None if done.returncode else done.stdout


def files(revision: str, folder: str, suffix: str) -> list[str]:
    """List the files below a folder at a revision that have this suffix."""
    if not revision:
        return sorted(str(path) for path in Path(folder).rglob(f"*{suffix}"))
    listed = git("ls-tree", "-r", "--name-only", "-z", revision, "--", folder).decode()
    return sorted(name for name in listed.split("\0") if name.endswith(suffix))


def read_values(revision: str, path: str) -> dict[str, Any]:
    """Read a YAML or JSON file of a revision as {dotted key: value}; {} if it is not there."""
    content = read_file(revision, path)
    return {} if content is None else dict(flat(parse(content, path, revision)))


def parse(content: bytes, path: str, revision: str) -> dict[str, Any]:
    """Parse a YAML or JSON file that holds a mapping.

    Raises
    ------
    InputError
        If the file holds conflict markers of git, or is damaged.
    """
    from ruamel.yaml import YAML

    name = f"{revision[:12]}:{path}" if revision else path
    if re.search(rb"^<{7} .*^={7}$.*^>{7} ", content, flags=re.MULTILINE | re.DOTALL):
        raise InputError(
            f"{name}: a merge is not done: git's conflict markers stand in it; see docs/sharing.md, Merge two branches"
        )
    try:
        values = YAML(typ="safe").load(content.decode())
    # beside its own errors the parser raises KeyError, IndexError, RecursionError, ...
    except Exception as error:
        raise InputError(f"{name}: damaged ({' '.join(str(error).split())[:200]})") from None
    if not isinstance(values, dict):
        raise InputError(f"{name}: damaged (got {type(values).__name__}, allowed: a mapping)")
    return values


def flat(values: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (dotted key, value) of each leaf of nested mappings."""
    if not isinstance(values, dict):
        yield prefix, values
        return
    for key, value in values.items():
        yield from flat(value, f"{prefix}.{key}" if prefix else str(key))


def read_jobs(revision: str = "") -> dict[str, Job]:
    """Return the jobs that dvc.lock of a revision records, by name; InputError if it has no
    dvc.lock."""
    content = read_file(revision, LOCK)
    if content is None:
        raise InputError(
            f"{revision or 'here'}: no {LOCK}, in which runs are recorded; run `make` in the root of the repository "
            "first, or make the demo a run of its own: docs/sharing.md"
        )
    stages = parse(content, LOCK, revision).get("stages", {})
    return {name: _job(name, stage) for name, stage in stages.items() if "outs" in stage}


def _job(name: str, stage: dict[str, Any]) -> Job:
    command = " ".join(stage["cmd"].split())
    used = {entry["path"]: entry["md5"] for entry in stage.get("deps", [])}
    # of revisions before code.json
    sources = {path: md5 for path, md5 in used.items() if path.startswith("src/")}
    made_by = stage.get("params", {}).get(CODE, {}).get(key_of(command) or "", {})
    listed = "".join(f"{path} {md5}\n" for path, md5 in sorted(sources.items()))
    return Job(
        name=name,
        command=command,
        code=made_by.get("code") or hashlib.sha256(listed.encode()).hexdigest()[:16],
        environment=made_by.get("environment", ""),
        inputs={path: md5 for path, md5 in used.items() if path not in sources},
        params=stage.get("params", {}).get("params.yaml", {}),
        outputs={entry["path"]: entry["md5"] for entry in stage["outs"]},
    )


@functools.lru_cache(maxsize=8)
def sources(revision: str) -> Sources:
    """Return the sources of our package at a revision."""
    if not revision:
        return Sources.on_disk(Path("src"))
    folder = next((name for name in NAMES if git("ls-tree", revision, f"src/{name}/")), NAMES[0])
    with tarfile.open(fileobj=io.BytesIO(git("archive", "--format=tar", revision, "--", f"src/{folder}"))) as archive:
        found = {each.name: archive.extractfile(each) for each in archive.getmembers() if each.isfile()}
        return Sources({path.removeprefix("src/"): stream.read() for path, stream in found.items() if stream})


@functools.cache
def read_code(revision: str) -> dict[str, dict[str, str]]:
    """Return the content of code.json at a revision; {} if it is missing or damaged."""
    try:
        return dict(json.loads(read_file(revision, CODE) or b"{}"))
    except ValueError:
        return {}


def before(name: str) -> str | None:
    """Return the newest revision whose dvc.lock records a job differently or not at all; None if
    none does."""
    present = _records(Path(LOCK).read_text(encoding="utf-8")).get(name)
    for sha in git("log", "--format=%H", "--", LOCK).decode().split():
        if _records((read_file(sha, LOCK) or b"").decode()).get(name) != present:
            return sha
    return None


def since(names: Iterable[str]) -> dict[str, str]:
    """Return the revision since which each job's record is unchanged: "hash date subject", or
    UNCOMMITTED.

    Compares records as text, newest revision first: the whole history takes about a second.
    """
    lock = Path(LOCK)
    present = _records(lock.read_text(encoding="utf-8")) if lock.exists() else {}
    pending, found = set(names), dict.fromkeys(names, UNCOMMITTED)
    for line in git("log", "--format=%H %h %as %s", "--", LOCK).decode().splitlines():
        sha, shown = line.split(" ", 1)
        past = _records((read_file(sha, LOCK) or b"").decode())
        pending = {name for name in pending if past.get(name) == present.get(name)}
        if not pending:
            break
        found |= dict.fromkeys(pending, shown)
    return found


def _records(lock: str) -> dict[str, str]:
    """Return the text of each stage in dvc.lock, without the numbers of YAML anchors, which
    shift."""
    text = re.sub(r"[&*]id\d+", "id", lock)
    blocks = re.split(r"^  (?=[\w-]+:$)", text, flags=re.MULTILINE)[1:]
    return {block.split(":", 1)[0]: block for block in blocks}


def outputs(stage: dict[str, Any]) -> Iterator[str]:
    """Yield the paths that a stage of dvc.yaml makes."""
    for kind in ("outs", "metrics", "plots"):
        for entry in stage.get(kind, []):
            yield entry if isinstance(entry, str) else next(iter(entry))


def value_at(values: Any, key: str) -> Any:
    """Return the value at a dotted key, None if it is not there."""
    return reduce(lambda part, name: part.get(name) if isinstance(part, dict) else None, key.split("."), values)
