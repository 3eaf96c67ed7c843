"""Test the stages rbm, deep_rbm and rbm_likelihood on tiny files: outputs, resuming, errors."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from ruamel.yaml import YAML

from relatent.errors import InputError
from relatent.files.hdf5 import write_hdf5
from relatent.files.tables import read_csv
from relatent.files.weights import read_weights
from relatent.rbm import deep as deep_rbms
from relatent.rbm import deep_training
from relatent.rbm import model as rbms
from relatent.stages import deep_rbm, rbm
from relatent.stages import rbm_likelihood as likelihood
from relatent.stages.shared import schema
from tests.support.harness import ROOT

RUN = {"n_hidden": 5, "epochs": 2, "batch_size": 20, "chains": 10}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write 60 digits of 3 x 3 pixels, 60 faces of six features and small parameters."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    roles = {"train": 40, "validation": 10, "test": 10}
    digits = {f"{role}_images": rng.integers(0, 256, (n, 3, 3), np.uint8) for role, n in roles.items()}
    write_hdf5(tmp_path / "digits.h5", digits)
    write_features(tmp_path / "features.h5", rng.normal(size=(60, 6)))
    change_parameters()
    return tmp_path


def write_features(path: Path, rows: np.ndarray) -> None:
    width = rows.shape[1]
    with h5py.File(path, "w") as file:
        data = file.create_dataset("features", data=rows.astype(np.float32))
        data.attrs.update(low=np.full(width, -3, np.float32), span=np.full(width, 6, np.float32), eps=1e-3)
        file["role"] = np.repeat([0, 1, 2], [40, 10, 10]).astype(np.uint8)


def change_parameters(**runs: dict[str, Any]) -> None:
    """Write the demo's params.yaml with smaller runs; change the named runs."""
    values = YAML(typ="safe").load(ROOT / "demo/params.yaml")
    for name, run in values["rbm"]["runs"].items():
        run.update(RUN | runs.get(name, {}))
    values["deep_rbm"].update({"n_hidden": 4, "bottom": "beta"} | runs.get("deep_rbm", {}))
    for part in ("greedy", "joint"):
        values["deep_rbm"][part].update(epochs=2, batch_size=20, chains=10)
    values["rbm_likelihood"].update(temperatures=[10, 20], chains=10, burn_in=5)
    YAML().dump(values, Path("params.yaml"))


def train(name: str, to: str = "out") -> Path:
    data = Path("digits.h5" if name == "binary" else "features.h5")
    target = Path(to, name)
    rbm.train(name, data, target / "weights.safetensors", target / "history.csv", target / "metrics.json")
    return target


def train_deep(bottom: Path, to: str = "out") -> Path:
    target = Path(to, "deep")
    deep_rbm.train(
        Path("features.h5"), bottom, target / "w.safetensors", target / "history.csv", target / "greedy.csv",
        target / "metrics.json",
    )  # fmt: skip
    return target


def anneal(weights: Path, data: str, to: str = "out/annealed") -> dict[str, Any]:
    likelihood.anneal(weights, Path(data), Path(to, "log_partition.csv"), Path(to, "metrics.json"), workers=2)
    return json.loads(Path(to, "metrics.json").read_text())


@pytest.mark.parametrize(("name", "visible", "width"), [("binary", "bernoulli", 9), ("exact_beta", "exact_beta", 6)])
def test_a_run_leaves_weights_history_and_what_is_measured(folder: Path, name: str, visible: str, width: int) -> None:
    target = train(name)
    state, architecture = read_weights(target / "weights.safetensors")
    trained = rbms.load(state, architecture)
    assert (trained.n_visible, trained.n_hidden, trained.visible.name) == (width, 5, visible)
    assert architecture["dataset"] == ("mnist" if name == "binary" else "lfw")
    assert architecture["threshold"] == (0.5 if name == "binary" else None)
    assert [row["epoch"] for row in read_csv(target / "history.csv")] == ["1", "2"]
    metrics = json.loads((target / "metrics.json").read_text())
    assert (metrics["n_training"], metrics["n_test"]) == (40, 10)
    assert ("pseudo_likelihood" in metrics) == (name == "binary")
    assert metrics["reconstruction_mse_low"] < metrics["reconstruction_mse"] < metrics["reconstruction_mse_high"]
    assert list(Path("checkpoints").glob("*")) == []


@pytest.mark.parametrize("name", ["binary", "beta"])
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(folder: Path, name: str) -> None:
    files = ("weights.safetensors", "history.csv", "metrics.json")
    first, again = train(name), train(name, "again")
    assert [(first / file).read_bytes() for file in files] == [(again / file).read_bytes() for file in files]
    change_parameters(**{name: {"seed": 1}})
    assert (train(name, "other") / files[0]).read_bytes() != (first / files[0]).read_bytes()


def test_a_killed_deep_training_resumes_to_the_same_bytes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bottom = train("beta") / "weights.safetensors"
    whole = (train_deep(bottom) / "w.safetensors").read_bytes()
    original = deep_training._Joint.loss_parts
    calls = []

    def dies(self, rows, generator):
        calls.append(rows)
        if len(calls) > 4:  # second epoch: each has two batches and one validation
            raise KeyboardInterrupt
        return original(self, rows, generator)

    monkeypatch.setattr(deep_training._Joint, "loss_parts", dies)
    with pytest.raises(KeyboardInterrupt):
        train_deep(bottom, "killed")
    assert len(list(Path("checkpoints").glob("deep_rbm-*.safetensors"))) == 2
    monkeypatch.setattr(deep_training._Joint, "loss_parts", original)
    assert (train_deep(bottom, "resumed") / "w.safetensors").read_bytes() == whole
    assert list(Path("checkpoints").glob("*")) == []


def test_the_deep_rbm_is_measured_through_its_top_before_and_after(folder: Path) -> None:
    target = train_deep(train("beta") / "weights.safetensors")
    trained = deep_rbms.load(*read_weights(target / "w.safetensors"))
    assert (trained.bottom.n_visible, trained.bottom.n_hidden, trained.top.n_hidden) == (6, 5, 4)
    metrics = json.loads((target / "metrics.json").read_text())
    assert {"bottom_mse", "greedy_mse", "reconstruction_mse", "variance"} <= set(metrics)
    assert metrics["greedy_mse"] != metrics["reconstruction_mse"]


@pytest.mark.parametrize(("name", "data"), [("binary", "digits.h5"), ("exact_beta", "features.h5")])
def test_a_likelihood_names_its_binarisation_and_has_both_directions(folder: Path, name: str, data: str) -> None:
    found = anneal(train(name) / "weights.safetensors", data)
    assert found["threshold"] == (0.5 if name == "binary" else None)
    assert found["test_low"] < found["test_log_likelihood"] < found["test_high"]
    assert found["apart"] == pytest.approx(abs(found["log_z"] - found["log_z_reverse"]))
    assert len(read_csv("out/annealed/log_partition.csv")) == 4


# --- refusals --------------------------------------------------------------------------------


def one_line(error: pytest.ExceptionInfo) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


def test_units_by_moments_have_no_likelihood_and_the_line_says_what_there_is(folder: Path) -> None:
    weights = train("beta") / "weights.safetensors"
    with pytest.raises(InputError) as caught:
        anneal(weights, "features.h5")
    assert "no likelihood: the conditional of beta visible" in one_line(caught)


def test_features_of_another_width_are_one_line(folder: Path) -> None:
    weights, bottom = train("exact_beta") / "weights.safetensors", train("beta") / "weights.safetensors"
    write_features(folder / "features.h5", np.zeros((60, 7)))
    for call in (lambda: anneal(weights, "features.h5"), lambda: train_deep(bottom)):
        with pytest.raises(InputError) as caught:
            call()
        assert "features.h5: features must be (n, 6), got (60, 7): of another autoencoder" in one_line(caught)


def test_weights_of_another_architecture_are_one_line(folder: Path) -> None:
    deep = train_deep(train("beta") / "weights.safetensors") / "w.safetensors"
    for call in (lambda: anneal(deep, "features.h5"), lambda: train_deep(deep)):
        with pytest.raises(InputError) as caught:
            call()
        assert "the weights are of a model 'deep_rbm', need 'rbm'" in one_line(caught)


def test_an_unknown_run_is_one_line_that_lists_the_runs(folder: Path) -> None:
    with pytest.raises(InputError) as caught:
        train("r4bm")
    assert one_line(caught).startswith("--run: got 'r4bm', allowed: binary, ")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"deep_rbm": {"bottom": "binary"}}, "deep_rbm.bottom: got 'binary', allowed: a run of rbm.runs on lfw: beta"),
        ({"deep_rbm": {"bottom": "r4bm"}}, "deep_rbm.bottom: got 'r4bm', allowed: a run of rbm.runs on lfw: beta"),
        ({"beta": {"visible": "bernoulli"}}, "rbm.runs.beta.visible: got 'bernoulli', allowed: bernoulli for mnist"),
        ({"binary": {"visible": "beta"}}, "rbm.runs.binary.visible: got 'beta', allowed: bernoulli for mnist"),
        ({"binary": {"visible": "cauchy"}}, "rbm.runs.binary.visible: got 'cauchy', allowed: bernoulli for mnist"),
        ({"binary": {"threshold": None}}, "rbm.runs.binary.threshold: got None, allowed: a grey value above 0"),
        ({"binary": {"threshold": 1.5}}, "rbm.runs.binary.threshold: got 1.5, allowed: a grey value above 0"),
        ({"beta": {"threshold": 0.5}}, "rbm.runs.beta.threshold: got 0.5, allowed: a grey value above 0"),
        ({"exact_beta": {"momentum": 0.5}}, "rbm.runs.exact_beta.momentum: got 0.5, allowed: 0 with adam"),
    ],
)
def test_parameters_that_do_not_fit_together_are_one_line(folder: Path, changes: dict[str, Any], said: str) -> None:
    change_parameters(**changes)
    with pytest.raises(InputError) as caught:
        schema.load("params.yaml")
    assert said in one_line(caught)
