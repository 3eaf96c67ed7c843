"""Name and remove the checkpoints of trainings, which lie in the ignored folder `checkpoints/`.

A name holds a digest of the job's parameters, inputs, code and environment.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from relatent.jobs.closure import Sources, key_of, table
from relatent.jobs.params import Section
from relatent.jobs.plan import SOURCE

FOLDER = Path("checkpoints")


def checkpoint_path(job: str, sections: Sequence[Section], inputs: Sequence[Path]) -> Path:
    """Name the checkpoint of a job by its parameters, inputs, code and environment.

    Parameters
    ----------
    job : str
        Readable part of the name.
    sections : sequence of Section
        Parameters that the job reads.
    inputs : sequence of Path
        Files that the job reads.

    Returns
    -------
    Path
        checkpoints/<job>-<16 hexadecimal digits>.safetensors
    """
    digest = hashlib.sha256(json.dumps([section.model_dump(mode="json") for section in sections]).encode())
    digest.update(json.dumps(digests()).encode())
    for path in inputs:
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return FOLDER / f"{job}-{digest.hexdigest()[:16]}.safetensors"


def discard(job: str) -> None:
    """Remove all checkpoints of a job, also those of earlier parameters or code."""
    for path in FOLDER.glob(f"{job}-*.safetensors"):
        path.unlink(missing_ok=True)


def digests() -> dict[str, str]:
    """Return the digests of this process's code and environment; {} if it runs no stage."""
    key = key_of(" ".join(sys.orig_argv))
    return {} if key is None else table(Sources.on_disk(SOURCE).closures(key))[key]
