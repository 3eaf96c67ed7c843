"""Read and write tensors in safetensors files."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from relatent.errors import InputError
from relatent.files.atomic import announce, atomic, check_readable
from relatent.files.tables import plain_values

if TYPE_CHECKING:
    import torch


def write_weights(
    path: str | os.PathLike[str], state: Mapping[str, torch.Tensor], architecture: Mapping[str, Any]
) -> None:
    """Write weights as safetensors, with the architecture as JSON in the file's header.

    Parameters
    ----------
    state : tensors by name, as from `module.state_dict()`.
    architecture : arguments that build the module, in JSON's types.
    """
    from safetensors.torch import save

    # clone: safetensors refuses tensors that share memory, such as tied weights
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in state.items()}
    # one metadata key only: the order of several would not be fixed
    content = save(tensors, metadata={"architecture": json.dumps(plain_values(architecture))})
    with atomic(path) as temporary:
        temporary.write_bytes(content)


def read_weights(path: str | os.PathLike[str]) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Read weights and architecture without pickle; InputError if the file is incomplete."""
    from safetensors import SafetensorError, safe_open

    announce(path)
    check_readable(path)
    try:
        with safe_open(path, framework="pt") as file:
            architecture = json.loads((file.metadata() or {}).get("architecture", "{}"))
            if not isinstance(architecture, dict):
                raise ValueError(f"the architecture is a {type(architecture).__name__}, no mapping")
            return {name: file.get_tensor(name) for name in file.keys()}, architecture  # noqa: SIM118 not a dict
    except (SafetensorError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not a whole safetensors file ({error}); delete it and run again") from None
