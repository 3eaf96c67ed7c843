"""LFW's protocol: thresholds from other folds, areas under curves, pairs in files."""

from __future__ import annotations

import numpy as np
import pytest

from relatent.datasets.lfw import Pair, Person
from relatent.errors import InputError
from relatent.faces.protocol import compare_variants, correlate, examples, mean_picture, of_folds, score_pairs, turned
from relatent.faces.verification import best_threshold, verify
from relatent.files.hdf5 import read_hdf5, write_hdf5


def _random(seed: int, n: int, levels: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    same = generator.random(n) < 0.4
    return np.round(generator.normal(same, 1.5) * levels) / levels, same


@pytest.mark.parametrize("levels", [1, 2, 1000])
@pytest.mark.parametrize("seed", range(5))
def test_no_threshold_is_right_more_often_than_the_best(levels, seed):
    scores, same = _random(seed, 60, levels)
    values = np.unique(scores)
    candidates = np.concatenate([[-np.inf], (values[1:] + values[:-1]) / 2, [np.inf]])
    right = [((scores > threshold) == same).mean() for threshold in candidates]
    assert ((scores > best_threshold(scores, same)) == same).mean() == max(right)


def test_each_fold_is_judged_by_the_threshold_of_the_others():
    """Fold 0's own best threshold (0.9) would be right on all of it; the others' (0.5) on half."""
    scores = np.array([0.8, 1.0, 0.2, 0.8, 0.2, 0.8])
    same = np.array([False, True] * 3)
    fold = np.array([0, 0, 1, 1, 2, 2])
    result = verify(scores, same, fold)
    np.testing.assert_array_equal(result.folds, [0.5, 1, 1])
    assert result.accuracy == pytest.approx(5 / 6)
    assert result.std_error == pytest.approx(np.std([0.5, 1, 1], ddof=1) / np.sqrt(3))
    assert result.pairs == 6


def test_perfect_and_useless_scores():
    same, fold = np.tile([True, False], 50), np.repeat(np.arange(10), 10)
    perfect, useless = verify(same.astype(float), same, fold), verify(np.zeros(100), same, fold)
    assert (perfect.accuracy, perfect.auc, perfect.std_error) == (1, 1, 0)
    assert (useless.accuracy, useless.auc) == (0.5, 0.5)


def test_scores_under_a_rising_map_give_the_same_result():
    scores, same = _random(1, 200, 1000)
    fold = np.arange(200) % 10
    one, other = verify(scores, same, fold), verify(np.exp(scores), same, fold)
    assert (one.auc, one.pairs) == (other.auc, other.pairs)


def test_correlation_is_that_of_numpy_and_zero_for_even_pictures():
    first, second = np.random.default_rng(2).normal(size=(2, 5, 8, 8))
    expected = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(first, second, strict=True)]
    np.testing.assert_allclose(correlate(first, second), expected)
    assert correlate(np.ones((1, 4)), np.ones((1, 4))) == 0
    mean = np.random.default_rng(3).normal(size=(8, 8))
    np.testing.assert_allclose(correlate(first + mean, second + mean, mean=mean), expected)


@pytest.mark.parametrize(
    ("scores", "same", "fold", "message"),
    [
        (np.zeros(3), np.zeros(2, bool), np.arange(3), "must be"),
        (np.array([0, np.nan]), np.array([True, False]), np.arange(2), "finite score"),
        (np.zeros(2), np.array([True, False]), np.zeros(2, int), "needs 2 folds, got 1"),
    ],
)
def test_what_does_not_fit_is_refused(scores, same, fold, message):
    with pytest.raises(ValueError, match=message):
        verify(scores, same, fold)


def test_pictures_that_do_not_pair_are_refused():
    with pytest.raises(ValueError, match="come in pairs"):
        correlate(np.zeros((2, 4)), np.zeros((3, 4)))


# --- files ----------------------------------------------------------------------------------------

PAIRS = [Pair(0, True, "A_0001", "A_0002"), Pair(0, False, "A_0002", "B_0001"), Pair(1, True, "A_0001", "A_0001")]


@pytest.fixture
def faces(tmp_path):
    frontal = np.random.default_rng(4).normal(size=(3, 8, 8)).astype(np.float32)
    write_hdf5(
        tmp_path / "faces.h5",
        {
            "frontal": frontal,
            "name": np.array(["A_0001", "A_0002", "B_0001"]),
            "person": np.array(["A", "A", "B"]),
            "kept": np.array([True, False, True]),
            "yaw": np.array([25, np.nan, -10], np.float32),
        },
    )
    return tmp_path / "faces.h5", frontal


def test_pairs_are_scored_by_name_whatever_the_block(faces, monkeypatch):
    path, frontal = faces
    expected = correlate(frontal[[0, 1, 0]], frontal[[1, 2, 0]])
    np.testing.assert_allclose(score_pairs(path, "frontal", PAIRS), expected)
    monkeypatch.setattr("relatent.faces.protocol.PAIRS_AT_ONCE", 2)
    np.testing.assert_array_equal(score_pairs(path, "frontal", PAIRS), expected)
    assert expected[2] == pytest.approx(1)


def test_mean_face_is_of_the_kept_pictures_of_the_people_asked_for(faces):
    path, frontal = faces
    np.testing.assert_allclose(mean_picture(path, "frontal", ["A"]), frontal[0])
    np.testing.assert_allclose(mean_picture(path, "frontal", ["A", "B"]), frontal[[0, 2]].mean(axis=0), rtol=1e-6)
    with pytest.raises(InputError, match="none of the 1 people"):
        mean_picture(path, "frontal", ["C"])


def test_a_pair_is_turned_if_either_face_is(faces):
    np.testing.assert_array_equal(turned(faces[0], PAIRS), [True, False, True])
    np.testing.assert_array_equal(turned(faces[0], PAIRS, degrees=5), [True, True, True])


def test_what_a_file_does_not_have_is_named(faces):
    with pytest.raises(InputError, match="no data set 'aligned'; it has frontal"):
        score_pairs(faces[0], "aligned", PAIRS)
    with pytest.raises(InputError, match="no data set 'aligned'"):
        mean_picture(faces[0], "aligned", ["A"])
    with pytest.raises(InputError, match="has no photograph 'C_0001'"):
        score_pairs(faces[0], "frontal", [Pair(0, False, "A_0001", "C_0001")])


def test_people_of_folds_are_those_of_the_list():
    people = [Person(0, "A", 2), Person(0, "B", 1), Person(1, "C", 1)]
    assert of_folds(people, [0]) == {"A", "B"}
    assert of_folds(people, [0, 1]) == {"A", "B", "C"}
    with pytest.raises(ValueError, match=r"folds must be among \[0, 1\], those of people.txt, got \[4\]"):
        of_folds(people, [4])


@pytest.fixture
def variants(tmp_path):
    """Make 20 people with two photographs each; only `frontal` shows the person."""
    rng = np.random.default_rng(5)
    faces, noise = rng.normal(size=(20, 1, 6, 6)), rng.normal(size=(3, 40, 6, 6))
    pictures = {name: part.astype(np.float32) for name, part in zip(("crop", "aligned", "raw"), noise, strict=True)}
    pictures["frontal"] = (np.repeat(faces, 2, axis=1).reshape(40, 6, 6) + 0.3 * noise[0]).astype(np.float32)
    people = np.repeat([f"P{i:02}" for i in range(20)], 2)
    names = np.array([f"{person}_{i % 2 + 1:04}" for i, person in enumerate(people)])
    columns = {"name": names, "person": people, "kept": np.arange(40) != 7, "yaw": np.linspace(-30, 30, 40)}
    write_hdf5(tmp_path / "faces.h5", pictures | columns)
    same = [Pair(i % 2, True, f"P{i:02}_0001", f"P{i:02}_0002") for i in range(20)]
    others = [Pair(i % 2, False, f"P{i:02}_0001", f"P{(i + 1) % 20:02}_0001") for i in range(20)]
    return tmp_path / "faces.h5", same + others


def test_the_variant_that_shows_the_person_wins(variants):
    path, pairs = variants
    figures = compare_variants(path, pairs, {"P00", "P01"}, training_folds=[0], degrees=20)
    assert figures["frontal_auc"] > 0.95 > 0.8 > figures["crop_auc"]
    assert (figures["n_kept"], figures["n_pairs"]) == (39, 40)
    assert 0 < figures["n_pairs_turned"] < 40
    assert figures["frontal_auc_report"] > 0.9


def test_examples_run_over_yaw_and_hold_no_dropped_photograph(variants):
    path, _ = variants
    shown = examples(path, seed=0, over_yaw=5, at_random=100)
    assert shown["over_yaw"].shape == (5, 4, 6, 6)
    assert shown["at_random"].shape == (39, 6, 6)
    (crop,) = read_hdf5(path, "crop")
    np.testing.assert_array_equal(shown["over_yaw"][[0, -1], 0], crop[[0, -1]])
    assert not (shown["at_random"] == read_hdf5(path, "frontal")[0][7]).all(axis=(1, 2)).any()
