"""The map of features to units."""

from __future__ import annotations

import torch

from relatent.face_models import unit_map as face_models_unit_map


def test_the_map_is_inverted_within_its_range() -> None:
    """There and back, except for what is clipped."""
    unit_map = face_models_unit_map.UnitMap(low=torch.tensor([-1.0, 0.0]), span=torch.tensor([2.0, 5.0]), eps=1e-3)
    inside = torch.tensor([[-0.9, 4.0], [0.5, 0.1]])
    torch.testing.assert_close(unit_map.from_unit(unit_map.to_unit(inside)), inside)
    assert unit_map.outside(inside) == 0
    outside = torch.tensor([[-1.1, 5.5], [0.0, 1.0]])
    assert unit_map.outside(outside) == 2
    torch.testing.assert_close(unit_map.to_unit(outside)[0], torch.tensor([1e-3, 1 - 1e-3]))
