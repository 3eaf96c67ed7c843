"""Build the embedded faces from two portraits, turned, lit and photographed on a height field.

Invented people blend and mirror the two textures on heads of different proportions. Every
photograph renders real depth: when the head turns, the nose moves further than the eyes and hides
what is behind it.
"""

from __future__ import annotations

import functools
import importlib.util
import io
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np

from relatent.datasets.lfw import SIDE_PX
from relatent.errors import InputError

IMAGES_PER_PERSON = 12
SEED = 20_170_719
JPEG_QUALITY = 90
TEXTURE_PX = 512
EYE_DISTANCE_PX = 96.0  # in the texture; in life it is 63 mm, so 1 mm is 1.52 px
CENTRE = (256.0, 262.0)  # x and y of the middle of the face in the texture
EYE_Y, MOUTH_Y = 220.0, 320.0
FACE_SCALE = 44 / EYE_DISTANCE_PX  # in deep-funneled LFW the eyes are about 44 px apart
MARCH_STEPS, REFINE_STEPS = 48, 8


class Person(NamedTuple):
    """Recipe of an invented person: share of the second portrait, proportions of the head."""

    name: str
    blend: float  # 0: Grace Hopper's portrait, 1: the astronaut Eileen Collins'
    mirrored: bool
    width: float  # of the head, relative to the height field's
    nose: float  # its height, relative to the height field's
    tint: tuple[float, float, float]  # gain of red, green, blue


PEOPLE = (
    Person("Embedded_Blend_A", 0.35, False, 1.00, 1.15, (1.00, 0.97, 0.92)),
    Person("Embedded_Blend_B", 0.50, True, 1.06, 0.85, (0.92, 0.96, 1.00)),
    Person("Embedded_Blend_C", 0.65, False, 0.95, 1.00, (1.06, 1.00, 0.98)),
    Person("Embedded_Blend_D", 0.50, False, 0.90, 1.30, (0.84, 0.82, 0.80)),
    Person("Embedded_Collins_A", 1.00, False, 1.00, 1.00, (1.00, 1.00, 1.00)),
    Person("Embedded_Collins_B", 1.00, True, 1.08, 0.80, (0.90, 0.86, 0.82)),
    Person("Embedded_Hopper_A", 0.00, False, 1.00, 1.00, (1.00, 1.00, 1.00)),
    Person("Embedded_Hopper_B", 0.00, True, 0.92, 1.20, (1.05, 0.97, 0.90)),
)


class Pose(NamedTuple):
    """Conditions of one photograph: angles of the head in radians, light, brightness, position."""

    yaw: float
    pitch: float
    roll: float
    # unit vector from the face to the light; z towards the camera
    light: tuple[float, float, float]
    ambient: float
    gain: float
    shift_px: tuple[float, float]
    scale: float


def portraits() -> Iterator[tuple[str, bytes]]:
    """Yield (path, JPEG bytes) of every photograph, sorted by path, as in the real archive."""
    for person, seed in zip(PEOPLE, np.random.SeedSequence(SEED).spawn(len(PEOPLE)), strict=True):
        generator = np.random.default_rng(seed)
        texture, height = _texture(person), _height(person)
        for number in range(1, IMAGES_PER_PERSON + 1):
            image = render(texture, height, draw_pose(generator))
            yield f"lfw-deepfunneled/{person.name}/{person.name}_{number:04d}.jpg", _jpeg(image)


def draw_pose(generator: np.random.Generator) -> Pose:
    """Draw a random pose and light, with about the spread of LFW."""
    yaw, pitch, roll = np.radians(np.clip(generator.normal(0, (14, 6, 3)), (-32, -14, -8), (32, 14, 8)))
    light = np.array([generator.uniform(-0.9, 0.9), generator.uniform(-0.9, 0.3), 1.0])
    light /= np.sqrt((light**2).sum())
    return Pose(
        yaw=yaw,
        pitch=pitch,
        roll=roll,
        light=tuple(light),
        ambient=generator.uniform(0.35, 0.7),
        gain=generator.uniform(0.85, 1.15),
        shift_px=tuple(generator.normal(0, 2, size=2)),
        scale=FACE_SCALE * generator.uniform(0.95, 1.08),
    )


# --- the face: texture and depth ------------------------------------------------------------------


@functools.cache
def _aligned(package: str, path: str, points: tuple[tuple[float, float], ...]) -> np.ndarray:
    """Load a shipped portrait and move its eyes and mouth to the height field's; float32 RGB."""
    import cv2

    spec = importlib.util.find_spec(package)
    file = Path(spec.origin).parent / path if spec and spec.origin else Path(path)
    image = cv2.imread(str(file)) if file.is_file() else None
    if image is None:
        raise InputError(f"the embedded faces need {path} of the package {package}: pip install {package}")
    half, middle = EYE_DISTANCE_PX / 2, CENTRE[0]
    target = np.array([(middle - half, EYE_Y), (middle + half, EYE_Y), (middle, MOUTH_Y)], np.float32)
    moved = cv2.warpAffine(
        image[:, :, ::-1],
        cv2.getAffineTransform(np.array(points, np.float32), target),
        (TEXTURE_PX, TEXTURE_PX),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REFLECT,
    )
    return moved.astype(np.float32)


def _texture(person: Person) -> np.ndarray:
    """Return a person's texture, float32 (512, 512, 3) in [0, 255]."""
    # eyes and mouth, located with dlib's 68 landmarks
    hopper = _aligned(
        "matplotlib",
        "mpl-data/sample_data/grace_hopper.jpg",
        ((223.7, 192.3), (305.3, 189.2), (267.4, 279.6)),
    )
    collins = _aligned("skimage", "data/astronaut.png", ((203.2, 101.5), (246.5, 104.2), (223.3, 145.5)))
    texture = (1 - person.blend) * hopper + person.blend * collins
    if person.mirrored:
        texture = texture[:, ::-1]
    return np.ascontiguousarray(texture * np.array(person.tint), dtype=np.float32)


def _height(person: Person) -> np.ndarray:
    """Return depth towards the camera in texture pixels, float32 (512, 512).

    The wall behind the head is at 0. The surface is an ellipsoid (head) over sloping shoulders,
    with a nose ridge, two sockets, brow, lips and chin.
    """
    y, x = np.mgrid[:TEXTURE_PX, :TEXTURE_PX].astype(np.float64)
    x = (x - CENTRE[0]) / person.width
    inside = 1 - (x / 135) ** 2 - ((y - 255) / 190) ** 2
    head = 125 * np.sqrt(np.maximum(inside, 0))
    shoulders = 45 / (1 + np.exp(-(y - 420) / 15))
    height = np.maximum(head, shoulders)
    ridge = np.clip((y - 205) / 75, 0, 1) * np.exp(-(np.maximum(y - 280, 0) ** 2) / (2 * 9**2))
    height += 34 * person.nose * ridge * np.exp(-(x**2) / (2 * (9 + 6 * ridge) ** 2))
    for side in (-1, 1):
        height -= 9 * _bump(x - side * EYE_DISTANCE_PX / 2, y - EYE_Y, 24, 13)
        height += 5 * _bump(x - side * 75, y - 275, 28, 28)  # cheeks
    height += 6 * _bump(x, y - 196, 60, 9) + 8 * _bump(x, y - MOUTH_Y, 26, 12) + 12 * _bump(x, y - 372, 26, 18)
    return _smooth(height, 4.0)


def _bump(x: np.ndarray, y: np.ndarray, width: float, height: float) -> np.ndarray:
    return np.exp(-(x**2) / (2 * width**2) - y**2 / (2 * height**2))


def _smooth(field: np.ndarray, sigma: float) -> np.ndarray:
    import cv2

    return cv2.GaussianBlur(field, (0, 0), sigma).astype(np.float32)


# --- the photograph -------------------------------------------------------------------------------


def render(texture: np.ndarray, height: np.ndarray, pose: Pose) -> np.ndarray:
    """Photograph the height field in a pose, by marching each pixel's orthographic ray into it.

    Parameters
    ----------
    texture : float32 array of shape (512, 512, 3)
    height : float32 array of shape (512, 512), towards the camera, in texture pixels.

    Returns
    -------
    uint8 array of shape (250, 250, 3)
    """
    import cv2

    origin, direction = _rays(pose)
    x, y = _intersect(height, origin, direction)
    shaded = texture * _shading(height, pose)[:, :, None]
    image = cv2.remap(shaded, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return np.rint(np.clip(image * pose.gain, 0, 255)).astype(np.uint8)


def _rotation(pose: Pose) -> np.ndarray:
    """Return the rotation from head to camera: roll after pitch after yaw.

    The axes are x to the right, y down, z to the camera.
    """
    (cy, cp, cr), (sy, sp, sr) = np.cos(pose[:3]), np.sin(pose[:3])
    yaw = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    pitch = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    roll = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return roll @ pitch @ yaw


# the head turns about an axis in the middle of the face, at about the depth of the ears
PIVOT = np.array([*CENTRE, 60.0])


def _rays(pose: Pose) -> tuple[np.ndarray, np.ndarray]:
    """Return each pixel's ray in the head's frame: points (250, 250, 3), one direction (3,).

    The points lie on the plane of the pivot.
    """
    v, u = np.mgrid[:SIDE_PX, :SIDE_PX].astype(np.float64)
    middle = (SIDE_PX - 1) / 2
    x = (u - middle - pose.shift_px[0]) / pose.scale
    y = (v - middle - pose.shift_px[1]) / pose.scale
    camera = np.stack([x, y, np.zeros_like(x)], axis=-1)  # (250, 250, 3)
    to_head = _rotation(pose).T
    return np.einsum("ij,hwj->hwi", to_head, camera) + PIVOT, to_head @ np.array([0.0, 0.0, -1.0])


def _intersect(height: np.ndarray, origin: np.ndarray, direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find where each ray first meets the height field: march from above it, then bisect."""
    import cv2

    # a ray is parametrised by depth z: from `top`, above everything, to the wall at 0
    slope_x, slope_y = direction[:2] / direction[2]

    def at(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        along = z - origin[..., 2]
        return (
            (origin[..., 0] + along * slope_x).astype(np.float32),
            (origin[..., 1] + along * slope_y).astype(np.float32),
        )

    def below(z: np.ndarray) -> np.ndarray:
        return cv2.remap(height, *at(z), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) >= z

    top = float(height.max()) + 1
    above, under = np.full(origin.shape[:2], top), np.zeros(origin.shape[:2])
    done = np.zeros(origin.shape[:2], bool)
    for z in np.linspace(top, 0, MARCH_STEPS + 1)[1:]:
        depth = np.full(done.shape, z)
        hit = ~done & below(depth)
        under = np.where(hit, depth, under)
        done |= hit
        above = np.where(done, above, depth)
    for _ in range(REFINE_STEPS):
        middle = (above + under) / 2
        inside = below(middle)
        above, under = np.where(inside, above, middle), np.where(inside, middle, under)
    return at(under)


def _shading(height: np.ndarray, pose: Pose) -> np.ndarray:
    """Shade by Lambert's law over ambient light, relative to a flat surface facing the camera."""
    dy, dx = np.gradient(_smooth(height, 3.0))
    # the light is fixed to the camera: rotate it into the head's frame
    light = _rotation(pose).T @ np.array(pose.light)
    facing = (light[2] - dx * light[0] - dy * light[1]) / np.sqrt(1 + dx**2 + dy**2)
    flat = pose.ambient + (1 - pose.ambient) * pose.light[2]
    return ((pose.ambient + (1 - pose.ambient) * np.maximum(facing, 0)) / flat).astype(np.float32)


def _jpeg(image: np.ndarray) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=JPEG_QUALITY)
    return stream.getvalue()


# --- protocol files -------------------------------------------------------------------------------

FOLDS = (PEOPLE[0::2], PEOPLE[1::2])  # view 2: no person is in two folds
PAIRS_PER_FOLD = 30
DEV_TRAIN, DEV_TEST = PEOPLE[:5], PEOPLE[5:]


def protocol_files() -> dict[str, str]:
    """Return short texts of pairs.txt, people.txt, pairsDev*.txt and lfw-names.txt."""
    count = f"\t{IMAGES_PER_PERSON}\n"
    folds = [f"{len(fold)}\n" + "".join(person.name + count for person in fold) for fold in FOLDS]
    generators = map(np.random.default_rng, np.random.SeedSequence([SEED, 1]).spawn(len(FOLDS) + 2))
    pairs = "".join(_pairs(fold, PAIRS_PER_FOLD, next(generators)) for fold in FOLDS)
    return {
        "pairs.txt": f"{len(FOLDS)}\t{PAIRS_PER_FOLD}\n{pairs}",
        "people.txt": f"{len(FOLDS)}\n" + "".join(folds),
        "pairsDevTrain.txt": "40\n" + _pairs(DEV_TRAIN, 40, next(generators)),
        "pairsDevTest.txt": "20\n" + _pairs(DEV_TEST, 20, next(generators)),
        "lfw-names.txt": "".join(person.name + count for person in PEOPLE),
    }


def _pairs(people: tuple[Person, ...], n: int, generator: np.random.Generator) -> str:
    """Draw n matched, then n mismatched pairs, each once."""
    numbers = range(1, IMAGES_PER_PERSON + 1)
    same = [f"{person.name}\t{i}\t{j}\n" for person in people for i, j in combinations(numbers, 2)]
    other = [f"{a.name}\t{i}\t{b.name}\t{j}\n" for a, b in combinations(people, 2) for i in numbers for j in numbers]
    drawn = [generator.choice(len(lines), n, replace=False) for lines in (same, other)]
    return "".join(
        lines[index] for lines, indices in zip((same, other), drawn, strict=True) for index in sorted(indices)
    )
