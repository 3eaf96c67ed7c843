"""Replay commits of the history on the demo: what does `bridge prove` keep, and does a kept job's
byte ever change?

python benchmarks/replay.py FOLDER [--made DEMO] COMMIT[:path,...][+COMMIT...] | NAME=PATCH ...

For each commit, in a separate folder: take its change of src back from today's sources (`git apply
-R`), which is the old code; make the demo with it and commit that as the run on record; put today's
sources there; call `bridge prove --dear 1`. The truth is DEMO, a whole demo made by today's sources
without any record; it is made first where it is missing. A file after a colon is left as it is
today (others have come to need it). NAME=PATCH takes a patch of one's own back in a commit's place;
commits joined by + are taken back together.

`prove` would make the demo with the old code once more, for the jobs that only a probe speaks for.
Here that is the run on record itself, so a copy of it is laid where `prove` looks.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "workflow"), str(ROOT / "src"), str(ROOT)]

from relatent.jobs.params import read_yaml  # noqa: E402
from relatent.tools.revisions import outputs  # noqa: E402
from tests.support.harness import copy_sources, environment  # noqa: E402

APART = ("timing", "timing_encoders")  # rules that measure seconds, which never come out the same
SEEN = re.compile(r"^(\S+) is to run: (.*)", flags=re.MULTILINE)


def call(*words: str, cwd: Path) -> str:
    """Run a command and return all that it says; SystemExit with its end when it fails."""
    done = subprocess.run(words, cwd=cwd, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{cwd}: {' '.join(words)} failed:\n{(done.stdout + done.stderr)[-2000:]}")
    return done.stdout + done.stderr


def make_demo(folder: Path) -> None:
    """A repository of the sources here whose run is the demo, made whole and committed."""
    copy_sources(folder)
    shutil.copy2(ROOT / "demo" / "params.yaml", folder / "params.yaml")
    call("git", "init", "--quiet", "--initial-branch", "main", cwd=folder)
    call("snakemake", "--cores", "all", "--quiet", "all", cwd=folder)
    commit(folder, "base")


def commit(folder: Path, message: str) -> None:
    """Commit all that is there."""
    call("git", "add", "--all", cwd=folder)
    call("git", "commit", "--quiet", "--allow-empty", "--message", message, cwd=folder)


def take_back(change: str, source: Path) -> None:
    """Take a commit's, or a patch's, change of src back from a copy of the sources here."""
    shutil.rmtree(source, ignore_errors=True)
    call("git", "clone", "--quiet", "--shared", str(ROOT), str(source), cwd=ROOT)
    shutil.copytree(ROOT / "src", source / "src", dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.egg-info"))
    commit(source, "today")
    for each in change.split("+"):
        apply = ["git", "apply", "-R", "--3way", "-"]
        subprocess.run(apply, cwd=source, input=patch_of(each), check=True, capture_output=True)


def patch_of(change: str) -> bytes:
    """The patch of a commit's change of src without the files after the colon, or the one that
    NAME=PATCH names."""
    if "=" in change:
        return Path(change.partition("=")[2]).read_bytes()
    name, _, rest = change.partition(":")
    shown = ["git", "show", "--first-parent", "-m", "--format=", "--binary", name, "--", "src"]
    left_out = [f":(exclude){path}" for path in rest.split(",") if path]
    return subprocess.run([*shown, *left_out], cwd=ROOT, capture_output=True, check=True).stdout


def name_of(change: str) -> str:
    """How a row names its commits."""
    return "+".join(re.split("[=:]", each)[0] for each in change.split("+"))


def replay(change: str, folder: Path, made: Path) -> list[str]:
    """The cells of one commit's row."""
    began = time.perf_counter()
    name = name_of(change)
    shutil.rmtree(folder, ignore_errors=True)
    take_back(change, folder / "sources")
    run = Path(shutil.copytree(made, folder / "run", symlinks=True))
    copy_of_sources(folder / "sources" / "src", run / "src")
    call("snakemake", "--cores", "all", "--quiet", "all", cwd=run)
    commit(run, f"before {name}")
    old = digests(run)
    lay_old_demo(run)
    copy_of_sources(ROOT / "src", run / "src")
    said = call(sys.executable, "workflow/bridge", "prove", "--dear", "1", cwd=run)
    (folder / "said.txt").write_text(said, encoding="utf-8")
    return judge(run, made, old, said) + [f"{time.perf_counter() - began:.0f}"]


def copy_of_sources(source: Path, target: Path) -> None:
    """Make a folder of sources like another one; a file that is the same keeps its time."""
    wanted = {path.relative_to(source) for path in source.rglob("*.*") if path.is_file() and counts(path)}
    for path in [path for path in target.rglob("*.*") if path.is_file() and counts(path)]:
        if path.relative_to(target) not in wanted:
            path.unlink()
    for path in wanted:
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        if not (target / path).exists() or (target / path).read_bytes() != (source / path).read_bytes():
            shutil.copyfile(source / path, target / path)


def counts(path: Path) -> bool:
    """Is this a source, not what an installation or Python leaves beside them?"""
    return "__pycache__" not in path.parts and not any(part.endswith(".egg-info") for part in path.parts)


def lay_old_demo(run: Path) -> None:
    """Copy the run on record to where `prove` would make the demo of the old code."""
    revision = call("git", "rev-parse", "HEAD", cwd=run).strip()
    target = run / ".snakemake" / "proofs" / "demos" / revision[:12] / "demo"
    for part in ("data", "results", "logs", "params.yaml", ".snakemake/metadata", ".snakemake/made"):
        source = run / part
        (target / part).parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target / part, symlinks=True)
        elif source.exists():
            shutil.copy2(source, target / part)


def digests(run: Path) -> dict[str, bytes]:
    """The content of each artifact of a run but the probes, of which the marks count."""
    found = {}
    for path in (path for part in ("data/raw", "results") for path in (run / part).rglob("*") if path.is_file()):
        content = path.read_bytes()
        if path.name == "probe.json":
            content = json.dumps(json.loads(content)["probe"]).encode()
        found[str(path.relative_to(run))] = content
    return found


def judge(run: Path, made: Path, old: dict[str, bytes], said: str) -> list[str]:
    """Compare what was kept with the demo made again: at once, and when the jobs that are left have
    run."""
    stages = {name: stage for name, stage in read_yaml(run / "dvc.yaml")["stages"].items() if name != "structure"}
    new = digests(made)
    other = {path for path in old.keys() | new.keys() if old.get(path) != new.get(path)}
    changed = {name for name, stage in stages.items() if other & {*outputs(stage)}}
    by_itself = {name for name in changed if not other & {*stages[name].get("deps", [])}}  # not by an input's new bytes
    proofs = json.loads((run / "proofs.json").read_text(encoding="utf-8")) if (run / "proofs.json").exists() else {}
    why_not = {name: reason for name, reason in SEEN.findall(said) if not timed(name)}
    reasons = Counter(re.sub(r"results\S+", "a file", reason) for reason in why_not.values())
    idle = [name for name in why_not if name not in changed]
    print("".join(f"  {number} x {reason}\n" for reason, number in reasons.most_common()), end="")
    print("".join(f"  to run, and makes the same: {name}\n" for name in idle), end="")
    by_probe = sum(proof["by"] == "probe" for proof in proofs.values())
    wrong = by_itself & set(proofs)
    call("snakemake", "--cores", "all", "--quiet", "all", cwd=run)
    last = digests(run)
    untimed = [path for name, stage in stages.items() if not timed(name) for path in outputs(stage)]
    apart = sorted(path for path in untimed if last.get(path) != new.get(path) and "claims" not in path)
    print("".join(f"  afterwards not as the demo made again: {path}\n" for path in apart), end="", flush=True)
    counts = (len(proofs) + len(why_not), sum(not timed(name) for name in changed), len(proofs) - by_probe, by_probe)
    return [*map(str, (*counts, len(why_not), len(wrong), len(apart)))]


def timed(name: str) -> bool:
    """Does a job measure seconds?"""
    return name.startswith(APART)


def main() -> None:
    """Print a row for each commit.

    Jobs tried; jobs of which the demo made again has other bytes; kept by a rerun and by a probe;
    to run; kept although other bytes come from the same inputs; files that are not as in the demo
    made again once the rest has run.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("changes", nargs="+")
    parser.add_argument("--made", type=Path)
    options = parser.parse_args()
    made = (options.made or options.folder / "made").resolve()
    os.chdir(ROOT)
    if not made.exists():
        make_demo(made)
    print(
        "| commit | tried | other bytes | kept by rerun | by probe | to run | wrongly kept | files apart | s |",
        flush=True,
    )
    for change in options.changes:
        name = name_of(change)
        cells = replay(change, options.folder.resolve() / name, made)
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
