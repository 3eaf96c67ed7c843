"""Check that a job runs with the code, parameters and files that it was planned with.

Snakemake's jobs find these in the plan that their run wrote when it started, DVC's jobs in dvc.yaml
and code.json. A command that a person calls has no plan, and nothing is checked.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from relatent.errors import InputError
from relatent.jobs import params
from relatent.jobs.closure import PACKAGE, Sources, key_of, table
from relatent.jobs.use import beside

PLAN = "RELATENT_PLAN"  # environment variable with the path of a Snakemake run's plan
SOURCE = Path(__file__).resolve().parents[2]
# one file per job with the mark of its last run, which `--touch` does not change
MADE = Path(".snakemake/made")
AGAIN = "the job did not run; run again"


@dataclass(frozen=True)
class Job:
    """What one job was planned with.

    Attributes
    ----------
    name : name of the job in dvc.yaml.
    key : key of its command in code.json.
    inputs, outputs, notes : files that it declares; notes are its log and its benchmark.
    keys : dotted keys of params.yaml on which it depends.
    mark : digest of command, code, environment and parameters; a job that succeeds writes it to
        `MADE`.
    record : {"inputs": {path: md5}, "outputs": {path: md5}, "stores": [folders]} of an earlier run
        with the same command, code, environment and parameters; empty if there is none.
    covered : sources that the digest of its code covers, by their paths below src.
    """

    name: str
    key: str
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    mark: str = ""
    record: dict[str, Any] = field(default_factory=dict)
    covered: frozenset[str] = frozenset()

    def reads(self) -> list[Path]:
        """Return the files that it may read, beside those that every job may read."""
        return [Path("code.json"), *map(Path, self.inputs)]

    def writes(self) -> list[Path]:
        """Return the files that it may write."""
        used = [beside(path) for path in self.notes if path.endswith(".log")]
        return [MADE / self.name, *used, *map(Path, [*self.outputs, *self.notes])]


def begin() -> Job | None:
    """Check this process against its plan before it imports or reads anything else.

    Returns None if there is no plan.

    Raises
    ------
    InputError
        If the code or the environment is not what the job was planned with.
    SystemExit
        With status 0, if the outputs of an earlier run with the same inputs were put back.
    """
    if path := os.environ.get(PLAN):
        job = _of_snakemake(Path(path))
    elif name := os.environ.get("DVC_STAGE"):
        job = _of_dvc(name)
    else:
        return None
    if job and job.record and put_back(job.record):
        vouch(job.name, job.mark)
        raise SystemExit(0)
    return job


def vouch(name: str, mark: str) -> None:
    """Record the mark with which the outputs of a job were made."""
    from relatent.files.atomic import atomic

    with atomic(MADE / name) as temporary:
        temporary.write_text(mark, encoding="utf-8")


def vouched(name: str) -> str:
    """Return the mark with which a job's outputs were made; empty if there is none."""
    path = MADE / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


def end(job: Job | None) -> None:
    """Record that the job succeeded.

    Raises
    ------
    InputError
        If the job ran code that its digest does not cover, or if DVC would record parameters or
        code that the job did not use.
    """
    if job is None:
        return
    if os.environ.get(PLAN):  # Snakemake records what it planned
        if missed := sorted(loaded() - job.covered):
            raise InputError(f"{job.name} ran {missed[0]}, which is not in its closure: src/relatent/jobs/closure.py")
        vouch(job.name, job.mark)
        return
    now, before = params.read_yaml("params.yaml"), params.taken()
    edited = [name for name in job.keys if _at(now, name) != _at(before, name)]
    if edited or _read(Path("code.json"))[job.key]["code"] != Sources.on_disk(SOURCE).closures(job.key)[job.key].code:
        what = f"params.yaml: {', '.join(edited)}" if edited else "the code"
        raise InputError(f"{what} was edited while {job.name} ran: DVC would record the new for the old; run again")


# --- Snakemake ------------------------------------------------------------------------------------


def arguments(words: Iterable[str]) -> str:
    """Return a job's command without the interpreter, whose path depends on the machine."""
    return " ".join([*words][1:])


def _of_snakemake(path: Path) -> Job | None:
    plan = _read(path)
    entry = plan["jobs"].get(arguments(sys.orig_argv))
    if entry is None:  # a person's command in a run's environment
        return None
    files = plan["code"][entry["key"]]
    job = Job(**entry, covered=frozenset(files))
    params.take(plan["params"])
    if any(_stamp(path) != stamp for path, (stamp, _) in files.items()):
        now = Sources.on_disk(SOURCE).closures(job.key)[job.key].files
        edited = sorted(path for path in now.keys() | files.keys() if now.get(path) != files.get(path, [0, 0])[1])
        if edited:
            raise InputError(f"{edited[0]} was edited after {job.name} was planned; {AGAIN}")
    return job


def stamps(source: Path, files: Mapping[str, str]) -> dict[str, tuple[list[int], str]]:
    """Return time, size and digest of each source: {path below src: ([ns, bytes], digest)}."""
    return {path: (_stamp(path, source), digest) for path, digest in files.items()}


def _stamp(path: str, source: Path = SOURCE) -> list[int]:
    try:
        found = (source / path).stat()
    except OSError:
        return [0, 0]
    return [found.st_mtime_ns, found.st_size]


def loaded() -> set[str]:
    """Return the sources of our modules that this process has imported, as paths below src."""
    modules = [module for name, module in sys.modules.items() if name.partition(".")[0] == PACKAGE]
    ours = [getattr(module, "__file__", None) for module in modules]
    return {Path(path).resolve().relative_to(SOURCE).as_posix() for path in ours if path}


# --- DVC ------------------------------------------------------------------------------------------


def _of_dvc(name: str) -> Job | None:
    from ruamel.yaml import YAML

    name = name.rpartition(":")[2]
    lines = re.search(rf"^  {re.escape(name)}:\n(?:    .*\n)+", Path("dvc.yaml").read_text(encoding="utf-8"), re.M)
    stage = YAML(typ="safe").load(lines[0])[name] if lines else {}
    key = key_of(stage.get("cmd", ""))
    if key is None:
        return None
    closure = Sources.on_disk(SOURCE).closures(key)[key]
    planned, now = _read(Path("code.json")), table({key: closure})
    for part in ("code", "environment"):
        if planned[key][part] != now[key][part]:
            raise InputError(f"the {part} of {name} is not the one in code.json; run `python workflow/bridge gen`")
    params.take(params.read_yaml("params.yaml"))
    outputs = [
        path if isinstance(path, str) else next(iter(path))
        for kind in ("outs", "metrics", "plots")
        for path in stage.get(kind, [])
    ]
    log = re.findall(r"--log (\S+)", stage["cmd"])
    keys = [entry for entry in stage.get("params", []) if isinstance(entry, str)]
    return Job(name, key, inputs=stage.get("deps", []), outputs=outputs, notes=log, keys=keys)


def _at(values: Any, name: str) -> Any:
    """Return the value at a dotted key; None if there is none."""
    for part in name.split("."):
        values = values.get(part) if isinstance(values, dict) else None
    return values


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a whole JSON file ({error}); {AGAIN}") from None


# --- outputs of an earlier run --------------------------------------------------------------------


def put_back(record: Mapping[str, Any]) -> bool:
    """Put the recorded outputs back if all inputs are as recorded; otherwise return False."""
    from relatent.files.atomic import atomic

    if any(not Path(path).is_file() or md5(path) != known for path, known in record["inputs"].items()):
        return False
    found = {path: _stored(known, record["stores"]) for path, known in record["outputs"].items()}
    if None in found.values():
        return False
    for path, stored in found.items():
        with atomic(path) as temporary:
            shutil.copyfile(str(stored), temporary)
    print("code, parameters and inputs are as recorded: outputs put back", file=sys.stderr)
    return True


def _stored(known: str, stores: Iterable[str]) -> Path | None:
    """Find an undamaged file with this md5 in one of the stores; None if there is none."""
    paths = (Path(store, known[:2], known[2:]) for store in stores)
    return next((path for path in paths if path.is_file() and md5(path) == known), None)


def md5(path: str | Path) -> str:
    """Return a file's md5, as DVC computes it."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "md5").hexdigest()
