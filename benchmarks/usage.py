"""Wall time, CPU time and peak memory of each job of the last run, from Snakemake's benchmark files below logs/.

python benchmarks/usage.py [folder of the run]
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path


def rows(folder: Path) -> list[tuple[str, float, float, float]]:
    """(job, wall seconds, CPU seconds, peak MiB) of every benchmark file, the longest first."""
    found = []
    for path in (folder / "logs").rglob("*.tsv"):
        with path.open(encoding="utf-8") as stream:
            row = next(csv.DictReader(stream, delimiter="\t"))
        seconds, cpu, peak = (
            float(row[key]) if row[key] not in {"-", "NA"} else 0.0 for key in ("s", "cpu_time", "max_rss")
        )
        found.append((str(path.relative_to(folder / "logs").with_suffix("")), seconds, cpu, peak))
    return sorted(found, key=lambda row: -row[1])


def main() -> None:
    """Print a Markdown table with the sums below."""
    table = rows(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
    print("| job | wall (s) | CPU (s) | peak (MiB) |\n| --- | ---: | ---: | ---: |")
    for job, seconds, cpu, peak in table:
        print(f"| {job} | {seconds:.1f} | {cpu:.1f} | {peak:.0f} |")
    print(f"| all | {sum(row[1] for row in table):.0f} | {sum(row[2] for row in table):.0f} | |")


if __name__ == "__main__":
    main()
