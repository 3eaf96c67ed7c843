"""Measures of faces that a model makes: known answers on models of known behaviour, and draws of
pairs."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch

from relatent.face_models import autoencoder as ae
from relatent.face_models import measure as face_measures
from relatent.face_models.stack import FaceModel
from relatent.face_models.unit_map import UnitMap
from relatent.rbm.model import RBM

SIDE_PX, N_FEATURES = 8, 64


def images(count: int, seed: int = 0) -> torch.Tensor:
    draws = torch.randn(count, SIDE_PX, SIDE_PX, generator=torch.Generator().manual_seed(seed))
    return (0.3 * draws).clamp(-0.9, 0.9)


PEOPLE = np.repeat([f"Person_{number}" for number in range(30)], 2)
FACES = images(len(PEOPLE))


@pytest.fixture(scope="module")
def model() -> FaceModel:
    """An autoencoder that loses nothing, under an RBM without weights, which gives every face the
    same means."""
    autoencoder = ae.build(ae.architecture(side_px=SIDE_PX, channels=(8, 16), kernels=(4, 4), strides=(2, 2)))
    seen = images(200, 1)
    for depth, layer in enumerate(autoencoder.layers):
        layer.initialise(autoencoder.up(seen, depth), generator=torch.Generator().manual_seed(0))
    features = autoencoder.encode(seen).detach()
    low = features.min(0).values - 1
    unit_map = UnitMap(low=low, span=features.max(0).values + 1 - low, eps=1e-3)
    rbm = RBM(N_FEATURES, 5, visible="beta")
    rbm.initialise(unit_map.to_unit(features), generator=torch.Generator().manual_seed(0), std=0)
    return FaceModel(autoencoder, unit_map, rbm=rbm)


def test_an_rbm_without_weights_brings_every_face_to_one(model: FaceModel) -> None:
    """After it faces are all at one distance from the mean, none is distinct; the autoencoder alone
    keeps them."""
    centre = np.zeros((SIDE_PX, SIDE_PX))
    found = face_measures.autoencoding(model, "rbm", FACES, PEOPLE, centre, blur_px=1.0)
    rms = float(FACES.square().mean((1, 2)).sqrt().mean())
    assert found["original_distance_to_mean"] == pytest.approx(rms, abs=1e-6)
    assert found["cnn_distance_to_mean"] == pytest.approx(rms, abs=1e-3)
    assert found["cnn_mse"] < 1e-6
    assert found["original_distance_to_mean_interval"] > 0
    assert found["autoencoded_distance_to_mean_interval"] == pytest.approx(0, abs=1e-6)
    assert found["autoencoded_distance_to_mean"] < 0.5 * rms
    assert found["autoencoded_nearer"] == 1
    assert found["autoencoded_mse"] > 0.01
    assert found["original_detail"] > found["autoencoded_detail"]
    assert found["original_roughness"] > found["autoencoded_roughness"]


def test_faces_between_others_are_as_distinct_as_their_level_keeps_them(model: FaceModel) -> None:
    """1/sqrt(2) for the mean of independent pixels, the same for a linear-like level, 0 for one
    that keeps nothing."""
    found = face_measures.between(model, "rbm", FACES, PEOPLE, pairs=400, generator=np.random.default_rng(0))
    assert found["distinctness_pixels"] == pytest.approx(np.sqrt(0.5), abs=0.03)
    assert found["distinctness_cnn"] == pytest.approx(found["distinctness_pixels"], abs=0.05)
    assert found["distinctness_level"] < 1e-3
    assert found["distinctness_autoencoded"] < 1e-3


def test_each_pair_is_of_two_people() -> None:
    """Also where nearly all faces are of one."""
    people = np.array(["a"] * 9 + ["b"])
    first, second = face_measures.draw_pairs(people, 200, generator=np.random.default_rng(0))
    assert len(first) == len(second) == 200
    assert (people[first] != people[second]).all()


def test_the_floor_is_below_what_a_worse_model_reaches(model: FaceModel) -> None:
    """Features as those held out are at the floor, shuffled ones above it, those of a constant
    further still."""
    rng = np.random.default_rng(0)
    unit_map = UnitMap(low=torch.full((4,), -8.0), span=torch.full((4,), 16.0), eps=1e-3)
    mixing = np.array([[1.0, 0.9, 0.9, 0.9], [0, 0.3, 0, 0], [0, 0, 0.3, 0], [0, 0, 0, 0.3]])
    held_out, training, draws = (rng.normal(size=(n, 4)) @ mixing for n in (500, 800, 600))
    values = unit_map.to_unit(torch.from_numpy(draws).float())
    means = torch.full((600, 4), 0.5)
    found = face_measures.against_faces(
        values, means, unit_map, held_out, training.astype(np.float32), generator=np.random.default_rng(1)
    )
    assert found["frechet"] < 0.1
    assert found["frechet_floor"] < 0.1
    assert found["frechet_floor_clipped"] == pytest.approx(found["frechet_floor"], rel=1e-3)
    assert 0.3 < found["frechet_independent"] < found["frechet_means"]
    assert found["frechet_means"] == pytest.approx(np.trace(np.cov(held_out.T)) + np.square(held_out.mean(0)).sum())


def test_chains_give_draws_and_a_trace_of_the_same_run(model: FaceModel) -> None:
    """The trace starts at the first draw and passes through the others; the whole repeats."""
    options = {"chains": 6, "steps": 4, "draws": 3, "thinning": 5, "watched": 2}

    def once() -> tuple[torch.Tensor, torch.Tensor]:
        generator = torch.Generator().manual_seed(0)
        return face_measures.run_chains(model, "rbm", generator=generator, **options)

    values, trace = once()
    assert values.shape == (18, N_FEATURES)
    assert trace.shape == (11, 2, N_FEATURES)
    for draw, step in enumerate((0, 5, 10)):
        assert torch.equal(values[6 * draw : 6 * draw + 2], trace[step])
    assert not torch.equal(trace[0], trace[1])
    alone = model.states(6, generator=torch.Generator().manual_seed(0))
    assert torch.equal(values[:6], next(islice(alone, 3, None)))
    assert torch.equal(values, once()[0])


def test_looks_have_the_intervals_of_their_values() -> None:
    """Two kinds of faces, half each: the mean between, and an interval by groups that is wider than
    by faces."""
    faces = np.concatenate([np.full((10, 6, 6), 0.2), np.full((10, 6, 6), 0.4)])
    centre = np.zeros((6, 6))
    alone = face_measures.look(faces, centre, blur_px=1.0, prefix="a", intervals=face_measures.LOOKS)
    people = np.repeat(["x", "y"], 10)
    by_person = face_measures.look(faces, centre, blur_px=1.0, groups=people, prefix="a", intervals=face_measures.LOOKS)
    assert alone["a_distance_to_mean"] == pytest.approx(0.3)
    assert by_person["a_distance_to_mean_interval"] > alone["a_distance_to_mean_interval"] > 0
    assert alone["a_roughness"] == pytest.approx(0)
    assert alone["a_detail_interval"] == pytest.approx(0)
