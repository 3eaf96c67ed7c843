"""CPU hours that the last commits asked for: without proof, and with proof and cut-off by bytes;
from git alone.

python benchmarks/reruns.py [--commits 100] [revision]

Without proof every touched job and all below it run. With proof, a job that only its code touched
is tried:

- a cheap one is rerun, a dear one begins its probe (PROBE_SECONDS), and the demo is made twice
  (DEMO_SECONDS);
- where its outputs in dvc.lock are the same before and after, it is kept; otherwise it runs, and of
  those below it the ones whose inputs differ.

Before and after are the last dvc.lock that was committed before the code and the first one after
it. Several commits can share that pair: a job that differs then counts as changed by each of them
that touched it. Code that no run followed has no pair yet: its jobs are "unknown", kept in the
lower number of the last column and run in the upper one. CPU seconds of a job are the mean of its
stage in docs/budget.md, and FIGURE_SECONDS for figures and gathered tables, which that table leaves
out.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from relatent.jobs.closure import key_of
from relatent.tools.reruns import Plan, differ, plan, shorten
from relatent.tools.revisions import git, read_jobs, resolve

DEAR_SECONDS = 20.0
PROBE_SECONDS = 10.0  # 20 steps, validation and a checkpoint, most of it imports and reading the data
DEMO_SECONDS = 420.0  # one whole demo; where fewer rules were touched it costs less
FIGURE_SECONDS = 3.0
NO_RUN = ("86ff914",)  # dvc.lock written in another form: nothing ran
ELSEWHERE = re.compile(r"(docs|tests|benchmarks|results|demo|\.ci)/|README.md|dvc.lock")  # files that touch no job
PROBED = {  # stages of which jobs have a probe
    "autoencoder",
    "digit_classifier",
    "face_model",
    "hashing",
    "language_model",
    "likelihood",
    "rbm_likelihood",
    "rbm",
    "rnn",
    "text_vae",
    "vae evaluate",
    "vae train",
}


@dataclass
class Row:
    """One commit: its jobs, and CPU seconds without and with proof."""

    commit: str
    touched: int = 0
    to_run: int = 0
    ran: int = 0  # with proof, whole: those that it does not keep, and below them those with other inputs
    unknown: int = 0  # no run was recorded since
    without: float = 0.0
    proved: float = 0.0
    at_most: float = 0.0  # with those that are unknown


@cache
def seconds() -> dict[str, float]:
    """Mean CPU seconds of a job by stage, from the table of docs/budget.md."""
    text = Path("docs/budget.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([a-z_ ]+) \| (\d+) \| [\d,]+ \| ([\d,]+) \|", text, flags=re.MULTILINE)
    return {stage: float(cpu.replace(",", "")) / int(jobs) for stage, jobs, cpu in rows}


def stage_of(command: str) -> str:
    """The row of the budget that a job is in."""
    stage, _, verb = (key_of(command) or "").partition("-")
    return f"vae {verb}" if stage == "vae" else stage


def cost(command: str) -> float:
    """CPU seconds of a job."""
    return seconds().get(stage_of(command), FIGURE_SECONDS)


@cache
def locks(revision: str) -> list[str]:
    """The commits that brought dvc.lock of another run, the newest first."""
    found = git("log", "--first-parent", "--format=%H", resolve(revision), "--", "dvc.lock").decode().split()
    return [sha for sha in found if not sha.startswith(NO_RUN)]


@cache
def outputs(revision: str) -> dict[str, tuple[dict[str, str], dict[str, str]]]:
    """(inputs, outputs) of each job that dvc.lock of a revision records, by name; sources are no
    inputs."""
    jobs = read_jobs(revision)
    return {
        name: ({path: md5 for path, md5 in job.inputs.items() if path[:4] != "src/"}, job.outputs)
        for name, job in jobs.items()
    }


def around(commit: str, head: str) -> tuple[str, str]:
    """The last record before a commit, and the first one at or after it; empty where there is
    none."""
    later = set(git("rev-list", "--first-parent", f"{commit}^..{resolve(head)}").decode().split())
    after = [lock for lock in locks(head) if lock in later]
    before = [lock for lock in locks(head) if lock not in later]
    return (before[0] if before else ""), (after[-1] if after else "")


def code_alone(now: Any, before: Any) -> bool:
    """Did nothing change in a job but its command and its code?"""
    return before is not None and now[2:] == before[2:]


def weigh(label: str, now: Plan, before: Plan, head: str) -> Row:
    """The row of a commit."""
    row = Row(label)
    touched = {name for name, print_ in now.prints.items() if differ(print_, before.prints.get(name))}
    below = now.downstream(touched)
    costs = {name: cost(print_[0]) for name, print_ in now.prints.items()}
    row.touched, row.to_run, row.without = len(touched), len(below), sum(costs[name] for name in below)
    if not touched:
        return row
    old, new = (outputs(each) if each else {} for each in around(label.partition(" ")[0], head))
    tried = {name for name in touched if code_alone(now.prints[name], before.prints.get(name))}
    unknown = {name for name in tried if name not in old or name not in new}
    row.unknown = len(unknown)
    kept = {name for name in tried if not new or _same(old, new, name, 1)}
    dear = {name for name in tried if stage_of(now.prints[name][0]) in PROBED and costs[name] >= DEAR_SECONDS}
    ran = (touched - kept) | {name for name in below - touched if new and not _same(old, new, name, 0)}
    row.ran = len(ran)
    row.proved = (
        sum(PROBE_SECONDS if name in dear else costs[name] for name in tried)
        + 2 * DEMO_SECONDS * bool(dear & kept)
        + sum(costs[name] for name in ran - (tried - dear))  # a cheap one that was tried has run already, aside
    )
    row.at_most = row.proved + sum(costs[name] for name in unknown - ran)
    return row


def _same(
    old: Mapping[str, tuple[dict[str, str], dict[str, str]]],
    new: Mapping[str, tuple[dict[str, str], dict[str, str]]],
    name: str,
    part: int,
) -> bool:
    """Are a job's inputs (part 0) or outputs (1) the same in both records? Without a record, as the
    demo says: yes."""
    return name not in old or name not in new or old[name][part] == new[name][part]


def rows(revision: str, commits: int) -> Iterator[Row]:
    """A row for each commit, the newest first."""
    listed = git("log", "--first-parent", f"-{commits + 1}", "--format=%h %s", resolve(revision)).decode().splitlines()
    plans: dict[str, Plan] = {}
    for newer, older in list(zip(listed, [*listed[1:], ""], strict=True))[:commits]:
        if older and not touches(*(line.partition(" ")[0] for line in (older, newer))):
            yield Row(newer)
            continue
        now, before = (plan(line.partition(" ")[0], plans) for line in (newer, older))
        yield weigh(newer, now, before, revision)


def touches(older: str, newer: str) -> bool:
    """Can a job differ between two revisions?"""
    return any(not ELSEWHERE.match(path) for path in git("diff", "--name-only", older, newer).decode().splitlines())


def main() -> None:
    """Print a Markdown table of the commits that touch a job, and the sums of all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("revision", nargs="?", default="HEAD")
    parser.add_argument("--commits", type=int, default=100)
    options = parser.parse_args()
    found = list(rows(options.revision, options.commits))
    print("| commit | touched | to run | CPU h | with proof: run whole | unknown | CPU h |", flush=True)
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for row in [row for row in found if row.touched] + [total(found)]:
        numbers = (row.touched, row.to_run, f"{row.without / 3600:.2f}", row.ran, row.unknown)
        print(f"| {shorten(row.commit)} | {' | '.join(map(str, numbers))} | {hours(row)} |")


def hours(row: Row) -> str:
    """CPU hours with proof, up to those where all that is unknown runs."""
    low, high = f"{row.proved / 3600:.2f}", f"{row.at_most / 3600:.2f}"
    return low if low == high else f"{low} to {high}"


def total(found: list[Row]) -> Row:
    """The sums."""
    names = ("touched", "to_run", "ran", "unknown", "without", "proved", "at_most")
    return Row(f"all {len(found)}", **{name: sum(getattr(row, name) for row in found) for name in names})


if __name__ == "__main__":
    main()
