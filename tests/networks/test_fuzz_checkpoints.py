"""Checkpoints under damage: used whole or not at all."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch
from hypothesis import given
from torch import nn

from relatent.networks import training
from tests.support.flat import flat
from tests.support.mutations import damaged, folder_with, made, many, result_or_one_line


def fitted(checkpoint: Path, epochs: int) -> dict[str, torch.Tensor]:
    """Return the weights after some epochs of a small regression, with a checkpoint on the way."""
    generator = torch.Generator().manual_seed(0)
    x = torch.arange(24.0).reshape(12, 2) / 24
    model = nn.Linear(2, 1)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    flat(training.fit)(
        model, optimizer, lambda rows, generator: {"loss": (model(x[rows]).squeeze(1) - x[rows].sum(1)).square()},
        train_rows=torch.arange(12), epochs=epochs, batch_size=5, generator=generator, checkpoint=checkpoint,
    )  # fmt: skip
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


CHECKPOINT = made(lambda path: fitted(path, 2), "a.safetensors")
WHOLE = fitted(Path(tempfile.mkdtemp()) / "a.safetensors", 3)


@given(content=damaged(CHECKPOINT, 900))
@many(60)
def test_a_damaged_checkpoint_never_changes_a_result(content: bytes) -> None:
    """It is used whole or not at all: three epochs give the same weights to the bit."""
    with folder_with(a__safetensors=content) as folder:
        found = result_or_one_line(lambda: fitted(folder / "a.safetensors", 3))
        assert found is not None
        assert all(torch.equal(found[name], WHOLE[name]) for name in WHOLE)
