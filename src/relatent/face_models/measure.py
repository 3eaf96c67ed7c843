"""Measure the notes' claims about faces at one level of a face model, as numbers by name.

Distance to the mean face, smoothness and detail, before and after autoencoding and of Gibbs
samples; distinctness of faces between two others; distance of draws to held-out faces.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from relatent.face_models.looks import detail, distance_to, distinctness, roughness
from relatent.face_models.stack import FaceModel
from relatent.face_models.unit_map import UnitMap
from relatent.networks.probes import Probe
from relatent.stats.frechet import frechet_distance
from relatent.stats.intervals import mean_interval
from relatent.stats.seeds import over_seeds

LOOKS = ("distance_to_mean", "roughness", "detail")  # the measures of `look`
PROBED = 20  # faces, pairs, chains and Gibbs steps of a probe


def look(
    faces: np.ndarray,
    centre: np.ndarray,
    *,
    blur_px: float,
    groups: np.ndarray | None = None,
    prefix: str,
    intervals: Collection[str] = ("distance_to_mean",),
) -> dict[str, float]:
    """Measure how typical, smooth and detailed faces look.

    Parameters
    ----------
    faces : float (n, y, x).
    centre : float (y, x), the mean face.
    blur_px : float, see `relatent.face_models.looks.detail`.
    groups : (n,), such as people, see `relatent.stats.intervals.mean_interval`; default: faces are
        independent.
    prefix : str, of the names.
    intervals : names of measures of which half the 95 % interval is given, default: of the
        distance.

    Returns
    -------
    dict
        `<prefix>_distance_to_mean`, root mean squared difference per pixel, `<prefix>_roughness`,
        `<prefix>_detail`, and each of `intervals` with `_interval`.
    """
    measures = {
        "distance_to_mean": distance_to(faces, centre),
        "roughness": roughness(faces),
        "detail": detail(faces, blur_px),
    }
    found: dict[str, float] = {}
    for name, values in measures.items():
        interval = mean_interval(values, groups)
        found[f"{prefix}_{name}"] = interval.mean
        if name in intervals:
            found[f"{prefix}_{name}_interval"] = interval.half_width
    return found


def autoencoding(
    model: FaceModel, level: str, faces: Tensor, people: np.ndarray, centre: np.ndarray, *, blur_px: float
) -> dict[str, float]:
    """Measure the look of faces: "original", after the autoencoder ("cnn"), after the level
    ("autoencoded").

    Parameters
    ----------
    level : of `relatent.face_models.stack.LEVELS`.
    faces : (n, y, x), held out.
    people : (n,), the person on each.
    centre : (y, x), the mean of the training faces.

    Returns
    -------
    dict
        See `look`; and `cnn_mse`, `autoencoded_mse`, mean squared error per pixel;
        `autoencoded_nearer`, the share of faces that are nearer to the mean face after the level
        than before.
    """
    original, by_cnn, after = (
        each.numpy() for each in (faces, model.autoencode(faces, "cnn"), model.autoencode(faces, level))
    )
    found: dict[str, float] = {}
    for prefix, pixels in (("original", original), ("cnn", by_cnn), ("autoencoded", after)):
        found |= look(pixels, centre, blur_px=blur_px, groups=people, prefix=prefix)
    nearer = distance_to(after, centre) < distance_to(original, centre)
    return found | {
        "cnn_mse": float(np.square(by_cnn - original).mean(dtype=np.float64)),
        "autoencoded_mse": float(np.square(after - original).mean(dtype=np.float64)),
        "autoencoded_nearer": float(nearer.mean()),
    }


def between(
    model: FaceModel, level: str, faces: Tensor, people: np.ndarray, *, pairs: int, generator: np.random.Generator
) -> dict[str, float]:
    """Measure how distinct faces halfway between two people are, per place of mixing; 1: as the
    originals.

    Parameters
    ----------
    faces, people : (n, y, x), (n,), held out; each pair is of two people.
    pairs : int, pairs to draw.

    Returns
    -------
    dict
        `distinctness_pixels` for the mean of the pixels, `distinctness_cnn` and
        `distinctness_level`; and `distinctness_autoencoded` of the originals after the level, with
        nothing mixed.
    """
    first, second = draw_pairs(people, pairs, generator=generator)
    originals = torch.cat([faces[first], faces[second]])
    reference = originals.numpy()
    mixed = {
        "pixels": (faces[first] + faces[second]) / 2,
        "cnn": model.interpolate(faces[first], faces[second], (0.5,), "cnn")[0],
        "level": model.interpolate(faces[first], faces[second], (0.5,), level)[0],
        "autoencoded": model.autoencode(originals, level),
    }
    return {f"distinctness_{name}": distinctness(each.numpy(), reference) for name, each in mixed.items()}


def draw_pairs(people: np.ndarray, pairs: int, *, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw rows (pairs,), (pairs,) of two different people each, with replacement."""
    first, second = generator.integers(len(people), size=(2, pairs))
    while len(same := np.flatnonzero(people[first] == people[second])):
        second[same] = generator.integers(len(people), size=len(same))
    return first, second


def run_chains(
    model: FaceModel,
    level: str,
    *,
    chains: int,
    steps: int,
    draws: int,
    thinning: int,
    watched: int,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Run Gibbs chains from random values: draws far apart, and every step of some chains after
    burn-in.

    Parameters
    ----------
    chains, steps : int, number of chains, and steps to the first draw of each.
    draws, thinning : int, draws of each chain, and steps between two.
    watched : int, chains of which every step is returned.

    Returns
    -------
    values (draws * chains, n_features)
        In [0, 1]; the first draws of all chains come first.
    trace (1 + (draws - 1) * thinning, watched, n_features)
    """
    states = model.states(chains, generator=generator, level=level)
    for _ in range(steps):
        values = next(states)
    taken, trace = [values], [values[:watched].clone()]
    for _ in range(draws - 1):
        for _ in range(thinning):
            values = next(states)
            trace.append(values[:watched].clone())
        taken.append(values)
    return torch.cat(taken), torch.stack(trace)


def mark(
    probe: Probe,
    model: FaceModel,
    level: str,
    faces: Tensor,
    people: np.ndarray,
    centre: np.ndarray,
    blur_px: float,
    seed: int,
) -> None:
    """Mark the measures on few faces and chains, with draws from streams of their own."""
    rows = slice(PROBED)
    probe.mark("autoencoded", autoencoding(model, level, faces[rows], people[rows], centre, blur_px=blur_px))
    draws, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    probe.mark("between", between(model, level, faces, people, pairs=PROBED, generator=draws))
    few = {"chains": PROBED, "steps": PROBED, "draws": 2, "thinning": 2, "watched": 1}
    values, trace = run_chains(model, level, generator=generator, **few)
    probe.mark("chains", (values, trace))
    means = model.means_around(values, generator=generator, level=level)
    probe.mark("means", (means, model.decode(means)))
    probe.end()


def against_faces(
    draws: Tensor,
    means: Tensor,
    unit_map: UnitMap,
    held_out: np.ndarray,
    training: np.ndarray,
    *,
    generator: np.random.Generator,
) -> dict[str, float]:
    """Return Frechet distances to held-out faces, in the autoencoder's features.

    Parameters
    ----------
    draws, means : (n, n_features) in [0, 1], Gibbs samples and their means.
    held_out, training : features (m, n_features), raw.
    generator : draws as many training faces as there are samples.

    Returns
    -------
    dict
        `frechet` of the draws, `frechet_means`; and for comparison `frechet_floor` of training
        faces, `frechet_floor_clipped` of the same after clipping to [0, 1], which no model of such
        values can undo, and `frechet_independent` with each feature shuffled over the training
        faces, a model without weights.
    """
    rows = generator.choice(len(training), min(len(draws), len(training)), replace=False)
    real = training[rows]
    clipped = unit_map.from_unit(unit_map.to_unit(torch.from_numpy(real))).numpy()
    return {
        "frechet": frechet_distance(unit_map.from_unit(draws).numpy(), held_out),
        "frechet_means": frechet_distance(unit_map.from_unit(means).numpy(), held_out),
        "frechet_floor": frechet_distance(real, held_out),
        "frechet_floor_clipped": frechet_distance(clipped, held_out),
        "frechet_independent": frechet_distance(generator.permuted(real, axis=0), held_out),
    }


def stages_of_faces(
    model: FaceModel, faces: Tensor, people: np.ndarray, centre: np.ndarray, *, shares: Sequence[float], blur_px: float
) -> dict[str, Any]:
    """Measure looks of held-out faces: original, after the autoencoder (cnn), the RBM
    (autoencoded), and mixed.

    Parameters
    ----------
    faces, people, centre : (n, y, x), (n,), (y, x).
    shares : of the way up, see `relatent.face_models.stack.FaceModel.mix`; the results have
        `mixed_<place>` for each, and the shares as `upward`.
    """
    ways: dict[str, Tensor] = {
        "original": faces,
        "cnn": model.autoencode(faces, "cnn"),
        "autoencoded": model.autoencode(faces, "rbm"),
    }
    ways |= {f"mixed_{place}": mixed for place, mixed in enumerate(model.mix(faces, shares))}
    found: dict[str, Any] = {"upward": list(shares)}
    for prefix, each in ways.items():
        found |= look(each.numpy(), centre, blur_px=blur_px, groups=people, prefix=prefix, intervals=LOOKS)
    return found


def between_over_draws(
    models: Mapping[str, tuple[FaceModel, str]], faces: Tensor, people: np.ndarray, *, pairs: int, draws: int
) -> dict[str, Any]:
    """Measure distinctness of faces halfway between two people, over draws of pairs, the same for
    every level.

    Parameters
    ----------
    models : name -> a model and the level at which it mixes; the first also mixes in the CNN's
        features.

    Returns
    -------
    dict
        Of `relatent.stats.seeds.over_seeds`: `distinctness_cnn`, and `distinctness_<name>` for each
        model.
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
