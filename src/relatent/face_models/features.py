"""Write features of faces as HDF5, by blocks, with the linear map that takes them to [0, 1].

The units of an RBM live in [0, 1]; the autoencoder's features do not. Each feature gets its own
linear map, from its mean and standard deviation over training people only: `spread` standard
deviations either side fill [0, 1]. Values outside are clipped to [eps, 1 - eps], and counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from torch import Tensor

from relatent.errors import InputError
from relatent.face_models.autoencoder import Autoencoder
from relatent.face_models.people import ROLES, TRAINING
from relatent.face_models.unit_map import UnitMap
from relatent.files.hdf5 import add_dataset, create_hdf5, open_hdf5, rows_of

BLOCK_ROWS = 500  # faces encoded at once; no result depends on it


def write_features(
    faces: Path,
    model: Autoencoder,
    path: Path,
    *,
    variant: str,
    role: np.ndarray,
    spread: float,
    eps: float,
    block_rows: int = BLOCK_ROWS,
) -> UnitMap:
    """Encode every kept face; the memory needed is that of a block.

    Parameters
    ----------
    faces : HDF5 of `relatent.faces.pictures.write_faces`.
    path : HDF5 to write, a row for each kept face in the order of `faces`: `features` float32 (n,
        n_features), raw, with the map as attributes `low`, `span`, `eps`, `spread` and the numbers
        of values that it clips as `clipped_<role>`; `row` int64 (the row in `faces`), `role` uint8
        (an index into the attribute `roles`), `name`, `person` UTF-8.
    variant : data set of `faces` to encode.
    role : uint8 (n,), of each kept face; the map is fitted on those in training.
    spread : standard deviations from the middle of [0, 1] to its ends; with 2, 4.6 % of normal
        features lie outside, with 3 .27 %, but then the sampling noise of an RBM's visible units is
        larger beside them.
    eps : see `UnitMap`.
    block_rows : faces encoded at once.

    Returns
    -------
    UnitMap

    Raises
    ------
    InputError
        When the faces have another size than the autoencoder's, there is no such variant, there
        are other than one role for each kept face, or a feature is constant.
    """
    with open_hdf5(faces) as source, create_hdf5(path, dataset="lfw", variant=variant, roles=list(ROLES)) as file:
        images, rows = rows_of(source, variant), np.flatnonzero(rows_of(source, "kept")[...])
        _check(faces, images, rows, role, model, spread=spread, eps=eps)
        data = add_dataset(file, "features", (len(rows), model.n_features), np.float32, dims=("face", "feature"))
        moments = _Moments(model.n_features)
        for start, block in _encoded(model, images, rows, block_rows):
            data[start : start + len(block)] = block.numpy()
            moments.add(block[torch.from_numpy(role[start : start + len(block)] == TRAINING)])
        unit_map = moments.unit_map(spread=spread, eps=eps)
        _add_columns(file, source, rows, role)
        _describe(data, unit_map, role, spread=spread, block_rows=block_rows)
    return unit_map


def _check(
    faces: Path, images: Any, rows: np.ndarray, role: np.ndarray, model: Autoencoder, *, spread: float, eps: float
) -> None:
    if images.shape[1:] != (model.side_px, model.side_px):
        side = model.side_px
        raise InputError(f"{faces}: the autoencoder needs images of ({side}, {side}), got {images.shape[1:]}")
    if len(role) != len(rows):
        raise InputError(f"{faces}: {len(rows)} faces are kept, but the split has {len(role)}: split them again")
    if not (spread > 0 and 0 < eps < 0.5):
        raise InputError(f"spread must be above 0 and eps in (0, 0.5), got {spread} and {eps}")


def _encoded(model: Autoencoder, images: Any, rows: np.ndarray, block_rows: int) -> Iterator[tuple[int, Tensor]]:
    """Yield blocks of features, each with the number of its first row."""
    for start in range(0, len(rows), block_rows):
        wanted = rows[start : start + block_rows]
        first = int(wanted[0])
        # reads a whole slice, then takes the kept rows: HDF5 reads scattered rows slowly
        block = images[first : int(wanted[-1]) + 1][wanted - first]
        with torch.no_grad():
            yield start, model.encode(torch.from_numpy(block))


class _Moments:
    """Running mean and variance of features."""

    def __init__(self, n_features: int) -> None:
        self.count = 0
        self.sum = torch.zeros(n_features, dtype=torch.float64)
        self.square = torch.zeros(n_features, dtype=torch.float64)

    def add(self, block: Tensor) -> None:
        wide = block.double()
        self.count += len(block)
        self.sum += wide.sum(0)
        self.square += wide.square().sum(0)

    def unit_map(self, *, spread: float, eps: float) -> UnitMap:
        if self.count == 0:
            raise InputError("no face is in training: the map to [0, 1] has nothing to be fitted on")
        mean = self.sum / self.count
        std = (self.square / self.count - mean.square()).clamp(min=0).sqrt()
        if not bool((std > 1e-6 * (1 + mean.abs())).all()):
            constant = int((std <= 1e-6 * (1 + mean.abs())).sum())
            raise InputError(f"{constant} of {len(std)} features are constant or not finite over the training faces")
        return UnitMap(low=(mean - spread * std).float(), span=(2 * spread * std).float(), eps=eps)


def _add_columns(file: Any, source: Any, rows: np.ndarray, role: np.ndarray) -> None:
    for name, values in (("row", rows.astype(np.int64)), ("role", role.astype(np.uint8))):
        add_dataset(file, name, values.shape, values.dtype, dims=("face",))[...] = values
    for name in ("name", "person"):
        data = add_dataset(file, name, (len(rows),), h5py.string_dtype(), dims=("face",))
        data[...] = rows_of(source, name)[...][rows]


def _describe(data: Any, unit_map: UnitMap, role: np.ndarray, *, spread: float, block_rows: int) -> None:
    """Write the map's attributes, and the number of values of each role that it clips."""
    clipped = np.zeros(len(ROLES), np.int64)
    for start in range(0, len(data), block_rows):
        block, its_role = torch.from_numpy(data[start : start + block_rows]), role[start : start + block_rows]
        for index in range(len(ROLES)):
            clipped[index] += unit_map.outside(block[torch.from_numpy(its_role == index)])
    data.attrs.update(low=unit_map.low.numpy(), span=unit_map.span.numpy(), eps=unit_map.eps, spread=spread)
    data.attrs.update({f"clipped_{name}": count for name, count in zip(ROLES, clipped, strict=True)})
