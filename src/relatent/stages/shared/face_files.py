"""Read faces, and trained models of faces, from the files that stages write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relatent.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from relatent.face_models.stack import FaceModel


def read_model(autoencoder: Path, features: Path, *weights: Path) -> tuple[FaceModel, str]:
    """Return a face model of trained parts, and the level of its last part: "rbm" or "deep_rbm".

    Raises InputError if the parts do not fit together.
    """
    from relatent.face_models import autoencoder as layers
    from relatent.face_models.stack import FaceModel
    from relatent.face_models.unit_map import read_unit_map
    from relatent.files.weights import read_weights
    from relatent.rbm import deep as deep_rbm
    from relatent.rbm import model as rbm

    network = read_part(layers.load, autoencoder)
    parts: dict[str, Any] = {}
    for path in weights:
        deep = read_weights(path)[1].get("model") == "deep_rbm"
        level = "deep_rbm" if deep else "rbm"
        parts["deep" if deep else "rbm"] = read_part(deep_rbm.load if deep else rbm.load, path)
    unit_map = read_unit_map(features, n_features=network.n_features)
    return FaceModel(network, unit_map, **parts), level


def read_part(load: Callable[..., Any], path: Path) -> Any:
    """Load one trained part; InputError names the file if its weights have another architecture."""
    from relatent.files.weights import read_weights

    state, architecture = read_weights(path)
    try:
        return load(state, architecture)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def held_out_faces(faces: Path, features: Path) -> tuple[Tensor, np.ndarray, np.ndarray]:
    """Return the faces of held-out people and the mean training face.

    Returns
    -------
    faces : tensor (n, y, x)
    person : array of names (n,)
    centre : float (y, x)
        Mean of the training faces.
    """
    import numpy as np
    import torch

    from relatent.face_models.people import ROLES
    from relatent.files.hdf5 import open_hdf5, read_hdf5, rows_of

    rows, role, person = read_hdf5(features, "row", "role", "person")
    with open_hdf5(features) as file:
        variant = file.attrs["variant"]
    with open_hdf5(faces) as file:
        pictures = rows_of(file, variant)[...]
    held_out = role == ROLES.index("held_out")
    centre = pictures[rows[role == ROLES.index("training")]].mean(axis=0, dtype=np.float64)
    return torch.from_numpy(pictures[rows[held_out]]), person[held_out], centre


def photographs(faces: Path, features: Path, name: str, count: int) -> np.ndarray:
    """Return faces of one person, spread evenly over the person's photographs, (count, y, x).

    Raises InputError if the person is unknown or has fewer than `count` photographs.
    """
    import numpy as np

    from relatent.face_models.people import rows_of_person
    from relatent.files.hdf5 import open_hdf5, read_hdf5, rows_of

    rows, person = read_hdf5(features, "row", "person")
    found = rows_of_person(person, name)
    if len(found) < count:
        raise InputError(f"{name!r} is on {len(found)} photographs, face_model.mixtures.photographs is {count}")
    chosen = rows[found[np.linspace(0, len(found) - 1, count).round().astype(int)]]
    with open_hdf5(features) as file:
        variant = file.attrs["variant"]
    with open_hdf5(faces) as file:
        pictures: np.ndarray = rows_of(file, variant)[...][chosen]
    return pictures
