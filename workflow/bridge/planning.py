"""Plan a run: command, code and environment of each job as parameters, and a plan that jobs obey.

Snakemake compares the parameter `made_by` with the recorded one. It is computed when the Snakefile
is parsed, so an edit of a source during a run takes effect in the next run. The plan is written
when a run starts; src/relatent/jobs/plan.py checks each job against it.
"""

from __future__ import annotations

import configparser
import functools
import hashlib
import io
import json
import os
import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bridge.recover import recorded
from relatent.files.tables import write_json
from relatent.jobs import closure
from relatent.jobs.params import RUNS
from relatent.jobs.plan import arguments, stamps

TABLE = Path("code.json")
PLAN_FILE = Path(".snakemake/plan.json")
# copies of files in git, by md5: a job that need not run puts them back
KEPT = Path(".snakemake/kept")
PREFIX = "PYTHONPATH=src"  # counterpart in DVC of the Snakefile's shell.prefix
Code = Mapping[str, Mapping[str, str]]


def plain(value: Any) -> Any:
    """Normalise a parameter, so that equal values look equal: keys sorted, whole floats as ints.

    Examples
    --------
    >>> plain({"b": 0.0, "a": [1.5, 2.0]})
    {'a': [1.5, 2], 'b': 0}
    """
    if isinstance(value, Mapping):
        return {name: plain(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def read_keys(key: str, values: Mapping[str, Any]) -> list[str]:
    """Return the keys of params.yaml that hold a parameter.

    For a run, these are its own key and its section's defaults for what it does not state.

    Examples
    --------
    >>> values = {"rbm": {"defaults": {"epochs": 9, "seed": 0}, "runs": {"long": {"epochs": 99}}}}
    >>> read_keys("rbm.runs.long", values)
    ['rbm.runs.long', 'rbm.defaults.seed']
    >>> read_keys("rbm.runs.long.seed", values)
    ['rbm.defaults.seed']
    """
    section, *rest = key.split(".")
    defaults = values[section].get("defaults") if isinstance(values[section], dict) else None
    if defaults is None or len(rest) < 2 or rest[0] not in RUNS:
        return [key]
    own = values[section][rest[0]][rest[1]]
    if len(rest) > 2:
        return [key if rest[2] in own else f"{section}.defaults.{rest[2]}"]
    return [key, *(f"{section}.defaults.{name}" for name in defaults if name not in own)]


def made_by(rule: Any, code: Code) -> Callable[[Any], dict[str, Any]]:
    """Return a function of the wildcards that gives a job's command and the digests behind it.

    Inputs are written into the command in their order. The log is left out, since it is not part of
    a result.
    """
    from snakemake.utils import format as fill

    constants = SimpleNamespace(
        **{name: value for name, value in rule.params._allitems() if name and not callable(value)}
    )

    def value(wildcards: Any) -> dict[str, Any]:
        found = dict(wildcards.items())
        inputs, outputs = rule.expand_input(found)[0], rule.expand_output(found)[0]
        parts = {"input": inputs, "output": outputs, "wildcards": wildcards, "params": constants, "log": "-"}
        command = fill(rule.shellcmd, **parts)
        return {"command": words(command), **code.get(closure.key_of(command) or "", {})}

    return value


def keep_notes(rule: Any) -> None:
    """Give a rule its log and benchmark: logs/<rule>/<wildcard>/.../<wildcard>.log and .tsv."""
    names = dict.fromkeys(re.findall(r"{(\w+)", str(rule.output[0])))
    place = "/".join(["logs", rule.name, *(f"{{{name}}}" for name in names)])
    # as if the rule had declared both
    rule.log_modifier = rule.benchmark_modifier = rule.output_modifier
    rule.set_log(f"{place}.log")
    rule.benchmark = f"{place}.tsv"


def yaml_text(content: Mapping[str, Any]) -> str:
    """Return YAML 1.2 as DVC reads it, with no aliases and one line per value.

    This is six times as fast as DVC's own writer.
    """
    from ruamel.yaml import YAML

    yaml, stream = YAML(typ="safe"), io.StringIO()
    yaml.default_flow_style, yaml.sort_base_mapping_type_on_output, yaml.width = False, False, 4096
    yaml.representer.ignore_aliases = lambda *_: True
    yaml.dump(_plainly(content), stream)
    return stream.getvalue()


def _plainly(value: Any) -> Any:
    """Convert to plain mappings and lists: DVC's ordered ones would be written with a tag."""
    if isinstance(value, Mapping):
        return {name: _plainly(item) for name, item in value.items()}
    return [_plainly(item) for item in value] if isinstance(value, list) else value


def words(command: str) -> str:
    """Return a command with one space between its words, since layout does not count."""
    return " ".join(command.split())


def write_plan(dag: Any, *, params: Any, closures: Mapping[str, closure.Closure], source: Path) -> None:
    """Write what each job to run was planned with, for src/relatent/jobs/plan.py."""
    known = recorded() if Path(".dvc").is_dir() else {}
    jobs = {
        arguments(shlex.split(job.shellcmd)): entry(job, known if _only_inputs_are_newer(dag.reason(job)) else {})
        for job in dag.needrun_jobs()
        if job.output
    }
    code = {key: stamps(source, closures[key].files) for key in {each["key"] for each in jobs.values()}}
    write_json(PLAN_FILE, {"params": params, "code": code, "jobs": jobs})


def entry(job: Any, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return one job of the plan: the fields of `relatent.jobs.plan.Job`."""
    return {
        "name": stage_name(job),
        "key": closure.key_of(job.shellcmd),
        "inputs": [str(path) for path in job.input],
        "outputs": [str(path) for path in job.output],
        "notes": [str(path) for path in [*job.log, job.benchmark] if path],
        "mark": mark(job),
        "record": _record(job, known.get(stage_name(job), {})),
    }


def mark(job: Any) -> str:
    """Return a digest of a planned job: its command, code, environment and parameters."""
    planned = json.dumps([job.params.get("made_by"), job.params.get("tracked")])
    return hashlib.sha256(planned.encode()).hexdigest()[:16]


def _only_inputs_are_newer(reason: Any) -> bool:
    """Check that a job would run only because an input is newer or will be made again."""
    others = ("missing_output", "params_changed", "input_changed", "software_stack_changed", "forced", "no_metadata")
    return not any(getattr(reason, other) for other in others)


def _record(job: Any, stage: Mapping[str, Any]) -> dict[str, Any]:
    """Return inputs and outputs that dvc.lock records for this job as planned; empty otherwise."""
    made_by, tracked = job.params.get("made_by"), job.params.get("tracked", {})
    params = stage.get("params", {})
    key = closure.key_of(job.shellcmd)
    same = (
        words(stage.get("cmd", "")) == f"{PREFIX} {words(job.shellcmd)}"
        and plain(params.get("params.yaml", {})) == plain(tracked)
        and params.get(TABLE.name, {}).get(key) == {part: made_by[part] for part in ("code", "environment")}
        and {each["path"] for each in stage.get("deps", [])} == set(map(str, job.input))
    )
    if not same:
        return {}
    files = {kind: {each["path"]: each["md5"] for each in stage.get(kind, [])} for kind in ("deps", "outs")}
    return {"inputs": files["deps"], "outputs": files["outs"], "stores": [str(_cache()), str(KEPT)]}


@functools.cache
def _cache() -> Path:
    """Return the folder of DVC's cache of files, named by md5."""
    config = configparser.ConfigParser()
    config.read([".dvc/config", ".dvc/config.local"])
    folder = config.get("cache", "dir", fallback="cache")
    return Path(".dvc", folder, "files", "md5")  # an absolute folder is used as it is


def stage_name(job: Any) -> str:
    """Return the name of a job's stage in dvc.yaml."""
    return "-".join([job.rule.name, *map(str, job.wildcards_dict.values())])


def refresh(table: Code) -> None:
    """Bring code.json up to date in the repository; DVC compares its values key by key."""
    try:
        if Path(".dvc").is_dir() and "DVC_STAGE" not in os.environ and _read_table() != table:
            write_json(TABLE, table)
    except OSError:  # read-only folder: nothing can run here either
        return


def _read_table() -> Any:
    try:
        return json.loads(TABLE.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
