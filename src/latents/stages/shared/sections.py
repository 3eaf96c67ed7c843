"""Sections of params.yaml that stages share: `compute`, where trainings run, and `scores`, what makes items near."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from latents.errors import InputError
from latents.jobs.params import Section


class Compute(Section):
    """Where trainings run."""

    device: Literal["cpu", "cuda"]
    threads: int = Field(ge=1, le=64)


Score = Literal["cosine", "dot", "l2"]


class Scores(Section):
    """One score a data set."""

    mnist: Score
    newsgroups: Score
    lfw: Score

    def of(self, dataset: str) -> Score:
        """The score of a data set; InputError that lists the data sets there are."""
        if dataset not in type(self).model_fields:
            raise InputError(f"scores: got no {dataset!r}, allowed: {', '.join(type(self).model_fields)}")
        return getattr(self, dataset)


SHARED: dict[str, type[Section]] = {"compute": Compute, "scores": Scores}
