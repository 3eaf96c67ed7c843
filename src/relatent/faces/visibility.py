"""Compute how well a camera sees each point of a height field: facing it, and unhidden."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relatent.errors import InputError


@dataclass(frozen=True)
class Rays:
    """Cameras, and how a surface's visibility falls off.

    Attributes
    ----------
    yaws, pitches : degrees, symmetric about 0, ascending.
    grazing, facing : cosines of the angle to the surface's normal from which visibility rises from
        0 to 1.
    steps : steps of the march along each ray.
    blur : standard deviation, as a share of the picture's side.
    """

    yaws: tuple[float, ...] = tuple(float(angle) for angle in range(-64, 65, 4))
    pitches: tuple[float, ...] = tuple(float(angle) for angle in range(-32, 33, 8))
    grazing: float = 0.15
    facing: float = 0.5
    steps: int = 48
    blur: float = 0.04

    def __post_init__(self) -> None:
        for name, angles in (("yaws", self.yaws), ("pitches", self.pitches)):
            mirrored = tuple(-angle for angle in reversed(angles))
            if len(angles) < 2 or list(angles) != sorted(set(angles)) or mirrored != tuple(angles):
                raise InputError(f"{name} must be at least 2 degrees, ascending, symmetric about 0, got {angles}")


def direction(yaw: float | np.ndarray, pitch: float | np.ndarray) -> np.ndarray:
    """Return the unit vector (..., 3) from the head to a camera at yaw and pitch in degrees.

    Positive yaw: the face looks to the image's right, so the camera stands to its left. Positive
    pitch: the face looks up.

    Examples
    --------
    >>> direction(90, 0).round(3) + 0
    array([-1.,  0.,  0.])
    """
    yaw, pitch = np.radians(yaw), np.radians(pitch)
    return np.stack([-np.sin(yaw) * np.cos(pitch), np.sin(pitch) + 0 * yaw, -np.cos(yaw) * np.cos(pitch)], axis=-1)


def visibility_grid(depth: np.ndarray, pixel: float, side: int, rays: Rays) -> np.ndarray:
    """Compute the visibility of a height field from every camera.

    Parameters
    ----------
    depth : float array of shape (s, s), z away from the camera, symmetric left to right.
    pixel : width of one of its pixels, in the unit of depth.
    side : pixels of the result's side; s must be a multiple of it.

    Returns
    -------
    float32 array of shape (yaws, pitches, side, side) in [0, 1]
    """
    views = np.empty((len(rays.yaws), len(rays.pitches), side, side), np.float32)
    for i, yaw in enumerate(rays.yaws):
        for j, pitch in enumerate(rays.pitches):
            views[i, j] = _visibility(depth, pixel, side, direction(yaw, pitch), rays)
    return views


def _visibility(depth: np.ndarray, pixel: float, side: int, camera: np.ndarray, rays: Rays) -> np.ndarray:
    import cv2

    dy, dx = np.gradient(depth, pixel)
    # normal towards the viewer, (dx, dy, -1) up to length
    cosine = (dx * camera[0] + dy * camera[1] - camera[2]) / np.sqrt(dx**2 + dy**2 + 1)
    facing = np.clip((cosine - rays.grazing) / (rays.facing - rays.grazing), 0, 1)
    visible = (facing * ~_hidden(depth, pixel, camera, rays.steps)).astype(np.float32)
    small = cv2.resize(visible, (side, side), interpolation=cv2.INTER_AREA)
    return cv2.GaussianBlur(small, (0, 0), rays.blur * side, borderType=cv2.BORDER_REPLICATE)


def _hidden(depth: np.ndarray, pixel: float, camera: np.ndarray, steps: int) -> np.ndarray:
    """Mark points for which the surface stands between them and the camera; bool, depth's shape."""
    import cv2

    side = len(depth)
    y, x = np.mgrid[:side, :side].astype(np.float32)
    rise = max(-camera[2], 1e-6)  # towards the viewer
    # length after which a ray is above everything
    highest = float(depth.max() - depth.min()) / rise
    hidden = np.zeros(depth.shape, bool)
    for along in np.linspace(0, highest, steps + 1)[1:]:
        at_x, at_y = x + np.float32(along * camera[0] / pixel), y + np.float32(along * camera[1] / pixel)
        surface = cv2.remap(depth, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=1e3)
        # a tolerance of a pixel's width, so that no point hides itself
        hidden |= surface < depth + along * camera[2] - pixel
    return hidden
