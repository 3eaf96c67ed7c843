"""The params section `compute`: the device and thread count of every training, tracked because they change bits."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from latents.params import Section


class Compute(Section):
    """Where trainings run."""

    device: Literal["cpu", "cuda"] = Field(description="cpu or cuda")
    threads: int = Field(ge=1, le=64, description="a whole number of threads from 1 to 64")
