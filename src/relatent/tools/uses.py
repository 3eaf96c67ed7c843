"""uses.json: the time and memory that each job took when it last ran, and on which machine.

git keeps the file, `bridge commit` writes it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from relatent.files.atomic import atomic
from relatent.jobs.use import beside

USES = Path("uses.json")
NONE: dict[str, Any] = {"machines": {}, "jobs": {}}


def read() -> dict[str, Any]:
    """Return the content of uses.json; no machines and no jobs if it is missing or damaged."""
    try:
        found = json.loads(USES.read_text(encoding="utf-8"))
        return {part: dict(found[part]) for part in NONE}
    except (OSError, ValueError, KeyError, TypeError):
        return NONE


def collect(commands: Mapping[str, str], recorded: Iterable[str]) -> None:
    """Update uses.json from what the recorded jobs wrote beside their logs.

    Jobs that no longer exist are dropped, and machines that no job names. A job that is not in
    `recorded` keeps its entry: its outputs were restored, it did not run.

    Parameters
    ----------
    commands : {job: command} of all jobs.
    recorded : names of the jobs whose record in dvc.lock changed.
    """
    known, new = read(), set(recorded)
    machines, jobs = dict(known["machines"]), {}
    for name, command in sorted(commands.items()):
        use = _written(command) if name in new or name not in known["jobs"] else None
        if use:
            machine = use.pop("machine")
            digest = hashlib.sha256(json.dumps(machine, sort_keys=True).encode()).hexdigest()[:8]
            machines[digest] = machine
            jobs[name] = {"machine": digest, **use}
        elif name in known["jobs"]:
            jobs[name] = known["jobs"][name]
    present = {each["machine"] for each in jobs.values()}
    text = _text({"machines": {name: machines[name] for name in sorted(present & machines.keys())}, "jobs": jobs})
    if jobs != known["jobs"] or not USES.exists():
        with atomic(USES) as temporary:
            temporary.write_text(text, encoding="utf-8")


def _written(command: str) -> dict[str, Any] | None:
    """Return what a job wrote beside its log, None if there is no such file or it is damaged."""
    log = re.search(r"--log (\S+)", command)
    try:
        use = json.loads(beside(log[1]).read_text(encoding="utf-8")) if log else None
        return use and {part: use[part] for part in ("machine", "cpu_seconds", "wall_seconds", "peak_mib")}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _text(uses: Mapping[str, Mapping[str, Any]]) -> str:
    """Format as JSON with one line per machine or job, so that a diff of two revisions names the
    jobs."""
    parts = []
    for part, entries in uses.items():
        lines = ",\n".join(f"    {json.dumps(name)}: {json.dumps(value)}" for name, value in entries.items())
        parts.append(f'  "{part}": {{\n{lines}\n  }}' if lines else f'  "{part}": {{}}')
    return "{\n" + ",\n".join(parts) + "\n}\n"
