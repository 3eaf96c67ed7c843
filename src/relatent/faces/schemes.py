"""Landmark schemes: their points, which of them mirror each other, and how far each is trusted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Indices = tuple[int, ...]


@dataclass(frozen=True)
class Scheme:
    """Landmark scheme, by the indices of its points.

    Attributes
    ----------
    name : name of the scheme in messages and files.
    mirror : mirror[i] is the point that i becomes when the image is flipped left to right.
    weights : trust in each point when a camera is fitted.
    unit : two points whose distance in the mean shape is the unit of length.
    own : groups of points around features that are not symmetric (gaze, smile); inside them,
        symmetry is used less.
    """

    name: str
    mirror: Indices
    weights: tuple[float, ...]
    unit: tuple[int, int]
    own: tuple[Indices, ...] = ()

    def __len__(self) -> int:
        return len(self.mirror)


def _mirrored(n: int, pairs: list[tuple[int, int]]) -> Indices:
    mirror = np.arange(n)
    for left, right in pairs:
        mirror[left], mirror[right] = right, left
    return tuple(int(index) for index in mirror)


# the 68 points of iBUG 300-W (Sagonas et al. 2013), on which dlib's model was trained
_PAIRS_68 = (
    [(i, 16 - i) for i in range(8)]  # jaw
    + [(17 + i, 26 - i) for i in range(5)]  # brows
    + [(31, 35), (32, 34)]  # nostrils
    + [(36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46)]  # eyes
    + [(48, 54), (49, 53), (50, 52), (59, 55), (58, 56)]  # outer lips
    + [(60, 64), (61, 63), (67, 65)]  # inner lips
)

IBUG68 = Scheme(
    name="iBUG 300-W, 68 points",
    mirror=_mirrored(68, _PAIRS_68),
    # the jaw's points lie on the outline, which is a different curve of the head in every pose
    weights=(0.15,) * 17 + (1.0,) * 51,
    unit=(36, 45),  # the outer corners of the eyes
    own=(tuple(range(36, 42)), tuple(range(42, 48)), tuple(range(48, 60))),
)
