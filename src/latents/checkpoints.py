"""Checkpoints of a training: all that an exact resume needs, in one safetensors file.

A file that is missing, damaged or of another digest is a fresh start, said in the log; it never changes a result.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from latents.errors import InputError
from latents.storage import read_weights, write_weights

log = logging.getLogger(__name__)


class Kept(NamedTuple):
    """What a checkpoint holds beside the states that are put back: a record in JSON's types, and other weights."""

    record: dict[str, Any]
    best: dict[str, Tensor]


def save(
    path: Path,
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
    kept: Kept,
    *,
    digest: str = "",
) -> None:
    """Write the states and what is kept beside them; tensors, and the rest as JSON in the file's header."""
    tensors = {f"module.{name}": value for name, value in module.state_dict().items()}
    tensors |= {f"best.{name}": value for name, value in kept.best.items()}
    tensors["generator"] = generator.get_state()
    numbers: dict[str, dict[str, Any]] = {}  # what an optimizer keeps beside tensors
    for index, state in optimizer.state_dict()["state"].items():
        for key, value in state.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer.{index}.{key}"] = value
            else:
                numbers.setdefault(str(index), {})[key] = value
    record = {"digest": digest, "optimizer": numbers, "record": kept.record}
    write_weights(path, tensors, record | {"fingerprint": _fingerprint(tensors, record)})


def resume(
    path: Path,
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
    *,
    digest: str = "",
) -> Kept | None:
    """Put the states of a checkpoint of this digest back and return what else it holds; None: a fresh start."""
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
    module.load_state_dict(_below("module.", tensors))
    state: dict[int, dict[str, Any]] = {int(index): dict(kept) for index, kept in record["optimizer"].items()}
    for name, value in _below("optimizer.", tensors).items():
        index, key = name.split(".", maxsplit=1)
        state.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict(optimizer.state_dict() | {"state": state})
    generator.set_state(tensors["generator"])
    log.info("%s: resumed", path)
    return Kept(record["record"], _below("best.", tensors))


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _fingerprint(tensors: Mapping[str, Tensor], record: Mapping[str, Any]) -> str:
    """The sha256 of tensors and a record: tells a checkpoint that the disk has altered."""
    digest = hashlib.sha256(json.dumps(record).encode())
    for name, tensor in sorted(tensors.items()):
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(flat.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
