"""Print wall time, CPU time and peak memory of the last run's jobs.

python benchmarks/usage.py [--jobs] [folder of the run]

They are read from Snakemake's benchmark files below logs/.

Without --jobs, the jobs of a stage are summed: `docs/budget.md` has this table of the default run.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple


class Usage(NamedTuple):
    """What a job, or all jobs of a stage, used."""

    job: str
    jobs: int
    wall_seconds: float
    cpu_seconds: float
    peak_mib: float


def usages(folder: Path) -> list[Usage]:
    """Read every benchmark file."""
    found = []
    for path in (folder / "logs").rglob("*.tsv"):
        with path.open(encoding="utf-8") as stream:
            row = next(csv.DictReader(stream, delimiter="\t"))
        numbers = (float(row[key]) if row[key] not in {"-", "NA"} else 0.0 for key in ("s", "cpu_time", "max_rss"))
        found.append(Usage(str(path.relative_to(folder / "logs").with_suffix("")), 1, *numbers))
    return found


def total(name: str, parts: list[Usage]) -> Usage:
    """Sum the jobs, and take the largest peak."""
    jobs, wall, cpu = (sum(part[column] for part in parts) for column in (1, 2, 3))
    return Usage(name, int(jobs), wall, cpu, max((part.peak_mib for part in parts), default=0.0))


def by_rule(found: list[Usage]) -> list[Usage]:
    """Group jobs by their rule, the first folder of their logs."""
    groups = defaultdict(list)
    for usage in found:
        groups[usage.job.partition("/")[0]].append(usage)
    return [total(name, parts) for name, parts in groups.items()]


def main() -> None:
    """Print a Markdown table, most CPU time first, with the sums below."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path())
    parser.add_argument("--jobs", action="store_true", help="a line each")
    options = parser.parse_args()
    found = usages(options.folder)
    shown = sorted(found if options.jobs else by_rule(found), key=lambda usage: -usage.cpu_seconds)
    print("| rule | jobs | wall (s) | CPU (s) | peak (MiB) |\n| --- | ---: | ---: | ---: | ---: |")
    for name, jobs, wall, cpu, peak in [*shown, total("**all**", found)]:
        print(f"| {name} | {jobs} | {wall:,.0f} | {cpu:,.0f} | {peak:,.0f} |")


if __name__ == "__main__":
    main()
