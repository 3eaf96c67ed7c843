"""Digest a job's state after its first steps, to show whether changed code computes the same.

Equal bits after 20 steps of a training mean the same computation. A probe also runs what follows,
shortened: validation on a batch, measures on a few rows, a checkpoint and back. It draws from no
stream of the job and restores every state, so no result depends on it.

With RELATENT_PROBE set a job ends when its probe is complete: it writes the probe and touches no
checkpoint.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from relatent.errors import InputError, ProbeEnded
from relatent.files.tables import write_json
from relatent.machine.processor import processor

STEPS = (1, 5, 20)  # of the optimizer, after which a training's state is digested
ONLY = "RELATENT_PROBE"  # environment variable: write the probe and nothing else


@dataclass
class Probe:
    """The marks of a job or of one of its parts.

    Attributes
    ----------
    only : end the job, or the part, when its probe is complete.
    after : measures on a few rows that follow a training: module in eval mode -> numbers or arrays;
        None: none.
    whole : bool, mark also the first step and a checkpoint that is written and read back; both cost
        time.
    marks : {name: digest}, in the order in which they were reached.
    steps : int, steps of the optimizer so far, those before a resume included.
    complete : bool, whether a training has reached all its marks.
    """

    only: bool = False
    after: Callable[[nn.Module], Any] | None = None
    whole: bool = True
    marks: dict[str, str] = field(default_factory=dict)
    steps: int = 0
    complete: bool = False

    def mark(self, name: str, value: Any) -> None:
        """Record the digest of a value, see `digest`."""
        self.marks[name] = digest(value)

    @contextmanager
    def part(self, name: str, *, after: Callable[[nn.Module], Any] | None = None) -> Iterator[Probe]:
        """Yield the probe of one of several trainings; with `only`, this training ends early and
        the next one begins.

        Only the first part is whole: the same code writes the other checkpoints, and later steps
        show what the first step would.
        """
        inner = Probe(self.only, after, whole=not self.marks)
        with suppress(ProbeEnded):
            yield inner
        self.marks |= {f"{name}, {mark}": value for mark, value in inner.marks.items()}

    def end(self) -> None:
        """End the job, or the part, if only its probe is asked for."""
        if self.only:
            raise ProbeEnded

    def record(self) -> dict[str, Any]:
        """Return the values that a checkpoint keeps, in JSON's types."""
        return {"marks": self.marks, "steps": self.steps, "complete": self.complete}

    def recall(self, record: Mapping[str, Any]) -> None:
        """Restore the values that a checkpoint kept."""
        self.marks, self.steps, self.complete = dict(record["marks"]), record["steps"], record["complete"]


@contextmanager
def probing(path: Path | None, *, after: Callable[[nn.Module], Any] | None = None) -> Iterator[Probe | None]:
    """Yield a job's probe and write it when the block ends; None without a path.

    Parameters
    ----------
    path : JSON to write: `probe` with the marks, `machine` with the properties of the machine that
        change bits.
    after : see `Probe`.

    Raises
    ------
    ProbeEnded
        After the file is written, if only the probe is asked for.
    InputError
        If only the probe is asked for, and there is no path.
    """
    only = bool(os.environ.get(ONLY))
    if path is None:
        if only:
            raise InputError(f"{ONLY} is set, but no --probe names the file to write")
        yield None
        return
    probe = Probe(only, after)
    with suppress(ProbeEnded):
        yield probe
    write_json(path, {"probe": probe.marks, "machine": machine()})
    probe.end()


def digest(value: Any) -> str:
    """Return sixteen hex digits of the sha256 of nested mappings, sequences, tensors, arrays, bytes
    and values.

    Examples
    --------
    >>> digest({"a": torch.ones(2)}) == digest({"a": np.ones(2, np.float32)})
    True
    >>> digest([1.0]) == digest([1.0000000000000002])
    False
    """
    found = hashlib.sha256()
    _feed(found, value)
    return found.hexdigest()[:16]


def _feed(found: Any, value: Any) -> None:
    if isinstance(value, Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray):
        found.update(f"{value.dtype.str} {value.shape} ".encode())
        found.update(np.ascontiguousarray(value).reshape(-1).view(np.uint8))
    elif isinstance(value, bytes):
        found.update(b"bytes %d " % len(value))
        found.update(value)
    elif isinstance(value, Mapping):
        found.update(b"mapping ")
        _feed(found, [*value.items()])
    elif isinstance(value, list | tuple):
        found.update(f"list {len(value)} ".encode())
        for item in value:
            _feed(found, item)
    else:
        found.update(f"{value!r} ".encode())


def machine() -> dict[str, Any]:
    """Return what changes bits beside code and data: the processor, torch's kernels for it, and
    torch's threads."""
    return processor() | {"kernels": torch.backends.cpu.get_cpu_capability(), "threads": torch.get_num_threads()}
