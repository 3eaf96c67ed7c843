"""Where a training keeps its checkpoint: an ignored folder, under a digest of params, inputs, code and environment."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from latents.jobs.closure import Sources, key_of, table
from latents.jobs.params import Section
from latents.jobs.plan import SOURCE

FOLDER = Path("checkpoints")


def checkpoint_path(job: str, sections: Sequence[Section], inputs: Sequence[Path]) -> Path:
    """Name the checkpoint of a job: the name changes with its parameters, its inputs, its code or its environment.

    Parameters
    ----------
    job : the readable part of the name.
    sections : the parameters that the job reads.
    inputs : the files that it reads.
    """
    digest = hashlib.sha256(json.dumps([section.model_dump(mode="json") for section in sections]).encode())
    digest.update(json.dumps(digests()).encode())
    for path in inputs:
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return FOLDER / f"{job}-{digest.hexdigest()[:16]}.safetensors"


def discard(job: str) -> None:
    """Remove the checkpoints of a job that has stored its results, those of earlier parameters or code too."""
    for path in FOLDER.glob(f"{job}-*.safetensors"):
        path.unlink(missing_ok=True)


def digests() -> dict[str, str]:
    """The digests of the code and the environment of the command that this process runs; empty for no stage's."""
    key = key_of(" ".join(sys.orig_argv))
    return {} if key is None else table(Sources.on_disk(SOURCE).closures(key))[key]
