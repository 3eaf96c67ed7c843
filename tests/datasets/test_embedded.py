"""The embedded data sets have the real ones' files and readers, and the same bytes every time."""

import hashlib
import importlib.util
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from relatent.datasets import download, embedded_faces
from relatent.datasets.lfw import decode_grey, index_lfw, read_face, read_pairs, read_people
from relatent.datasets.mnist import read_mnist
from relatent.datasets.newsgroups import read_newsgroups
from relatent.datasets.registry import FILES
from tests.support.archives import decode_rgb, read_lfw


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build all three, each in a folder of its name."""
    root = tmp_path_factory.mktemp("embedded")
    for name in FILES:
        identity = download.fetch(name, root / name, source="embedded")
        assert (identity["dataset"], identity["source"]) == (name, "embedded")
    return root


@pytest.mark.parametrize("name", FILES)
def test_the_files_are_the_canonical_ones_and_repeat(built, tmp_path, name):
    """The names are those of the real data set, and a second build gives the same bytes."""
    assert {path.name for path in (built / name).iterdir()} == set(FILES[name])
    download.fetch(name, tmp_path, source="embedded")
    for path in (built / name).iterdir():
        first, second = (hashlib.sha256(p.read_bytes()).hexdigest() for p in (path, tmp_path / path.name))
        assert first == second, path.name


def test_digits_are_scikit_learns_1797_in_mnists_frame(built):
    """1,500 train and 297 test digits have ten classes, in white within 20x20 of a black frame."""
    counts = {}
    for split in ("train", "test"):
        ((images, labels),) = read_mnist(built / "mnist", split)
        counts[split] = len(labels)
        assert set(labels) == set(range(10))
        framed = images.copy()
        framed[:, 4:24, 4:24] = 0
        assert not framed.any()
        assert images.max() == 255
        assert 0.1 < (images > 0).mean() < 0.5
    assert counts == {"train": 1_500, "test": 297}


def test_a_nearest_neighbour_reads_the_enlarged_digits(built):
    """One nearest neighbour on the raw pixels is right for over 90 %, so labels fit images."""
    ((train, train_labels),) = read_mnist(built / "mnist", "train")
    ((test, test_labels),) = read_mnist(built / "mnist", "test")
    a, b = (images.reshape(len(images), -1).astype(np.float64) for images in (train, test))
    distance = (a**2).sum(1) - 2 * b @ a.T  # (n_test, n_train), up to a constant per row
    assert (train_labels[distance.argmin(1)] == test_labels).mean() > 0.9


def test_text_is_documents_of_eight_groups_with_headers(built):
    """Each package has 90 train and 60 test docstrings with headers, and none occurs twice."""
    bodies = Counter()
    for split, per_group in (("train", 90), ("test", 60)):
        documents = list(read_newsgroups(built / "newsgroups" / "20news-bydate.tar", split))
        assert set(Counter(document.group for document in documents).values()) == {per_group}
        assert len({document.group for document in documents}) == 8
        for document in documents:
            header, _, body = document.text.partition("\n\n")
            assert [line.split(":")[0] for line in header.splitlines()] == ["From", "Subject", "Lines"]
            assert len(body) >= 300
            bodies[document.group, body] += 1
    assert set(bodies.values()) == {1}


def test_the_protocols_name_only_photographs_that_are_there(built):
    """Pairs are matched where they say so and drawn once; no person is in two folds."""
    names = {entry.name for entry in index_lfw(built / "lfw" / "lfw-deepfunneled.tar")}
    for file in ("pairs.txt", "pairsDevTrain.txt", "pairsDevTest.txt"):
        pairs = read_pairs(built / "lfw" / file)
        assert names >= {pair.first for pair in pairs} | {pair.second for pair in pairs}
        assert all((pair.first[:-5] == pair.second[:-5]) == pair.same for pair in pairs)
        assert len({(pair.first, pair.second) for pair in pairs}) == len(pairs)
    people = read_people(built / "lfw" / "people.txt")
    assert sum(person.images for person in people) == len(names) == 96
    assert len({person.person for person in people}) == len(people) == 8
    fold_of = {person.person: person.fold for person in people}
    for pair in read_pairs(built / "lfw" / "pairs.txt"):
        assert fold_of[pair.first[:-5]] == fold_of[pair.second[:-5]] == pair.fold
    lines = (built / "lfw" / "lfw-names.txt").read_text().splitlines()
    assert dict(line.split("\t") for line in lines) == {person.person: "12" for person in people}


def test_dlib_finds_one_face_where_lfw_has_it(built):
    """dlib finds exactly one face, in the middle as in LFW, on at least 95 % of the photographs."""
    dlib = pytest.importorskip("dlib")
    detector = dlib.get_frontal_face_detector()
    found = []
    for face in read_lfw(built / "lfw" / "lfw-deepfunneled.tar"):
        boxes = detector(decode_rgb(face), 1)
        centres = [(box.center().x, box.center().y) for box in boxes]
        found.append(len(centres) == 1 and all(95 <= value <= 155 for value in centres[0]))
    assert np.mean(found) >= 0.95


def test_landmarks_move_with_depth_as_the_head_turns(built):
    """From left to right, the tip of the nose moves further than the eyes."""
    dlib = pytest.importorskip("dlib")
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or spec.origin is None:
        pytest.skip("face_recognition_models is not installed")
    model = Path(spec.origin).parent / "models" / "shape_predictor_68_face_landmarks.dat"
    predictor = dlib.shape_predictor(str(model))
    detector = dlib.get_frontal_face_detector()
    person = embedded_faces.PEOPLE[4]
    texture, height = embedded_faces._texture(person), embedded_faces._height(person)
    light = (0.0, 0.0, 1.0)
    nose, eyes = {}, {}
    for degrees in (-20, 20):
        pose = embedded_faces.Pose(np.radians(degrees), 0, 0, light, 0.6, 1.0, (0, 0), embedded_faces.FACE_SCALE)
        image = embedded_faces.render(texture, height, pose)
        (box,) = detector(image, 1)
        # (68, 2)
        points = np.array([(point.x, point.y) for point in predictor(image, box).parts()])
        nose[degrees], eyes[degrees] = points[30, 0], points[36:48, 0].mean()
    # at positive yaw near points move right; the nose stands out by tens of texture pixels
    assert nose[20] - nose[-20] > eyes[20] - eyes[-20] + 10


def test_photographs_of_a_person_differ_and_people_differ(built):
    """No two photographs are equal; those of one person are more similar than those of two."""
    archive = built / "lfw" / "lfw-deepfunneled.tar"
    entries = index_lfw(archive)
    with archive.open("rb") as stream:
        faces = np.stack([decode_grey(read_face(stream, entry))[::5, ::5].ravel() for entry in entries]).astype(float)
    faces -= faces.mean(1, keepdims=True)
    faces /= np.linalg.norm(faces, axis=1, keepdims=True)
    similarity = faces @ faces.T  # (96, 96)
    people = np.array([entry.person for entry in entries])
    same = (people[:, None] == people) & ~np.eye(len(people), dtype=bool)
    assert similarity[~np.eye(len(people), dtype=bool)].max() < 0.9999
    assert similarity[same].mean() > similarity[people[:, None] != people].mean() + 0.1
