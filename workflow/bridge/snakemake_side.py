"""Read Snakemake's jobs, which of them it would run, and its records of them.

No public call gives all this. The private calls are confined to this file, and Snakemake's version
is pinned.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge import recover
from bridge.planning import mark, stage_name, words
from relatent.errors import InputError
from relatent.jobs.closure import key_of
from relatent.jobs.plan import vouch

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Job:
    """One concrete Snakemake job."""

    name: str  # name of the DVC stage
    command: str
    inputs: list[str]
    outputs: list[str]
    key: str  # key of its command in code.json
    tracked: list[str]  # dotted keys of params.yaml
    up_to_date: bool  # True if Snakemake would not run it
    recorded: bool  # True if Snakemake has metadata of its last run
    reason: str = ""  # why Snakemake would run it
    threads: int = 1
    rule: str = ""
    mark: str = ""  # digest of command, code, environment and parameters
    wildcards: dict[str, str] = field(default_factory=dict)
    # in the report: output -> heading, file of its caption
    shown: dict[str, tuple[str, str]] = field(default_factory=dict)


class Flow:
    """DAG of the Snakefile here, loaded once."""

    def __init__(self, workflow: Any) -> None:
        self._workflow = workflow
        order = {rule.name: number for number, rule in enumerate(workflow.rules)}
        found = sorted(
            (job for job in workflow.dag.jobs if job.output),
            key=lambda job: (order[job.rule.name], *job.wildcards_dict.values()),
        )
        self._raw = {stage_name(job): job for job in found}
        self.jobs = [self._job(name, raw) for name, raw in self._raw.items()]
        """All jobs, in the order of their rules."""

    def _job(self, name: str, raw: Any) -> Job:
        return Job(
            name=name,
            rule=raw.rule.name,
            command=words(raw.shellcmd),
            key=key_of(raw.shellcmd) or "",
            mark=mark(raw),
            inputs=[str(path) for path in raw.input],
            outputs=[str(path) for path in raw.output],
            tracked=list(dict(raw.params.items()).get("tracked", {})),
            up_to_date=not self._workflow.dag.needrun(raw),
            recorded=bool(self._workflow.persistence.has_metadata(raw)),
            reason=str(self._workflow.dag.reason(raw)) if self._workflow.dag.needrun(raw) else "",
            threads=int(raw.threads),
            wildcards={key: str(value) for key, value in raw.wildcards_dict.items()},
            shown={
                str(path): (str(path.flags["report"].category), str(path.flags["report"].caption))
                for path in raw.output
                if "report" in getattr(path, "flags", {})
            },
        )

    def mark(self, names: set[str]) -> list[str]:
        """Make Snakemake consider these jobs up to date; return the outputs that got a new time.

        Jobs come in the order of their dependencies. If the call is killed, it can be repeated.
        """
        from snakemake.settings.types import ExecutionSettings

        workflow = self._workflow
        if names and workflow.persistence.locked:
            raise InputError(
                "snakemake is running here, or was killed; wait for it, or call `snakemake --unlock`, then repeat this"
            )
        workflow.execution_settings = ExecutionSettings()
        workflow.iocache.deactivate()  # its cache has the old times
        chosen = {id(self._raw[name]) for name in names}
        touched = []
        for raw in workflow.dag.toposorted():
            for job in raw if isinstance(raw, list | set) else [raw]:
                if id(job) in chosen:
                    touched += renew(list(map(str, job.input)), list(map(str, job.output)))
                    # Snakemake counts the benchmark as an output
                    if job.benchmark and os.path.exists(job.benchmark):
                        renew(list(map(str, job.input)), [str(job.benchmark)])
                    workflow.async_run(workflow.persistence.finished(job))
                    vouch(stage_name(job), mark(job))
        return touched


@contextmanager
def open_flow() -> Iterator[Flow]:
    """Load the Snakefile and build its DAG."""
    from snakemake.api import SnakemakeApi
    from snakemake.exceptions import MissingInputException
    from snakemake.settings.enums import Quietness, RerunTrigger
    from snakemake.settings.types import ConfigSettings, DAGSettings, OutputSettings, ResourceSettings

    recover.bridging = True
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        flow = api.workflow(ResourceSettings(cores=1), ConfigSettings(), snakefile=ROOT / "Snakefile")
        triggers = RerunTrigger.all() - {RerunTrigger.CODE}
        # as in the default profile
        flow.dag(DAGSettings(rerun_triggers=triggers, force_incomplete=True))
        workflow = flow._workflow
        workflow._prepare_dag(forceall=False, ignore_incomplete=False, lock_warn_only=True)
        try:
            workflow._build_dag()
        except MissingInputException as error:
            missing = " ".join(str(error).partition("affected files:")[2].split())
            raise InputError(f"{missing}: no such file, which rule {error.rule} reads and no rule makes") from None
        yield Flow(workflow)


def renew(inputs: list[str], outputs: list[str]) -> list[str]:
    """Give outputs that are older than an input the present time; return them."""
    newest = max((os.stat(path).st_mtime_ns for path in inputs), default=0)
    old = [path for path in outputs if os.stat(path).st_mtime_ns < newest]
    for path in old:
        os.utime(path)
        # still older if an input is from the future, after the clock was set back
        if os.stat(path).st_mtime_ns < newest:
            os.utime(path, ns=(newest, newest))
    return old
