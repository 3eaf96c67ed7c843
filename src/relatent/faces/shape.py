"""Fit the reference head to landmarks alone: mean face, depth, visibility from each camera.

Each set of landmarks is, up to noise and expression, an affine view of one solid shape (Tomasi and
Kanade 1992). Without the best affine fit of the flat mean face, what remains is depth times the
rotation of the head, and its first principal component is depth.

Axes: x to the image's right, y down, z away from the camera. The unit is the distance between two
stated landmarks.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from relatent.errors import InputError
from relatent.faces.schemes import Scheme
from relatent.faces.surface import around, grid_points, surface
from relatent.faces.visibility import Rays, visibility_grid
from relatent.files.hdf5 import read_hdf5, write_hdf5

ROUNDS = 5  # of alignment to the mean, which converges after two
MIN_VIEWS = 3


@dataclass(frozen=True, eq=False)
class Shape:
    """Reference head; see `fit_shape`.

    Attributes
    ----------
    points : float64 (landmarks, 3), centred in x and y.
    mirror : int64 (landmarks,), the left-right permutation.
    weights : float64 (landmarks,), trust in each landmark when a camera is fitted.
    depth : float32 (side, side), z of the surface on the grid of the frontal picture.
    seen : float32 (yaws, pitches, pixels, pixels) in [0, 1], how well each camera sees each pixel
        of the frontal picture.
    yaws, pitches : float64, the cameras of `seen`, in degrees.
    own : float32 (pixels, pixels) in [0, 1], 1 where a face is not symmetric (eyes, mouth).
    face : float32 (pixels, pixels) in [0, 1], 1 within the outline of the landmarks.
    half_width : float64, half the side of the frontal picture, in units.
    centre : float64 (2,), its middle, in units.
    """

    points: np.ndarray
    mirror: np.ndarray
    weights: np.ndarray
    depth: np.ndarray
    seen: np.ndarray
    yaws: np.ndarray
    pitches: np.ndarray
    own: np.ndarray
    face: np.ndarray
    half_width: float
    centre: np.ndarray

    def __len__(self) -> int:
        return len(self.points)


@dataclass(frozen=True)
class Frame:
    """Geometry of the frontal picture.

    Attributes
    ----------
    half_width : half its side, in units (distance of the outer eye corners for `IBUG68`).
    centre_y : distance of its middle below the landmarks' centroid, in units; the default shows a
        face from hair to chin.
    pixels : its side.
    oversampling : factor by which it is rendered finer before averaging.
    """

    half_width: float = 1.0
    centre_y: float = -0.3
    pixels: int = 64
    oversampling: int = 2


def fit_shape(
    landmarks: np.ndarray,
    *,
    mirror: Sequence[int] | np.ndarray,
    weights: Sequence[float] | np.ndarray | None = None,
    unit: tuple[int, int] | None = None,
    own: Sequence[Sequence[int]] = (),
    frame: Frame | None = None,
    rays: Rays | None = None,
) -> Shape:
    """Fit a head to many views of many heads.

    Parameters
    ----------
    landmarks : float array of shape (n, landmarks, 2)
        x, y in pixels, at any scale and place, of the faces to learn from (the training people).
        The heads must turn.
    mirror : int array of shape (landmarks,)
        mirror[i] is the landmark that i becomes when the image is flipped left to right.
    weights : float array of shape (landmarks,)
        Trust in each landmark when a camera is fitted; by default all 1.
    unit : two landmarks whose distance in the mean face is 1; by default the pair furthest apart in
        x.
    own : groups of landmarks around features that are not symmetric (eyes, mouth).
    frame : geometry of the frontal picture.
    rays : cameras for which visibility is computed.

    Returns
    -------
    Shape
        Landmarks cannot tell a head from its hollow cast; of the two signs of depth, the one is
        chosen whose middle is nearer than its rim.

    Raises
    ------
    InputError
        If the arrays do not fit together, landmarks are not finite, or no head turns.

    References
    ----------
    Tomasi and Kanade, International Journal of Computer Vision 9, 1992.
    """
    landmarks, mirror = _checked(landmarks, mirror)
    views = _normalised(np.concatenate([landmarks, landmarks[:, mirror] * (-1, 1)]))
    flat = _mean_view(views, mirror)  # (landmarks, 2)
    flat = flat / _unit_length(flat, unit)
    trust = _trust(weights, len(flat))
    points = np.column_stack([flat, _depth(views, flat, mirror, trust)])
    return _dense(points, mirror, trust, own, frame or Frame(), rays or Rays())


def fit_people(landmarks: Path, scheme: Scheme, people: Collection[str], *, frame: Frame | None = None) -> Shape:
    """Fit the head of some people to the kept photographs of a landmarks file.

    Parameters
    ----------
    landmarks : HDF5 that `relatent.faces.landmarks.write_landmarks` wrote.
    scheme : scheme of the landmarks.
    people : people whose photographs are used.
    frame : see `fit_shape`.

    Raises
    ------
    InputError
        If none of these people has a kept photograph; otherwise as for `fit_shape`.
    """
    points, kept, person = read_hdf5(landmarks, "points", "kept", "person")
    kept &= np.isin(person.astype(str), list(people))
    if not kept.any():
        raise InputError(f"{landmarks}: none of the {len(people)} people to fit the head to is kept in it")
    return fit_shape(
        points[kept], mirror=scheme.mirror, weights=scheme.weights, unit=scheme.unit, own=scheme.own, frame=frame
    )


def _checked(landmarks: np.ndarray, mirror: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    landmarks, permutation = np.asarray(landmarks, np.float64), np.asarray(mirror, np.int64)
    if landmarks.ndim != 3 or landmarks.shape[2] != 2 or landmarks.shape[1] < 4 or len(landmarks) < MIN_VIEWS:
        raise InputError(
            f"landmarks must be (n, landmarks, 2) with n >= {MIN_VIEWS} and landmarks >= 4, got {landmarks.shape}"
        )
    count = landmarks.shape[1]
    if permutation.shape != (count,):
        raise InputError(f"mirror must name one landmark for each of the {count}, got shape {permutation.shape}")
    inside = ((permutation >= 0) & (permutation < count)).all()
    if not inside or not np.array_equal(permutation[permutation], np.arange(count)):
        raise InputError("mirror must lead back when applied twice: mirror[mirror[i]] == i for each landmark i")
    if not np.isfinite(landmarks).all():
        raise InputError("landmarks must be finite: leave out the images without a face")
    return landmarks, permutation


def _unit_length(flat: np.ndarray, unit: tuple[int, int] | None) -> float:
    a, b = unit if unit is not None else (int(flat[:, 0].argmin()), int(flat[:, 0].argmax()))
    if not (0 <= a < len(flat) and 0 <= b < len(flat)):
        raise InputError(f"unit must be two of the {len(flat)} landmarks, got {unit}")
    length = float(np.hypot(*(flat[a] - flat[b])))
    if length < 1e-9:
        raise InputError(f"unit must be two landmarks apart from each other, {a} and {b} are one place")
    return length


def _trust(weights: Sequence[float] | np.ndarray | None, count: int) -> np.ndarray:
    trust = np.ones(count) if weights is None else np.asarray(weights, np.float64)
    if trust.shape != (count,) or trust.min() < 0 or np.count_nonzero(trust) < 4:
        raise InputError(f"weights must be {count} numbers, at least 4 above 0 and none below, got {trust.shape}")
    return trust


def _normalised(views: np.ndarray) -> np.ndarray:
    """Centre each view and scale it to mean square radius 1."""
    views = views - views.mean(axis=1, keepdims=True)
    size = np.sqrt((views**2).sum(axis=2).mean(axis=1))
    if not size.all():
        raise InputError(f"landmarks of image {int(np.argmin(size))} are all one point")
    return views / size[:, None, None]


def _mean_view(views: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """Average views (n, landmarks, 2) after turning each onto the mean; symmetric."""
    mean = views.mean(axis=0)
    for _ in range(ROUNDS):
        plane, target = views[..., 0] + 1j * views[..., 1], mean[:, 0] + 1j * mean[:, 1]
        turn = plane.conj() @ target
        turned = (plane * (turn / np.abs(turn))[:, None]).mean(axis=0)
        mean = np.column_stack([turned.real, turned.imag])
        mean = _normalised(((mean + mean[mirror] * (-1, 1)) / 2)[None])[0]
    return mean


def _depth(views: np.ndarray, flat: np.ndarray, mirror: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Compute depth (landmarks,) of a flat mean face from the residuals of its best affine fits."""
    basis = np.column_stack([flat, np.ones(len(flat))])
    rest = views - np.einsum("ij,njk->nik", basis @ np.linalg.pinv(basis), views)
    moment = np.einsum("nik,njk->ij", rest, rest)  # (landmarks, landmarks)
    depth = np.linalg.eigh(moment)[1][:, -1]
    depth = (depth + depth[mirror]) / 2
    if np.abs(depth).max() < 1e-6 or np.trace(moment) < 1e-8 * len(views):
        raise InputError("landmarks show no depth: the heads must turn, and turn the whole face")
    # choose the head, not its hollow cast: the rim is further away
    radius = (flat**2).sum(axis=1)
    if ((radius - radius.mean()) * depth).sum() < 0:
        depth = -depth
    return depth * _depth_scale(views, np.column_stack([flat, depth]), weights)


def camera_fit(points: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the matrix (4, landmarks) that maps landmarks to their least-squares affine camera.

    It maps (landmarks, 2) to (4, 2).
    """
    solid = np.column_stack([points, np.ones(len(points))])
    return np.linalg.pinv(solid * np.sqrt(weights)[:, None]) * np.sqrt(weights)


def _depth_scale(views: np.ndarray, points: np.ndarray, weights: np.ndarray) -> float:
    """Compute the depth of a unit in `points`: cameras have two orthogonal rows of equal length.

    With rows a, b of an affine camera and k = 1 / scale^2: |a|^2 - |b|^2 = 0 and a.b = 0, where the
    square of each third entry is multiplied by k. This is solved by least squares for k and a
    constant for the mean face, which is narrower than a frontal one.
    """
    cameras = camera_fit(points, weights) @ views  # (n, 4, 2)
    a, b = cameras[..., 0], cameras[..., 1]
    unequal = (a[:, :2] ** 2).sum(axis=1) - (b[:, :2] ** 2).sum(axis=1)
    skew = 2 * (a[:, :2] * b[:, :2]).sum(axis=1)
    columns = np.block(
        [
            [(a[:, 2] ** 2 - b[:, 2] ** 2)[:, None], np.ones((len(a), 1))],
            [2 * (a[:, 2] * b[:, 2])[:, None], np.zeros((len(a), 1))],
        ]
    )
    k = np.linalg.lstsq(columns, -np.concatenate([unequal, skew]), rcond=None)[0][0]
    if not k > 1e-12:
        raise InputError("landmarks show no turning heads: the views are no pictures of one solid shape")
    return float(1 / np.sqrt(k))


# --- from landmarks to a surface ------------------------------------------------------------------


def _dense(
    points: np.ndarray,
    mirror: np.ndarray,
    weights: np.ndarray,
    own: Sequence[Sequence[int]],
    frame: Frame,
    rays: Rays,
) -> Shape:
    centre = np.array([0.0, frame.centre_y])
    grid = grid_points(frame.half_width, centre, frame.pixels * frame.oversampling)
    depth = surface(points, grid)
    coarse = grid_points(frame.half_width, centre, frame.pixels)
    pitch = 2 * frame.half_width / len(depth)
    return Shape(
        points=points,
        mirror=mirror,
        weights=weights,
        depth=depth,
        seen=visibility_grid(depth, pitch, frame.pixels, rays),
        yaws=np.array(rays.yaws),
        pitches=np.array(rays.pitches),
        own=around([points[list(group), :2] for group in own], coarse),
        face=around([points[:, :2]], coarse),
        half_width=frame.half_width,
        centre=centre,
    )


# --- files ----------------------------------------------------------------------------------------


def write_shape(path: Path, shape: Shape) -> None:
    """Write a shape as HDF5, one data set per attribute."""
    write_hdf5(path, {field.name: np.atleast_1d(getattr(shape, field.name)) for field in fields(Shape)})


def read_shape(path: Path) -> Shape:
    """Read a shape that `write_shape` wrote; InputError if the file holds none."""
    names = [field.name for field in fields(Shape)]
    values: dict[str, Any] = dict(zip(names, read_hdf5(path, *names), strict=True))
    values["half_width"] = float(values["half_width"][0])
    return Shape(**values)
