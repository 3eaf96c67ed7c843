"""Map features of faces to values in (0, 1), and read them for an RBM."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from relatent.errors import InputError
from relatent.face_models.people import ROLES
from relatent.files.hdf5 import open_hdf5, rows_of


@dataclass(frozen=True)
class UnitMap:
    """A linear map of each feature to [0, 1] and back.

    Attributes
    ----------
    low, span : float32 (n_features,); feature low becomes 0, low + span becomes 1.
    eps : values are clipped to [eps, 1 - eps]: a density of units in (0, 1) may be infinite at the
        ends.

    Examples
    --------
    >>> unit_map = UnitMap(low=torch.tensor([-2.0]), span=torch.tensor([4.0]), eps=0.01)
    >>> unit_map.to_unit(torch.tensor([[-1.0], [5.0]]))
    tensor([[0.2500],
            [0.9900]])
    >>> unit_map.from_unit(torch.tensor([[0.25]]))
    tensor([[-1.]])
    """

    low: Tensor
    span: Tensor
    eps: float

    def to_unit(self, features: Tensor) -> Tensor:
        """Map features (n, n_features) to values in [eps, 1 - eps]."""
        self._check(features)
        return ((features - self.low) / self.span).clamp(self.eps, 1 - self.eps)

    def from_unit(self, values: Tensor) -> Tensor:
        """Map values (n, n_features) in [0, 1] to features."""
        self._check(values)
        return values * self.span + self.low

    def outside(self, features: Tensor) -> int:
        """Count the features that `to_unit` clips."""
        self._check(features)
        values = (features - self.low) / self.span
        return int(((values < self.eps) | (values > 1 - self.eps)).sum())

    def _check(self, rows: Tensor) -> None:
        if rows.dim() != 2 or rows.shape[1] != len(self.low):
            raise InputError(f"features must be (n, {len(self.low)}), got {tuple(rows.shape)}")


def read_unit_map(path: Path, *, n_features: int | None = None) -> UnitMap:
    """Read the map of a features file.

    Parameters
    ----------
    n_features : int, features of the reader's model; None takes any.

    Raises
    ------
    InputError
        When the file holds no map, or features of another width.
    """
    with open_hdf5(path) as file:
        return _unit_map(path, rows_of(file, "features"), n_features)


def read_units(path: Path, role: str | None = None, *, n_features: int | None = None) -> Tensor:
    """Read mapped features of one role (None: all): float32 (n, n_features) in (0, 1), 2 KiB per
    face of 512.

    Raises
    ------
    InputError
        As `read_unit_map`, or when there is no such role.
    """
    if role is not None and role not in ROLES:
        raise InputError(f"role must be one of {', '.join(ROLES)}, got {role!r}")
    with open_hdf5(path) as file:
        data = rows_of(file, "features")
        unit_map = _unit_map(path, data, n_features)
        wanted = np.ones(len(data), bool) if role is None else rows_of(file, "role")[...] == ROLES.index(role)
        return unit_map.to_unit(torch.from_numpy(data[...][wanted]))


def _unit_map(path: Path, data: Any, n_features: int | None) -> UnitMap:
    missing = {"low", "span", "eps"} - set(data.attrs)
    if missing:
        raise InputError(f"{path}: 'features' lacks the attributes {', '.join(sorted(missing))}: write it again")
    if n_features is not None and data.shape[1] != n_features:
        raise InputError(f"{path}: features must be (n, {n_features}), got {data.shape}: of another autoencoder")
    low, span = (torch.from_numpy(np.asarray(data.attrs[name], np.float32)) for name in ("low", "span"))
    return UnitMap(low=low, span=span, eps=float(data.attrs["eps"]))
