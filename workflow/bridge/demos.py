"""Compare the demo under the code of an earlier revision and under the present code, by rule."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from bridge import shadow
from relatent.tools.revisions import git

ROOT = Path(__file__).resolve().parents[2]


class Compared(NamedTuple):
    """Jobs of one rule: outputs that are the same, and the first one that differs."""

    same: tuple[str, ...]
    different: str = ""


def here() -> str:
    """Return the revision of the sources here, and whether they were edited since."""
    head = git("rev-parse", "--short=12", "HEAD").decode().strip()
    return f"{head}, edited" if git("status", "--porcelain", "--", "src").strip() else head


def compare(revision: str, rules: Iterable[str], folder: Path, cores: int) -> dict[str, Compared]:
    """Make the demo of some rules under old and new code, and compare the outputs of each rule."""
    names = sorted(rules)
    old, new = folder / revision[:12], folder / "new"
    _unpack(revision, old / "sources")
    if said := make(old / "sources", old / "demo", names, cores):
        return {name: Compared((), f"under {revision[:12]}: {said}") for name in names}
    shutil.rmtree(new, ignore_errors=True)
    shutil.copytree(old / "demo", new, symlinks=True)
    shutil.copy2(ROOT / "demo" / "params.yaml", new / "params.yaml")
    if said := make(ROOT, new, names, cores):
        return {name: Compared((), said) for name in names}
    return {name: _compared(outputs, old / "demo", new) for name, outputs in _made(new, names).items()}


def _compared(outputs: list[str], old: Path, new: Path) -> Compared:
    different = [path for path in outputs if not shadow.same(old / path, new / path)]
    return Compared(tuple(path for path in outputs if path not in different), different[0] if different else "")


def _unpack(revision: str, folder: Path) -> None:
    """Unpack the files of a revision that the demo needs, once."""
    if folder.exists():
        return
    parts = ["src", "workflow", "Snakefile", "profiles", "demo", "pyproject.toml"]
    with tarfile.open(fileobj=io.BytesIO(git("archive", revision, *parts))) as tar:
        tar.extractall(folder, filter="data")


def make(sources: Path, folder: Path, rules: list[str], cores: int) -> str:
    """Make the outputs of these rules in the demo of some sources; return an error line, or ""."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "params.yaml").exists():
        shutil.copy2(sources / "demo" / "params.yaml", folder / "params.yaml")
    listed = snakemake(sources, folder, "--summary")
    if listed.returncode:
        return _error(listed)
    # not `--until`: Snakemake stops there at a rule even if another one of the list is below it
    targets = [path for outputs in _outputs(listed.stdout, rules).values() for path in outputs]
    if not targets:  # without a target Snakemake would make everything
        return ""
    done = snakemake(sources, folder, "--cores", str(cores), "--quiet", "progress", "--", *targets)
    return _error(done) if done.returncode else ""


def _error(done: subprocess.CompletedProcess[str]) -> str:
    """Return the line that says why Snakemake failed."""
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines()]
    said = [line for start in ("error:", "BUG", "WorkflowError") for line in lines if line.startswith(start)]
    return said[0] if said else f"it failed with status {done.returncode}"


def _made(folder: Path, rules: list[str]) -> dict[str, list[str]]:
    """Return the files that these rules made in the demo of the sources here."""
    found = _outputs(snakemake(ROOT, folder, "--summary").stdout, rules)
    return {rule: [path for path in paths if (folder / path).is_file()] for rule, paths in found.items()}


def _outputs(summary: str, rules: list[str]) -> dict[str, list[str]]:
    """Return the outputs of each of these rules from Snakemake's summary."""
    rows = [line.split("\t") for line in summary.splitlines() if line.count("\t") > 3]
    return {rule: [row[0] for row in rows if row[2] == rule] for rule in rules}


def snakemake(sources: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the snakemake beside our Python on some sources, in a folder."""
    program = Path(sys.executable).with_name("snakemake")
    command = [str(program), "--directory", str(folder.resolve()), *words]
    return subprocess.run(command, cwd=sources, env=shadow.environment(), capture_output=True, text=True, check=False)
