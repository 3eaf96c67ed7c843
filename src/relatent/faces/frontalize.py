"""Turn faces to the front: affine camera, rendering of a reference head, soft symmetry.

After Hassner, Harel, Paz and Enbar, CVPR 2015, with four differences: another head (`fit_shape`),
an affine camera, visibility from ray marching instead of counting pixels, and a blend that keeps
the midline, eyes and mouth where it can.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from relatent.errors import InputError
from relatent.faces.shape import Shape, camera_fit
from relatent.faces.surface import grid_points

Images = np.ndarray | Sequence[np.ndarray]


@dataclass(frozen=True)
class Symmetry:
    """Rules for taking a pixel from the mirrored side of the face; tuned on half of LFW's people.

    Attributes
    ----------
    start, width : blending begins where the mirrored pixel was seen better by `start`, in units of
        visibility, and is complete at `start + width`. A pixel seen as well as its mirror image is
        kept, so that moles and logos are not doubled.
    midline : distance from the midline, in units, over which blending sets in; nearer, both sides
        show the same place, and a mouth slightly off the midline would show a seam.
    own : share by which blending is reduced in eyes and mouth, since gaze and smiles are not
        symmetric.
    trusted : visibility of the pixel's own side from which this reduction is complete.
    turned : degrees of yaw over which blending sets in; a face that looks at the camera is not
        changed, nor is its background.
    """

    start: float = 0.0
    width: float = 0.2
    midline: float = 0.3
    own: float = 0.7
    trusted: float = 0.9
    turned: tuple[float, float] = (3.0, 12.0)


class Frontal(NamedTuple):
    """Frontal faces, and how they were seen."""

    images: np.ndarray  # float32 (n, pixels, pixels) in [0, 1]
    yaw: np.ndarray  # float32 (n,), degrees; positive where the face looks to the image's right
    pitch: np.ndarray  # float32 (n,), degrees; positive where the face looks up
    visibility: np.ndarray  # float32 (n,), share of the face that the camera saw, in [0, 1]


def frontalize(
    images: Images,
    landmarks: np.ndarray,
    shape: Shape,
    *,
    symmetry: bool | Symmetry = True,
) -> Frontal:
    """Turn faces to the front.

    Parameters
    ----------
    images : n photographs: uint8 arrays (height, width), or (height, width, 3) of RGB, of any
        sizes.
    landmarks : float array of shape (n, landmarks, 2)
        x, y in pixels of each photograph, in the scheme of the shape.
    shape : the head, from `fit_shape`.
    symmetry : bool or Symmetry, default True. Take what the camera did not see from the other side
        of the face.

    Returns
    -------
    Frontal
        images float32 (n, 64, 64) in [0, 1], yaw, pitch in degrees, visibility.

    Raises
    ------
    InputError
        If the landmarks have another scheme than the shape or are not finite, or an image is not a
        photograph.
    """
    images, landmarks = _checked(images, landmarks, shape)
    blend = Symmetry() if symmetry is True else symmetry
    cameras = fit_cameras(landmarks, shape)
    yaw, pitch = angles(cameras)
    pictures = _render(images, cameras, shape)
    seen = _seen(shape, yaw, pitch)
    visibility = np.minimum(np.einsum("nij,ij->n", seen, shape.face) / shape.face.sum(), 1)
    if blend:
        pictures = _symmetric(pictures, seen, yaw, shape, blend)
    return Frontal(pictures, yaw.astype(np.float32), pitch.astype(np.float32), visibility.astype(np.float32))


def align(images: Images, landmarks: np.ndarray, shape: Shape) -> np.ndarray:
    """Turn, scale and move faces within the image plane, onto the mean face.

    The parameters are those of `frontalize`.

    Returns
    -------
    float32 array of shape (n, 64, 64) in [0, 1]
    """
    images, landmarks = _checked(images, landmarks, shape)
    weights = shape.weights / shape.weights.sum()
    plane = landmarks[..., 0] + 1j * landmarks[..., 1]
    target = shape.points[:, 0] + 1j * shape.points[:, 1]
    middle, origin = plane @ weights, target @ weights
    # least squares in the complex plane: landmark = turn * (point - origin) + middle
    turn = ((plane - middle[:, None]) * weights) @ (target - origin).conj() / (abs(target - origin) ** 2 @ weights)
    shift = middle - turn * origin
    cameras = np.zeros((len(landmarks), 4, 2))
    cameras[:, 0] = np.column_stack([turn.real, turn.imag])
    cameras[:, 1] = np.column_stack([-turn.imag, turn.real])
    cameras[:, 3] = np.column_stack([shift.real, shift.imag])
    return _render(images, cameras, shape)


def crop(images: Images, *, side: float = 0.46, centre_y: float = 0.5, pixels: int = 64) -> np.ndarray:
    """Cut a fixed square from each image; used where no face was found.

    Parameters
    ----------
    images : as for `frontalize`.
    side : side of the square, as a share of the image's shorter side.
    centre_y : distance of its middle from the top, as a share of the image's height; horizontally
        it is centred.

    Returns
    -------
    float32 array of shape (n, pixels, pixels) in [0, 1]
    """
    import cv2

    pictures = np.empty((len(images), pixels, pixels), np.float32)
    for index, image in enumerate(images):
        grey = _grey(image, index)
        height, width = grey.shape
        half = side * min(height, width) / 2
        top, left = (round(middle - half) for middle in (height * centre_y, width / 2))
        square = grey[max(top, 0) : top + round(2 * half), max(left, 0) : left + round(2 * half)]
        pictures[index] = cv2.resize(square, (pixels, pixels), interpolation=cv2.INTER_AREA)
    return pictures / 255


def normalise(pictures: np.ndarray, *, std: float = 0.3, epsilon: float = 1e-3) -> np.ndarray:
    """Scale each picture to mean 0 and deviation `std`, clipped to [-1, 1], as in the notes.

    Parameters
    ----------
    pictures : float array of shape (n, ...) in [0, 1]
    epsilon : added to the standard deviation, so that a constant picture stays constant.

    Returns
    -------
    float32 array of the same shape

    Examples
    --------
    >>> normalise(np.array([[0.2, 0.4]]), epsilon=0).round(6)
    array([[-0.3,  0.3]], dtype=float32)
    """
    axes = tuple(range(1, pictures.ndim))
    mean = pictures.mean(axis=axes, keepdims=True)
    spread = pictures.std(axis=axes, keepdims=True)
    return np.clip(std * (pictures - mean) / (spread + epsilon), -1, 1).astype(np.float32)


# --- cameras --------------------------------------------------------------------------------------


def fit_cameras(landmarks: np.ndarray, shape: Shape) -> np.ndarray:
    """Fit affine cameras, float64 (n, 4, 2), by weighted least squares.

    [x, y, z, 1] @ camera is a place in the image.
    """
    return camera_fit(shape.points, shape.weights) @ landmarks


def angles(cameras: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return yaw and pitch in degrees, each (n,), of the rotation closest to each affine camera."""
    right, down = cameras[:, :3, 0], cameras[:, :3, 1]
    away = np.cross(right, down)  # from the camera, in the head's frame
    away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-12)
    return np.degrees(np.arctan2(away[:, 0], away[:, 2])), np.degrees(np.arcsin(-away[:, 1]))


# --- pictures -------------------------------------------------------------------------------------


def _checked(images: Images, landmarks: np.ndarray, shape: Shape) -> tuple[Images, np.ndarray]:
    landmarks = np.asarray(landmarks, np.float64)
    if landmarks.ndim != 3 or landmarks.shape[1:] != (len(shape), 2):
        raise InputError(f"landmarks must be (n, {len(shape)}, 2), as the shape was fitted to, got {landmarks.shape}")
    if len(images) != len(landmarks):
        raise InputError(f"there must be landmarks for each image: got {len(landmarks)} for {len(images)}")
    if not np.isfinite(landmarks).all():
        raise InputError("landmarks must be finite: leave out the images without a face, or crop them")
    return images, landmarks


def _grey(image: np.ndarray, index: int) -> np.ndarray:
    """Convert to uint8 (height, width); RGB by ITU-R 601-2, as in Pillow's mode L."""
    import cv2

    image = np.asarray(image)
    if image.dtype != np.uint8 or not image.size or (image.ndim != 2 and image.shape[2:] != (3,)):
        raise InputError(
            f"image {index} must be uint8 (height, width) or (height, width, 3), got {image.dtype} {image.shape}"
        )
    return np.ascontiguousarray(image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))


def _render(images: Iterable[np.ndarray], cameras: np.ndarray, shape: Shape) -> np.ndarray:
    """Render the surface as each camera's image shows it, float32 (n, pixels, pixels) in [0, 1]."""
    import cv2

    side, pixels = len(shape.depth), len(shape.face)
    grid = grid_points(shape.half_width, shape.centre, side)
    surface = np.empty((4, side * side), np.float32)
    surface[:2], surface[2], surface[3] = grid.reshape(-1, 2).T, shape.depth.ravel(), 1
    pictures = np.empty((len(cameras), pixels, pixels), np.float32)
    for index, (image, camera) in enumerate(zip(images, cameras.astype(np.float32), strict=True)):
        x, y = (camera.T @ surface).reshape(2, side, side)
        fine = cv2.remap(_grey(image, index), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        pictures[index] = cv2.resize(fine, (pixels, pixels), interpolation=cv2.INTER_AREA)
    return pictures / np.float32(255)


def _seen(shape: Shape, yaw: np.ndarray, pitch: np.ndarray) -> np.ndarray:
    """Interpolate visibility (n, pixels, pixels) at poses, bilinear between the shape's cameras."""
    seen = np.zeros((len(yaw), *shape.face.shape), np.float32)
    (i, u), (j, v) = _bracket(shape.yaws, yaw), _bracket(shape.pitches, pitch)
    for di, dj, share in ((0, 0, (1 - u) * (1 - v)), (1, 0, u * (1 - v)), (0, 1, (1 - u) * v), (1, 1, u * v)):
        seen += share.astype(np.float32)[:, None, None] * shape.seen[i + di, j + dj]
    return seen


def _bracket(knots: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the knot below each value and the share of the way to the next; clips outside."""
    values = np.clip(values, knots[0], knots[-1])
    below = np.clip(np.searchsorted(knots, values, side="right") - 1, 0, len(knots) - 2)
    return below, (values - knots[below]) / (knots[below + 1] - knots[below])


def _symmetric(pictures: np.ndarray, seen: np.ndarray, yaw: np.ndarray, shape: Shape, blend: Symmetry) -> np.ndarray:
    """Blend in what the mirrored side shows better; float32 (n, pixels, pixels)."""
    x = grid_points(shape.half_width, shape.centre, len(shape.face))[..., 0]
    away = _smoothstep(np.abs(x) / max(blend.midline, 1e-9)).astype(np.float32)
    share = away * _smoothstep((seen[:, :, ::-1] - seen - np.float32(blend.start)) / np.float32(blend.width))
    share *= 1 - np.float32(blend.own) * shape.own * _smoothstep(seen / np.float32(blend.trusted))
    begin, end = blend.turned
    share *= _smoothstep((np.abs(yaw) - begin) / max(end - begin, 1e-9)).astype(np.float32)[:, None, None]
    return pictures + share * (pictures[:, :, ::-1] - pictures)


def _smoothstep(value: np.ndarray) -> np.ndarray:
    value = np.clip(value, 0, 1)
    return value * value * (3 - 2 * value)
