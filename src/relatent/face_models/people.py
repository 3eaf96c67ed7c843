"""Split the people of a set of faces into roles."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import numpy as np

from relatent.errors import InputError

TRAINING, VALIDATION, HELD_OUT = 0, 1, 2
ROLES = ("training", "validation", "held_out")


def split_people(
    people: Sequence[str] | np.ndarray, *, validation: float, held_out: float, generator: np.random.Generator
) -> np.ndarray:
    """Draw the role of each image, so that no person has images of two roles.

    Parameters
    ----------
    people : the person on each image; the split depends on the set of people alone.
    validation, held_out : shares of the people, each rounded to a whole number of them, at least
        one.
    generator : draws the people of each role.

    Returns
    -------
    uint8 array (n,)
        An index into `ROLES`.

    Raises
    ------
    InputError
        When a share is out of range, or nobody would be left for training.

    Examples
    --------
    >>> split_people(["a", "b", "a", "c"], validation=0.3, held_out=0.3, generator=np.random.default_rng(0))
    array([1, 0, 1, 2], dtype=uint8)
    """
    names, person = np.unique(np.asarray(people), return_inverse=True)
    sizes = [max(1, round(share * len(names))) for share in (held_out, validation)]
    if not (0 < validation < 1 and 0 < held_out < 1) or sum(sizes) >= len(names):
        given = f"validation {validation} and held_out {held_out} of {len(names)} people"
        raise InputError(f"the shares of the split must be above 0 and leave people for training, got {given}")
    role = np.zeros(len(names), np.uint8)
    order = generator.permutation(len(names))
    role[order[: sizes[0]]] = HELD_OUT
    role[order[sizes[0] : sum(sizes)]] = VALIDATION
    return role[person]


def rows_of_person(people: Sequence[str] | np.ndarray, name: str) -> np.ndarray:
    """Return the rows of one person's images, int64.

    Parameters
    ----------
    people : the person on each image, as LFW writes them: "George_W_Bush".
    name : spaces count as underscores.

    Raises
    ------
    InputError
        When nobody has this name; lists near ones.

    Examples
    --------
    >>> rows_of_person(["Tony_Blair", "George_W_Bush", "Tony_Blair"], "Tony Blair")
    array([0, 2])
    """
    wanted = name.strip().replace(" ", "_")
    rows = np.flatnonzero(np.asarray(people) == wanted)
    if len(rows):
        return rows
    known = {person.lower(): person for person in sorted(set(map(str, people)))}
    near = difflib.get_close_matches(wanted.lower(), known, n=NEAR_NAMES, cutoff=0.5)
    hint = f"near names: {', '.join(known[match] for match in near)}" if near else "no name is near"
    raise InputError(f"nobody of {len(known)} people is called {name!r}; {hint}")


NEAR_NAMES = 5  # most names listed when a person is missing
