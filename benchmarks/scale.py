"""Seconds of the bridge's verbs and of a dry run with many jobs: all results are tiny made-up
files, held up to date.

python benchmarks/scale.py FOLDER [--revision HEAD] [--seeds 71]

FOLDER gets a clone of the revision. With --seeds each run of `vae` gets so many, in place of its
own: 71 make about 4,000 jobs. One line per command: wall and CPU seconds; then the lines and bytes
of dvc.yaml and dvc.lock.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def clone(folder: Path, revision: str, seeds: int) -> None:
    """Clone a revision and give each run of vae so many seeds; 0 leaves them."""
    subprocess.run(["git", "clone", "--quiet", "--shared", str(ROOT), str(folder)], check=True)
    subprocess.run(["git", "checkout", "--quiet", revision], cwd=folder, check=True)
    for name in ("results", "dvc.lock", "dvc.yaml"):
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    params = folder / "params.yaml"
    before, mark, after = params.read_text(encoding="utf-8").partition("\nvae:")
    section, end, rest = re.split(r"(\n(?=[a-z_]+:))", after, maxsplit=1)
    if seeds:
        section = re.sub(r"\bseeds: \[[^]]*\]", f"seeds: {[*range(seeds)]}", section)
    params.write_text(before + mark + section + end + rest, encoding="utf-8")


def fill() -> None:
    """Write every output of every job, one line per file, and have Snakemake hold all jobs up to
    date."""
    sys.path[:0] = ["workflow", "src"]
    from bridge.snakemake_side import open_flow

    with open_flow() as flow:
        made = [path for job in flow.jobs for path in job.outputs]
        for path in made:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text(f'{{"path": "{path}"}}\n', encoding="utf-8")
        flow.mark({job.name for job in flow.jobs})
    print(f"{len(flow.jobs)} jobs, {len(made)} files")


def timed(label: str, *words: str, cwd: Path) -> None:
    """Run a command and print its seconds."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(words, cwd=cwd, env=environment(cwd), capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    said = (done.stdout + done.stderr).strip().splitlines()
    print(f"{label:<26} {wall:7.1f} s wall {cpu:7.1f} s CPU   {done.returncode}  {said[-1][:100]}", flush=True)


def environment(folder: Path) -> dict[str, str]:
    """Ours, with the clone's sources first."""
    return os.environ | {"PYTHONPATH": str(folder / "src")}


def main() -> None:
    """Make the clone and time each command in it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--revision", default="HEAD")
    parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--fill", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fill:
        return fill()
    folder = options.folder.resolve()
    clone(folder, options.revision, options.seeds)
    bridge = (sys.executable, "workflow/bridge")
    timed("gen", *bridge, "gen", cwd=folder)
    timed("(making up the files)", sys.executable, str(Path(__file__).resolve()), "--fill", cwd=folder)
    timed("commit of all", *bridge, "commit", cwd=folder)
    timed("commit of nothing new", *bridge, "commit", cwd=folder)
    timed("status", *bridge, "status", cwd=folder)
    shutil.rmtree(folder / ".snakemake" / "metadata")
    timed("restore of all", *bridge, "restore", cwd=folder)
    timed("restore of nothing", *bridge, "restore", cwd=folder)
    timed("snakemake -n", str(Path(sys.executable).with_name("snakemake")), "-n", cwd=folder)
    for name in ("dvc.yaml", "dvc.lock"):
        content = (folder / name).read_bytes()
        lines = content.count(b"\n")
        print(f"{name}: {lines:,} lines, {len(content):,} bytes")


if __name__ == "__main__":
    main()
