"""Make heads for the tests of faces: known points from known sides, and small archives."""

from __future__ import annotations

import functools
import io
from pathlib import Path

import numpy as np
from PIL import Image

from relatent.datasets import embedded_faces
from relatent.datasets.archive import write_tar
from relatent.faces import Shape, fit_shape

# a face of 11 points in pixels of the embedded texture: outer and inner eye corners, brows, nose,
# mouth, chin, cheeks
_HALF = [(-70, -45), (-25, -45), (-45, -75), (-30, 60), (-95, 5), (-60, 85)]
_MIDDLE = [(0, -50), (0, 10), (0, 65), (0, 110)]
FLAT = np.array([*_HALF, *[(-x, y) for x, y in _HALF], *_MIDDLE], np.float64)
MIRROR = np.array([*range(6, 12), *range(6), *range(12, 16)])
UNIT = (0, 6)  # outer eye corners


def rotation(yaw: float, pitch: float, roll: float = 0.0) -> np.ndarray:
    """Return the rotation from head to camera, in degrees; x right, y down, z towards the camera.

    The axes are those of the embedded faces.
    """
    (cy, cp, cr), (sy, sp, sr) = np.cos(np.radians([yaw, pitch, roll])), np.sin(np.radians([yaw, pitch, roll]))
    turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    nod = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    tilt = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return tilt @ nod @ turn


def solid() -> np.ndarray:
    """Return points (16, 3) on the embedded head of person 0, in texture pixels.

    z points towards the camera.
    """
    height = embedded_faces._height(PERSON)
    x, y = (FLAT + embedded_faces.CENTRE).round().astype(int).T
    return np.column_stack([FLAT, height[y, x]])


PERSON = embedded_faces.PEOPLE[5]


def views(count: int, generator: np.random.Generator, *, noise: float = 0.0) -> np.ndarray:
    """Return scaled orthographic views (count, 16, 2) of the solid, in pixels."""
    head = solid()
    angles = generator.normal(0, (18, 10, 5), size=(count, 3))
    seen = np.stack([(head @ rotation(*angle).T)[:, :2] for angle in angles])
    seen = seen * generator.uniform(0.3, 0.6, size=(count, 1, 1)) + generator.normal(125, 5, size=(count, 1, 2))
    return seen + generator.normal(0, noise, size=seen.shape)


def photograph(yaw: float, pitch: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Render the embedded head from a known side, in evenly diffused light.

    Returns uint8 (250, 250, 3) and its points (16, 2).
    """
    pose = embedded_faces.Pose(
        yaw=np.radians(yaw),
        pitch=np.radians(pitch),
        roll=0.0,
        light=(0.0, 0.0, 1.0),
        ambient=1.0,
        gain=1.0,
        shift_px=(0.0, 0.0),
        scale=embedded_faces.FACE_SCALE,
    )
    texture, height = _surface()
    head = solid() - (0, 0, embedded_faces.PIVOT[2])
    points = (head @ rotation(yaw, pitch).T)[:, :2] * pose.scale + (embedded_faces.SIDE_PX - 1) / 2
    return embedded_faces.render(texture, height, pose), points


@functools.cache
def _surface() -> tuple[np.ndarray, np.ndarray]:
    return embedded_faces._texture(PERSON), embedded_faces._height(PERSON)


@functools.cache
def head_shape() -> Shape:
    """Fit the shape of the embedded head to 200 noiseless views of its points."""
    return fit_shape(views(200, np.random.default_rng(0)), mirror=MIRROR, unit=UNIT)


@functools.cache
def portraits(count: int) -> dict[str, bytes]:
    """Return the first photographs of the embedded data set, by path."""
    stream = embedded_faces.portraits()
    return dict(next(stream) for _ in range(count))


def jpeg(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def write_archive(folder: Path, members: dict[str, bytes]) -> Path:
    """Write a canonical tar of photographs by name ("Person_0001")."""
    path = folder / "lfw.tar"
    rows = sorted((f"lfw-deepfunneled/{name[:-5]}/{name}.jpg", data) for name, data in members.items())
    write_tar(path, rows)
    return path


def mixed_members() -> dict[str, bytes]:
    """Return eight good portraits (one grey), and a faceless, a damaged and a wrong-sized one."""
    good = list(portraits(8).values())
    members = {f"Good_{index:04d}": data for index, data in enumerate(good[:7], 1)}
    grey = np.asarray(Image.open(io.BytesIO(good[7])).convert("L"))
    return {
        **members,
        "Grey_0001": jpeg(grey),
        "Bare_0001": jpeg(np.full((250, 250, 3), 90, np.uint8)),
        "Cut_0001": good[0][:2000],
        "Large_0001": jpeg(np.zeros((300, 260, 3), np.uint8)),
    }
