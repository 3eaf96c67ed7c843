"""Write DVC's pipeline from Snakemake's jobs: one stage per concrete job."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bridge.dvc_side import GUARD
from bridge.planning import PREFIX, TABLE, read_keys, yaml_text
from bridge.snakemake_side import Job
from relatent.files.atomic import atomic
from relatent.jobs.params import read_yaml
from relatent.stages.shared import schema
from relatent.stages.shared.discovery import told

SOURCES = "src/relatent"
HEADER = "# Written from the Snakefile by `python workflow/bridge gen`; do not edit.\n"


def entry(job: Job) -> dict[str, Any]:
    """Return the job as an entry of dvc.yaml."""
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
    """Check for a probe: it holds digests, which `dvc metrics` should not show."""
    return Path(path).name == "probe.json"


def _in_git(path: str) -> bool:
    """Check whether git keeps a file: metrics, probes and figures. Others are in DVC's cache."""
    return _is_metrics(path) or _is_probe(path) or path.endswith(".png")


def _axes(path: str) -> dict[str, str] | None:
    """Return the axes that `dvc plots` draws of a table below results/<stage>/; None for others."""
    columns = told("AXES").get(Path(path).parts[1], {}).get(Path(path).name)
    return dict(zip("xy", columns, strict=True)) if columns else None


def pipeline(jobs: Iterable[Job]) -> dict[str, Any]:
    """Return the content of dvc.yaml."""
    shape, values = schema.shape(), read_yaml("params.yaml")
    guard = {
        "cmd": "python workflow/bridge check",
        "deps": [SOURCES],
        "params": sorted({name for key in shape for name in read_keys(key, values)}),
        "outs": [{TABLE.name: {"cache": False, "persist": True}}],
        "meta": {"shape": shape},
    }
    return {"stages": {GUARD: guard} | {job.name: entry(job) for job in jobs}}


def write_pipeline(jobs: list[Job]) -> bool:
    """Write these jobs to dvc.yaml; return True if it changed."""
    text = HEADER + yaml_text(pipeline(jobs))
    path = Path("dvc.yaml")
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return True
