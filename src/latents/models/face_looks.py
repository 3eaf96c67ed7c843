"""How faces look, with intervals, wherever they have been: as they are, autoencoded, mixed, drawn; and between two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latents.aggregate import over_seeds
from latents.frechet import detail, distance_to, mean_interval, roughness
from latents.models.face_measures import between
from latents.models.face_model import FaceModel


def looks(
    faces: np.ndarray, centre: np.ndarray, *, blur_px: float, groups: np.ndarray | None = None, prefix: str
) -> dict[str, float]:
    """Distance to the mean face, roughness and detail, each with half its 95 % interval.

    Parameters
    ----------
    faces : float (n, y, x).
    centre : float (y, x), the mean face.
    blur_px, groups : of `latents.frechet.detail` and `mean_interval`.

    Returns
    -------
    dict
        `<prefix>_distance_to_mean`, `<prefix>_roughness`, `<prefix>_detail`, and each with `_interval`.
    """
    measures = {
        "distance_to_mean": distance_to(faces, centre),
        "roughness": roughness(faces),
        "detail": detail(faces, blur_px),
    }
    found: dict[str, float] = {}
    for name, values in measures.items():
        mean, half_width = mean_interval(values, groups)
        found |= {f"{prefix}_{name}": mean, f"{prefix}_{name}_interval": half_width}
    return found


def stages_of_faces(
    model: FaceModel, faces: Tensor, people: np.ndarray, centre: np.ndarray, *, shares: Sequence[float], blur_px: float
) -> dict[str, Any]:
    """The looks of held-out faces: original, after the autoencoder (cnn), after the RBM (autoencoded), and mixed.

    Parameters
    ----------
    faces, people, centre : (n, y, x), (n,), (y, x).
    shares : of the way up, see `latents.models.face_model.FaceModel.mix`; `mixed_<place>` are theirs, `upward` the
        shares themselves.
    """
    ways: dict[str, Tensor] = {
        "original": faces,
        "cnn": model.autoencode(faces, "cnn"),
        "autoencoded": model.autoencode(faces, "rbm"),
    }
    ways |= {f"mixed_{place}": mixed for place, mixed in enumerate(model.mix(faces, shares))}
    found: dict[str, Any] = {"upward": list(shares)}
    for prefix, each in ways.items():
        found |= looks(each.numpy(), centre, blur_px=blur_px, groups=people, prefix=prefix)
    return found


def between_over_draws(
    models: Mapping[str, tuple[FaceModel, str]], faces: Tensor, people: np.ndarray, *, pairs: int, draws: int
) -> dict[str, Any]:
    """Distinctness of faces half way between two people, over several draws of pairs, the same for every level.

    Parameters
    ----------
    models : name -> a model and the level at which it mixes; the first also mixes in the CNN's features.

    Returns
    -------
    dict
        Of `latents.aggregate.over_seeds`: `distinctness_cnn`, and `distinctness_<name>` for each model.
    """
    measured = []
    for seed in range(draws):
        found: dict[str, float] = {}
        for name, (model, level) in models.items():
            with torch.no_grad():
                values = between(model, level, faces, people, pairs=pairs, generator=np.random.default_rng(seed))
            found.setdefault("distinctness_cnn", values["distinctness_cnn"])
            found[f"distinctness_{name}"] = values["distinctness_level"]
        measured.append(found)
    return over_seeds(measured)
