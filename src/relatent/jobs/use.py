"""Record what a finished job used, and on which machine, in a file beside its log.

No job reads the file, and no result depends on it. `bridge commit` collects these records in
uses.json.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from relatent.machine.processor import INFO, processor


def record(notes: Iterable[str]) -> None:
    """Write what this process and its children used.

    Does nothing if there is no log, or if the file cannot be written.
    """
    from relatent.files.tables import write_json

    log = next((path for path in notes if path.endswith(".log")), None)
    if log:
        with suppress(OSError):  # the job succeeded, even if this record cannot be written
            write_json(beside(log), {**used(), "machine": machine()})


def beside(log: str) -> Path:
    """Return the path of a job's use record from the path of its log.

    Examples
    --------
    >>> str(beside("logs/vae/train.log"))
    'logs/vae/train.use.json'
    """
    return Path(log).with_suffix(".use.json")


def used() -> dict[str, float]:
    """Return CPU seconds (all threads and children), seconds since the start, and peak memory.

    Peak memory is the larger of the process's and a child's.
    """
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "cpu_seconds": round(sum(each.ru_utime + each.ru_stime for each in spent), 2),
        "wall_seconds": round(_age(), 2),
        "peak_mib": round(max(each.ru_maxrss for each in spent) / 1024),
    }


def _age() -> float:
    """Return the seconds since this process began, including its imports."""
    try:
        ticks = int(Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return time.process_time()
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


def machine(info: Path = INFO) -> dict[str, Any]:
    """Return the processor with its cores and the threads of BLAS."""
    return processor(info) | {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "blas_threads": int(os.environ.get("OMP_NUM_THREADS") or 0),
    }
