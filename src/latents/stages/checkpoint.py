"""Where a training keeps its checkpoint: an ignored folder, under a digest of params, inputs and code."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from latents.params import Section

FOLDER = Path("checkpoints")


def checkpoint_path(job: str, sections: Sequence[Section], inputs: Sequence[Path]) -> Path:
    """The checkpoint of a job, whose name changes with its parameters, its inputs or the code it has loaded.

    Parameters
    ----------
    job : the readable part of the name.
    sections : the parameters that the job reads.
    inputs : the files that it reads.
    """
    digest = hashlib.sha256(json.dumps([section.model_dump(mode="json") for section in sections]).encode())
    for path in [*inputs, *loaded_sources()]:
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return FOLDER / f"{job}-{digest.hexdigest()[:16]}.safetensors"


def discard(job: str) -> None:
    """Remove the checkpoints of a job that has stored its results, those of earlier parameters or code too."""
    for path in FOLDER.glob(f"{job}-*.safetensors"):
        path.unlink(missing_ok=True)


def loaded_sources() -> list[Path]:
    """The source files of our modules that this process has imported, in order of their names."""
    ours = sorted(name for name in sys.modules if name.split(".")[0] == "latents")
    files = [getattr(sys.modules[name], "__file__", None) for name in ours]
    return [Path(file) for file in files if file]
