"""Define the sections of params.yaml that stages share: `compute` and `scores`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from relatent.errors import InputError
from relatent.jobs.params import Section


class Compute(Section):
    """Configure the device and the number of threads of trainings."""

    device: Literal["cpu", "cuda"]
    threads: int = Field(ge=1, le=64)


Score = Literal["cosine", "dot", "l2"]


class Scores(Section):
    """Configure the similarity score of each data set."""

    mnist: Score
    newsgroups: Score
    lfw: Score

    def of(self, dataset: str) -> Score:
        """Return the score of a data set; InputError lists the data sets if it is unknown."""
        if dataset not in type(self).model_fields:
            raise InputError(f"scores: got no {dataset!r}, allowed: {', '.join(type(self).model_fields)}")
        return getattr(self, dataset)


SHARED: dict[str, type[Section]] = {"compute": Compute, "scores": Scores}
