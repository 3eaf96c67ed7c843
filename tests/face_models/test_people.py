"""The people on images: rows of one person."""

from __future__ import annotations

import numpy as np
import pytest

from relatent.errors import InputError
from relatent.face_models.people import rows_of_person

PEOPLE = ["George_W_Bush", "Tony_Blair", "George_HW_Bush", "Tony_Blair", "Colin_Powell"]


def test_a_person_is_found_with_spaces_or_underscores() -> None:
    """All rows, in order."""
    for name in ("Tony_Blair", "Tony Blair", " Tony Blair "):
        np.testing.assert_array_equal(rows_of_person(np.array(PEOPLE), name), [1, 3])


def test_a_missing_person_is_one_line_with_near_names() -> None:
    """Nearest first; and what is said when none is near."""
    with pytest.raises(
        InputError, match="nobody of 4 people is called 'George Bush'; near names: George_W_Bush"
    ) as error:
        rows_of_person(PEOPLE, "George Bush")
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match=r"near names: Tony_Blair$"):
        rows_of_person(PEOPLE, "tony blare")
    with pytest.raises(InputError, match="no name is near"):
        rows_of_person(PEOPLE, "xyzzy")
