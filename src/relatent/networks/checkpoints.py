"""Keep all that an exact resume of a training needs in one safetensors file.

A file that is missing, damaged or of another digest means a fresh start, which the log reports; it
never changes a result.
"""

from __future__ import annotations

import copy
import hashlib
import json
import logging
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from relatent.errors import InputError
from relatent.files.weights import read_weights, write_weights

if TYPE_CHECKING:
    from relatent.networks.probes import Probe

log = logging.getLogger(__name__)


class Kept(NamedTuple):
    """A record in JSON's types and other weights, which a checkpoint holds beside the states."""

    record: dict[str, Any]
    best: dict[str, Tensor]


@dataclass(frozen=True)
class Keeper:
    """A training with the file that keeps it and the probe that marks it.

    Attributes
    ----------
    path : the checkpoint; None: nothing is kept. Nothing is kept either when the training ends with
        its probe.
    module, optimizer, generator, digest : as `save` and `resume` take them.
    probe : of the training. A checkpoint without the probe's marks is ignored, since marks would be
        missing.
    """

    path: Path | None
    module: nn.Module
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    digest: str = ""
    probe: Probe | None = None

    def resume(self) -> Kept | None:
        """Restore the kept states and return the rest; None: a fresh start."""
        if self.path is None or (self.probe and self.probe.only):
            return None
        kept = resume(self.path, self.module, self.optimizer, self.generator, digest=self._digest)
        if kept and self.probe:
            self.probe.recall(kept.record.pop("probe"))
        return kept

    def save(self, record: dict[str, Any], best: dict[str, Tensor]) -> None:
        """Write the present states, the record and the best weights."""
        if self.path is None or (self.probe and self.probe.only):
            return
        marks = {"probe": self.probe.record()} if self.probe else {}
        save(self.path, self.module, self.optimizer, self.generator, Kept(record | marks, best), digest=self._digest)

    @property
    def _digest(self) -> str:
        return f"{self.digest} with a probe" if self.probe else self.digest


def save(
    path: Path,
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
    kept: Kept,
    *,
    digest: str = "",
) -> None:
    """Write the states and `kept`: tensors as tensors, the rest as JSON in the file's header."""
    tensors, numbers = contents(module, optimizer, generator)
    tensors |= {f"best.{name}": value for name, value in kept.best.items()}
    record = {"digest": digest, "optimizer": numbers, "record": kept.record}
    write_weights(path, tensors, record | {"fingerprint": _fingerprint(tensors, record)})


def contents(
    module: nn.Module, optimizer: torch.optim.Optimizer, generator: torch.Generator
) -> tuple[dict[str, Tensor], dict[str, dict[str, Any]]]:
    """Return the states of a training: all tensors by name, and the optimizer's other values."""
    tensors = {f"module.{name}": value for name, value in module.state_dict().items()}
    tensors["generator"] = generator.get_state()
    numbers: dict[str, dict[str, Any]] = {}  # the optimizer's values that are no tensors
    for index, state in optimizer.state_dict()["state"].items():
        for key, value in state.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer.{index}.{key}"] = value
            else:
                numbers.setdefault(str(index), {})[key] = value
    # a resumed optimizer has another order
    return dict(sorted(tensors.items())), dict(sorted(numbers.items()))


def resume(
    path: Path,
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
    *,
    digest: str = "",
) -> Kept | None:
    """Restore the states of a checkpoint of this digest and return the rest of it; None: a fresh
    start."""
    if not path.exists():
        return None
    try:
        tensors, record = read_weights(path)
    except InputError as error:
        log.warning("%s; starting afresh", error)
        return None
    if record.pop("fingerprint", "") != _fingerprint(tensors, record):
        log.warning("%s: damaged; starting afresh", path)
        return None
    if record["digest"] != digest:
        log.info("%s: a checkpoint of other parameters, inputs or code; starting afresh", path)
        return None
    put_back(tensors, record["optimizer"], module, optimizer, generator)
    log.info("%s: resumed", path)
    return Kept(record["record"], _below("best.", tensors))


def put_back(
    tensors: Mapping[str, Tensor],
    numbers: Mapping[str, Mapping[str, Any]],
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
) -> None:
    """Set the states to those that `contents` gave."""
    module.load_state_dict(_below("module.", tensors))
    state: dict[int, dict[str, Any]] = {int(index): dict(kept) for index, kept in numbers.items()}
    for name, value in _below("optimizer.", tensors).items():
        index, key = name.split(".", maxsplit=1)
        state.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict(optimizer.state_dict() | {"state": state})
    generator.set_state(tensors["generator"])


def round_trip(module: nn.Module, optimizer: torch.optim.Optimizer, generator: torch.Generator) -> tuple[bytes, Any]:
    """Write the states to a temporary file and read them into a copy; return the file's bytes and
    the copy's `contents`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "states.safetensors"
        tensors, numbers = contents(module, optimizer, generator)
        write_weights(path, tensors, {"optimizer": numbers})
        # together: the optimizer continues with the copy's parameters
        twins = copy.deepcopy((module, optimizer))
        stream = torch.Generator(generator.device)
        tensors, record = read_weights(path)
        put_back(tensors, record["optimizer"], *twins, stream)
        return path.read_bytes(), contents(*twins, stream)


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _fingerprint(tensors: Mapping[str, Tensor], record: Mapping[str, Any]) -> str:
    """Return the sha256 of tensors and a record, by which a damaged checkpoint is found."""
    digest = hashlib.sha256(json.dumps(record).encode())
    for name, tensor in sorted(tensors.items()):
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(flat.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
