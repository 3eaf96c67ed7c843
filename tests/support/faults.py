"""Run a fault campaign on the demo (see --help): kills and corruptions, then a plain rerun.

A trial is counted by these rules:

- *Killed run*: some artifacts of a finished demo are deleted (or all: "whole"), `snakemake` is
started and struck at a random moment: by SIGKILL, SIGTERM or SIGINT to it or its process group, or
by SIGKILL to one of its children, so that jobs may outlive it. A plain `snakemake` must then
succeed, with the bytes of the unbroken run in every artifact except timings, and with no partial
files beside them ("survived"). If it stops with one line that says what to do, and doing that gives
the same bytes, the trial is "detected". Anything else is "lost".

- *Killed command*: SIGKILL or SIGINT hits `bridge commit`, `bridge restore` or `dvc checkout` at a
random moment. The same command again, and then `snakemake`, must give the same bytes, and leave
nothing to run for either tool.

- *Corruption*: an artifact or a download is truncated, emptied or deleted, has a byte flipped, or
is swapped with another. `dvc status` must name it. A plain `snakemake` must rebuild it and leave
nothing made from it ("survived"), or stop with one line ("detected"), and never leave other bytes
anywhere ("lost").

Both tools notice a file's time of last write and its size. If a disk alters a byte without changing
either, `relatent where` finds it, and so does `dvc` in another clone, but no rerun does.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import psutil

from tests.support.lab import LONGEST_SECONDS, Draw, Lab, build, outputs

STARTUP_SECONDS = 5.0  # of a run before its first job
BUSY_SECONDS = (1.0, 8.0)  # of one core, for the jobs of a drawn part
QUICK_JOBS, ALL_JOBS = (0.0, 6.0), (0.0, float("inf"))

Trial = dict[str, Any]


# --- killed runs ----------------------------------------------------------------------------------


def to_all(sent: signal.Signals) -> Callable[[int, Draw], None]:
    return lambda pid, draw: os.killpg(pid, sent)


def to_one(sent: signal.Signals) -> Callable[[int, Draw], None]:
    return lambda pid, draw: os.kill(pid, sent)


def to_a_child(pid: int, draw: Draw) -> None:
    """Send SIGKILL to a shell or a job, after waiting for one."""
    process = psutil.Process(pid)
    while process.status() != psutil.STATUS_ZOMBIE:
        if children := process.children(recursive=True):
            draw.choice(children).kill()
            return
        time.sleep(0.02)
    raise ProcessLookupError


STRIKES: dict[str, Callable[[int, Draw], None]] = {
    "SIGKILL": to_one(signal.SIGKILL),
    "SIGKILL group": to_all(signal.SIGKILL),
    "SIGKILL child": to_a_child,
    "SIGTERM": to_one(signal.SIGTERM),
    "SIGTERM group": to_all(signal.SIGTERM),
    "SIGINT": to_one(signal.SIGINT),
    "SIGINT group": to_all(signal.SIGINT),  # as by Ctrl-C at a terminal
}


def strike(lab: Lab, command: list[str], folder: Path, how: str, seconds: float, draw: Draw) -> tuple[bool, float]:
    """Start a command and strike it after a random part of some seconds.

    Returns whether it was still running, and when it was struck.
    """
    began, after = time.monotonic(), draw.uniform(0, seconds)
    # not a pipe: its jobs may outlive it and us
    with (lab.folder / "struck.log").open("w") as said:
        process = lab.start(*command, cwd=folder, stdout=said)
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        try:
            STRIKES[how](process.pid, draw)
        except (ProcessLookupError, psutil.NoSuchProcess):
            after = -1.0
        process.wait(LONGEST_SECONDS)
        return after >= 0, round(time.monotonic() - began, 2)
    return False, round(time.monotonic() - began, 2)


def killed_run(lab: Lab, folder: Path, draw: Draw, *, busy: tuple[float, float] = BUSY_SECONDS, how: str = "") -> Trial:
    """Kill a run of some of the jobs."""
    how = how or draw.choice(sorted(STRIKES))
    trial: Trial = {"struck": False}
    # times are estimates: the run may end before it is struck
    for patience in (1.2, 0.8, 0.4, 0.2):
        names, seconds = lab.part(draw, busy)
        for name in names:
            for path in outputs(lab.stages[name]):
                (folder / path).unlink(missing_ok=True)
        expected = STARTUP_SECONDS + seconds / lab.cores
        trial = struck(lab, folder, draw, how, patience * expected) | {"jobs": len(names)}
        if trial["struck"]:
            break
    return trial | recovered(lab, folder, draw, expected)


def killed_whole(lab: Lab, folder: Path, draw: Draw) -> Trial:
    """Kill a run that starts from nothing."""
    for name in ("results", "data", "logs", ".snakemake", "checkpoints"):
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / "dvc.lock").unlink()
    expected = STARTUP_SECONDS + sum(map(lab.seconds, lab.stages)) / lab.cores
    trial = struck(lab, folder, draw, draw.choice(sorted(STRIKES)), expected)
    return {"jobs": len(lab.stages)} | trial | recovered(lab, folder, draw, expected)


def struck(lab: Lab, folder: Path, draw: Draw, how: str, seconds: float) -> Trial:
    """Start a run and strike it at a random moment of some seconds, at the pace of the last one."""
    hit, after = strike(lab, ["snakemake", "--cores", str(lab.cores)], folder, how, lab.pace * seconds, draw)
    return {"how": how, "struck": hit, "after": after}


def recovered(lab: Lab, folder: Path, draw: Draw, expected: float) -> Trial:
    """Run the plain rerun, and judge its result."""
    began = time.monotonic()
    again = lab.snakemake(folder)
    lab.pace = min(20.0, max(1.0, (time.monotonic() - began) / expected))
    return stopped(lab, folder, again) if again.returncode else judged(lab, folder, status=draw.random() < 0.2)


def stopped(lab: Lab, folder: Path, done: subprocess.CompletedProcess[str]) -> Trial:
    """Judge a rerun that failed: detected if it says in one line what to do, and that helps."""
    errors = [line for line in done.stdout.splitlines() if "error" in line.lower()]
    trial: Trial = {"said": errors[-3:] or done.stdout[-300:], "status": done.returncode}
    remedies = {"--unlock": ["snakemake", "--unlock"], "dvc checkout": ["dvc", "checkout", "--force"]}
    for sign, remedy in remedies.items():
        if sign in done.stdout:
            lab.call(*remedy, cwd=folder)
            if lab.snakemake(folder).returncode == 0 and not lab.differences(folder):
                return trial | {"outcome": "detected"}
    return trial | {"outcome": "lost"}


def judged(lab: Lab, folder: Path, *, status: bool) -> Trial:
    """Judge the bytes and, if asked, whether both tools have nothing left to run."""
    if differing := lab.differences(folder):
        return {"outcome": "lost", "differing": differing[:8], "count": len(differing)}
    if status:
        lab.call("python", "workflow/bridge", "commit", cwd=folder)  # as in `make`
        done = lab.call("python", "workflow/bridge", "status", cwd=folder)
        if done.returncode or done.stdout.count(": nothing\n") != 2:
            return {"outcome": "lost", "said": done.stdout[-500:]}
    return {"outcome": "survived"}


# --- killed commands ------------------------------------------------------------------------------


def killed_command(lab: Lab, folder: Path, draw: Draw) -> Trial:
    """Kill a command that moves results between the tools while it has much to do."""
    bridge = ["python", "workflow/bridge"]
    what = draw.choice(["commit", "restore", "checkout"])
    if what == "commit":
        (folder / "dvc.lock").unlink()
        commands = [[*bridge, "commit"]]
    elif what == "restore":
        shutil.rmtree(folder / ".snakemake")
        commands = [[*bridge, "restore"]]
    else:
        for name in draw.sample(sorted(lab.stages), len(lab.stages) // 2):
            for path in lab.stages[name].get("outs", []):
                (folder / path).unlink(missing_ok=True)
        commands = [["dvc", "checkout"], [*bridge, "restore"]]
    how = draw.choice(["SIGKILL", "SIGKILL group", "SIGINT group"])
    hit, after = strike(lab, commands[0], folder, how, 10.0 * lab.pace, draw)
    trial: Trial = {"what": what, "how": how, "struck": hit, "after": after}
    for command in commands:
        done = lab.call(*command, cwd=folder)
        if done.returncode:
            return trial | {"outcome": "lost", "said": done.stdout[-500:]}
    done = lab.snakemake(folder)
    return trial | (stopped(lab, folder, done) if done.returncode else judged(lab, folder, status=True))


# --- corruptions ----------------------------------------------------------------------------------


def truncate(path: Path, other: Path, draw: Draw) -> None:
    os.truncate(path, draw.randrange(path.stat().st_size))


def flip(path: Path, other: Path, draw: Draw) -> None:
    content = bytearray(path.read_bytes())
    content[draw.randrange(len(content))] ^= draw.randrange(1, 256)
    path.write_bytes(content)


def swap(path: Path, other: Path, draw: Draw) -> None:
    aside = path.with_name("aside")
    path.rename(aside)
    other.rename(path)
    aside.rename(other)


DAMAGES: dict[str, Callable[[Path, Path, Draw], None]] = {
    "truncate": truncate,
    "flip a byte": flip,
    "empty": lambda path, other, draw: path.write_bytes(b""),
    "delete": lambda path, other, draw: path.unlink(),
    "swap": swap,
}


def corruption(lab: Lab, folder: Path, draw: Draw, *, busy: tuple[float, float] | None = None, how: str = "") -> Trial:
    """Damage one artifact or download of a job with given seconds; by default mostly quick jobs."""
    how = how or draw.choice(sorted(DAMAGES))
    low, high = busy or (ALL_JOBS if draw.random() < 0.25 else QUICK_JOBS)
    quick = {path for job in lab.stages if low <= lab.seconds(job) <= high for path in outputs(lab.stages[job])}
    downloads = [name for name in lab.hashes if name.startswith("data/")]
    made = [name for name in lab.hashes if not name.startswith("data/") and name in quick]
    name = draw.choice(downloads if draw.random() < 0.25 else made)
    alike = [other for other in lab.hashes if lab.hashes[other] != lab.hashes[name]]
    same_kind = [other for other in alike if Path(other).suffix == Path(name).suffix]
    other = draw.choice(same_kind or alike)
    DAMAGES[how](folder / name, folder / other, draw)
    trial: Trial = {"how": how, "file": name} | ({"other": other} if how == "swap" else {})
    shown = name in lab.call("dvc", "status", cwd=folder).stdout
    trial["dvc_status"] = shown
    done = lab.snakemake(folder)
    if done.returncode:
        return trial | stopped(lab, folder, done)
    judgement = judged(lab, folder, status=draw.random() < 0.3)
    return trial | judgement | ({} if shown else {"outcome": "lost"})


# --- the campaign ---------------------------------------------------------------------------------

KINDS: dict[str, Callable[[Lab, Path, Draw], Trial]] = {
    "kill": killed_run,
    "whole": killed_whole,
    "command": killed_command,
    "corruption": corruption,
}


def run_trial(lab: Lab, kind: str, number: int, seed: int, **options: Any) -> Trial:
    """Run one trial with its own seed in its own copy, which is kept if the trial is lost."""
    folder = lab.copy(f"{kind}-{number}")
    began = time.monotonic()
    try:
        outcome = KINDS[kind](lab, folder, Draw(f"{seed} {kind} {number}"), **options)
    except subprocess.TimeoutExpired as error:
        outcome = {"outcome": "lost", "said": str(error)}
    if outcome["outcome"] != "lost":
        shutil.rmtree(folder)
    return {"kind": kind, "number": number, **outcome, "seconds": round(time.monotonic() - began, 1)}


def planned(counts: dict[str, int]) -> Iterator[tuple[str, int]]:
    """Yield all trials, the kinds mixed evenly, so that a shortened campaign has some of each."""
    places = [((number + 0.5) / count, kind, number) for kind, count in counts.items() for number in range(count)]
    return ((kind, number) for _, kind, number in sorted(places))


def summary(trials: list[Trial]) -> dict[str, dict[str, int]]:
    """Count trials by kind, except kills that came after the end of their target."""
    found: dict[str, dict[str, int]] = {}
    for kind in KINDS:
        mine = [trial for trial in trials if trial["kind"] == kind and trial.get("struck", True)]
        counts = Counter(trial["outcome"] for trial in mine)
        found[kind] = {"tried": len(mine)} | {name: counts[name] for name in ("survived", "detected", "lost")}
    return found


def main() -> None:
    """Run the trials that the log lacks, one line each, then print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200, help="of runs of a part of the jobs")
    parser.add_argument("--whole", type=int, default=5, help="kills of runs from nothing")
    parser.add_argument("--commands", type=int, default=15, help="kills of commit, restore and checkout")
    parser.add_argument("--corruptions", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cores", type=int, default=2, help="of each run")
    parser.add_argument("--workers", type=int, default=1, help="trials at once")
    parser.add_argument("--folder", type=Path, default=Path("/tmp/relatent-faults"), help="scratch, and trials.jsonl")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs of a shell ignore it
    options.folder.mkdir(parents=True, exist_ok=True)
    lab = Lab(build(options.folder, options.cores), options.folder, options.cores)
    log = options.folder / "trials.jsonl"
    done = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []
    counts = {"kill": options.kills, "whole": options.whole, "command": options.commands}
    known = {(trial["kind"], trial["number"]) for trial in done}
    left = [trial for trial in planned(counts | {"corruption": options.corruptions}) if trial not in known]
    with ThreadPoolExecutor(options.workers) as pool:
        for ended in as_completed([pool.submit(run_trial, lab, kind, number, options.seed) for kind, number in left]):
            done.append(ended.result())
            with log.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(done[-1]) + "\n")
            print(json.dumps(done[-1]), flush=True)
    print(json.dumps(summary(done), indent=2))


if __name__ == "__main__":
    main()
