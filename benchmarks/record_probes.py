"""Put the probes of a run on record without the run: make what is cheap, begin every dear job, keep
what it marks.

python benchmarks/record_probes.py

In a clone without results. `python workflow/bridge verify` then compares with these probes; do not
commit them: they are this machine's. It prints each job's seconds. Inputs are made below
.snakemake/verify, as verify makes them.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "workflow"), str(ROOT / "src")]

from bridge import shadow, verify  # noqa: E402
from bridge.prove import probe_of  # noqa: E402
from bridge.snakemake_side import Job, open_flow  # noqa: E402


def record(job: Job) -> float:
    """Begin a job, copy its probe to where the run would have it, and return the seconds that this
    took."""
    began = time.perf_counter()
    ran = shadow.run(
        job.command, job.inputs, verify.FOLDER / "probes" / job.name, base=verify.FOLDER, RELATENT_PROBE="1"
    )
    if not ran.ended_well:
        raise SystemExit(f"{job.name}: {ran.said}")
    path = Path(probe_of(job) or "")
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(ran.folder / path, path)
    return time.perf_counter() - began


def main() -> None:
    """Record the probe of each dear job that no other dear one is above of."""
    os.chdir(ROOT)
    cores = len(os.sched_getaffinity(0))
    with open_flow() as flow:
        jobs = flow.jobs
    made = {path: job for job in jobs for path in job.outputs}
    reached = [job for job in jobs if probe_of(job) and not any(verify.dear_above(job, made))]
    began = time.perf_counter()
    verify.make({path for job in reached for path in job.inputs}, cores)
    print(f"{time.perf_counter() - began:.0f} s to make their inputs", flush=True)
    with ThreadPoolExecutor(cores) as pool:
        for job, seconds in zip(reached, pool.map(record, reached), strict=True):
            print(f"{job.name} {seconds:.1f} s", flush=True)
    print(f"{len(reached)} probes on record, {time.perf_counter() - began:.0f} s in all")


if __name__ == "__main__":
    main()
