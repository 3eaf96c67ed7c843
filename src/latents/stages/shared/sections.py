"""The params section `compute`: the device and thread count of every training, tracked because they change bits."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from latents.errors import InputError
from latents.jobs.params import Section


class Compute(Section):
    """Where trainings run."""

    device: Literal["cpu", "cuda"] = Field(description="cpu or cuda")
    threads: int = Field(ge=1, le=64, description="a whole number of threads from 1 to 64")


Score = Literal["cosine", "dot", "l2"]


class Scores(Section):
    """One score a data set."""

    mnist: Score = Field(description="cosine, dot or l2")
    newsgroups: Score = Field(description="cosine, dot or l2")
    lfw: Score = Field(description="cosine, dot or l2")

    def of(self, dataset: str) -> Score:
        """The score of a data set; InputError that lists the data sets there are."""
        if dataset not in type(self).model_fields:
            raise InputError(f"scores: got no {dataset!r}, allowed: {', '.join(type(self).model_fields)}")
        return getattr(self, dataset)
