"""Test the stage face_model on tiny files: its outputs, repeatability and one-line errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ruamel.yaml import YAML

from relatent.errors import InputError
from relatent.face_models import autoencoder as ae
from relatent.face_models.features import write_features
from relatent.files.hdf5 import read_hdf5, write_hdf5
from relatent.files.tables import read_csv
from relatent.files.weights import read_weights, write_weights
from relatent.rbm.deep import DeepRBM
from relatent.rbm.model import RBM
from relatent.stages import face_model
from relatent.stages.figures import faces as figures
from relatent.stages.shared import schema
from tests.support.harness import ROOT

SIDE_PX, N_FEATURES, N = 8, 64, 90
PEOPLE = np.array(["Ada_Lovelace", "Emmy_Noether", "Grace_Hopper", "Lise_Meitner", "Mary_Somerville"])[np.arange(N) % 5]
ROLE = (np.arange(N) % 3).astype(np.uint8)  # people are in several roles, which these tests allow
FILES = {name: Path(f"{name}.h5") for name in ("faces", "features", "examples")}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write 90 faces of five people, and models with random weights; use the demo's parameters."""
    monkeypatch.chdir(tmp_path)
    pictures = np.random.default_rng(0).normal(0, 0.3, (N, SIDE_PX, SIDE_PX)).clip(-1, 1).astype(np.float32)
    names = np.array([f"{person}_{index:04d}" for index, person in enumerate(PEOPLE)])
    write_hdf5("faces.h5", {"frontal": pictures, "kept": np.ones(N, bool), "name": names, "person": PEOPLE})
    write_hdf5("examples.h5", {"at_random": pictures[:7]})
    architecture = ae.architecture(side_px=SIDE_PX, channels=(8, 16), kernels=(4, 4), strides=(2, 2))
    network = ae.build(architecture)
    for depth, layer in enumerate(network.layers):
        layer.initialise(network.up(torch.from_numpy(pictures), depth), generator=torch.Generator().manual_seed(0))
    write_weights("autoencoder.safetensors", network.state_dict(), architecture)
    write_features(FILES["faces"], network, FILES["features"], variant="frontal", role=ROLE, spread=3.0, eps=1e-3)
    below, above = machine(N_FEATURES, 20, "beta"), machine(20, 10, "bernoulli")
    write("rbm", below)
    write("deep_rbm", DeepRBM(below, above))
    change_parameters()
    return tmp_path


def machine(n_visible: int, n_hidden: int, visible: str) -> RBM:
    rbm = RBM(n_visible, n_hidden, visible=visible)
    generator = torch.Generator().manual_seed(n_hidden)
    rbm.initialise(torch.rand(50, n_visible, generator=generator), generator=generator, std=0.3)
    return rbm


def write(name: str, model: Any) -> None:
    write_weights(f"{name}.safetensors", model.state_dict(), model.architecture())


def change_parameters(main: str = "beta", lags: int = 5, **mixtures: Any) -> None:
    """Write the demo's params.yaml with smaller values."""
    values = YAML(typ="safe").load(ROOT / "demo/params.yaml")
    section = values["face_model"]
    section["main"] = main
    section["measures"].update(chains=64, steps=3, draws=3, thinning=4, watched=5, lags=lags, pairs=20)
    section["mixtures"].update({"people": ["Ada_Lovelace", "Emmy_Noether"], "faces": 2} | mixtures)
    YAML().dump(values, Path("params.yaml"))


def trained(name: str) -> Path:
    return Path(f"{name}.safetensors")


def measure(weights: str, to: str = "out") -> Path:
    target = Path(to)
    face_model.measure(
        **FILES, autoencoder=trained("autoencoder"), weights=trained(weights),
        metrics=target / "metrics.json", mixing=target / "mixing.csv", pictures=target / "pictures.h5",
    )  # fmt: skip
    return target


def mix(weights: str = "rbm", deep: str = "deep_rbm") -> Path:
    target = Path("mixed.h5")
    face_model.mix(
        **FILES, autoencoder=trained("autoencoder"), weights=trained(weights), deep_weights=trained(deep),
        pictures=target,
    )  # fmt: skip
    return target


@pytest.mark.parametrize("weights", ["rbm", "deep_rbm"])
def test_a_model_is_measured_and_leaves_pictures(folder: Path, weights: str) -> None:
    """Measures are numbers, the autocorrelation starts at 1, and pictures fit the faces shown."""
    target = measure(weights)
    metrics = json.loads((target / "metrics.json").read_text())
    assert all(isinstance(value, int | float) for value in metrics.values())
    assert (metrics["n_held_out"], metrics["n_training"], metrics["n_samples"]) == (30, 30, 192)
    assert metrics["cnn_mse"] < metrics["autoencoded_mse"]
    assert metrics["frechet_floor"] < metrics["frechet"]
    rows = read_csv(target / "mixing.csv")
    assert [row["lag"] for row in rows] == ["0", "1", "2", "3", "4"]
    assert float(rows[0]["autocorrelation"]) == 1
    for pictures in read_hdf5(target / "pictures.h5", "faces", "autoencoded", "gibbs", "gibbs_draws"):
        assert pictures.shape == (7, SIDE_PX, SIDE_PX)
    again = measure(weights, "again")
    for name in ("metrics.json", "mixing.csv", "pictures.h5"):
        assert (again / name).read_bytes() == (target / name).read_bytes()


def test_mixtures_hold_what_the_figures_draw(folder: Path) -> None:
    """They hold photographs of both people, three faces between each pair, and five shares."""
    first, second, faces, mixed = read_hdf5(mix(), "first", "second", "faces", "mixed")
    levels, people = read_hdf5("mixed.h5", "levels", "people")
    assert list(people) == ["Ada_Lovelace", "Emmy_Noether"]
    (pictures,) = read_hdf5("faces.h5", "frontal")
    of_ada, of_emmy = pictures[PEOPLE == "Ada_Lovelace"], pictures[PEOPLE == "Emmy_Noether"]
    np.testing.assert_array_equal(first, of_ada[[0, 8, 17]])
    np.testing.assert_array_equal(second, of_emmy[[0, 8, 17]])
    for rows in read_hdf5("mixed.h5", *levels):
        assert rows.shape == (3, 3, SIDE_PX, SIDE_PX)
    assert (faces.shape[0], mixed.shape[:2]) == (2, (5, 2))
    np.testing.assert_allclose(mixed[-1], faces, atol=0.05)  # the autoencoder loses almost nothing


def test_every_figure_is_drawn_from_what_the_stage_wrote(folder: Path) -> None:
    """The rules' commands draw five different figures."""
    pictures, mixed = measure("rbm") / "pictures.h5", mix()
    figures.grid(pictures, "autoencoded", Path("autoencoded.png"))
    figures.grid(pictures, "gibbs", Path("gibbs.png"))
    figures.interpolation(mixed, Path("interpolation.png"))
    figures.strip(mixed, Path("strip.png"))
    figures.mixing([Path("out/mixing.csv")], Path("mixing.png"))
    assert len({path.read_bytes() for path in Path().glob("*.png")}) == 5


@pytest.mark.parametrize(
    ("mixtures", "said"),
    [
        ({"people": ["Ada_Lovelace", "Emy_Nother"]}, "of 5 people is called 'Emy_Nother'; near names: Emmy_Noether"),
        ({"photographs": 20}, "'Ada_Lovelace' is on 18 photographs, face_model.mixtures.photographs is 20"),
    ],
)  # fmt: skip
def test_people_who_cannot_be_mixed_are_one_line(folder: Path, mixtures: dict[str, Any], said: str) -> None:
    change_parameters(**mixtures)
    assert said in fault(mix)
    assert not Path("mixed.h5").exists()


def test_features_of_another_width_are_one_line(folder: Path) -> None:
    write_hdf5("features.h5", {"features": np.zeros((N, 5), np.float32)})
    assert "features.h5" in fault(mix)
    write("rbm", machine(7, 5, "beta"))
    write_features_anew()
    assert "the RBM is of 7 features, the autoencoder of 64" in fault(lambda: measure("rbm"))


def write_features_anew() -> None:
    network = ae.load(*weights_of("autoencoder"))
    write_features(FILES["faces"], network, FILES["features"], variant="frontal", role=ROLE, spread=3.0, eps=1e-3)


def weights_of(name: str) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    return read_weights(trained(name))


def test_weights_of_another_architecture_are_one_line(folder: Path) -> None:
    """The line names the file, also if the architecture has more units than the weights."""
    assert fault(lambda: measure("autoencoder")).startswith("autoencoder.safetensors: the weights are of a model")
    assert "level 'rbm' needs an RBM" in fault(lambda: mix(weights="deep_rbm"))
    state, architecture = weights_of("rbm")
    write_weights("rbm.safetensors", state, architecture | {"n_hidden": 21})
    said = fault(lambda: measure("rbm"))
    assert said == "rbm.safetensors: the weights' 'weight' is (64, 20), the architecture needs (64, 21)"
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"main": "binary"}, "face_model.main: got 'binary', allowed: a run of rbm.runs on lfw: beta, exact_beta"),
        ({"lags": 9}, "face_model.measures.lags: got 9, allowed: at most (draws - 1) thinning, 8"),
        ({"between": [0.5, 1.5]}, "face_model.mixtures.between.1: got 1.5, allowed"),
        ({"people": ["Ada_Lovelace"]}, "got ['Ada_Lovelace'], allowed: a list of two items, each a text"),
    ],
)
def test_parameters_that_do_not_fit_are_one_line(folder: Path, changed: dict[str, Any], said: str) -> None:
    change_parameters(**changed)
    assert said in fault(schema.load)


def fault(call: Any) -> str:
    with pytest.raises(InputError) as raised:
        call()
    assert "\n" not in str(raised.value)
    return str(raised.value)
