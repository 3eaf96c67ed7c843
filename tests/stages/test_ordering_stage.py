"""Test the stage ordering on small files: its outputs, its pictures and its errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ruamel.yaml import YAML

from relatent import ordering as library
from relatent.errors import InputError
from relatent.files.hdf5 import read_hdf5, write_hdf5
from relatent.files.tables import read_json
from relatent.files.weights import write_weights
from relatent.rbm import model as rbm
from relatent.stages import ordering
from relatent.stages.figures import mosaic
from relatent.stages.shared import schema
from relatent.vae import model as vae
from tests.support.harness import ROOT


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write the demo's parameters, and small random weights of an RBM and a VAE of digits."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text((ROOT / "demo/params.yaml").read_text(encoding="utf-8"))
    generator = torch.Generator().manual_seed(0)
    machine = rbm.RBM(784, 12)
    machine.weight.data.normal_(generator=generator)
    write_weights("rbm.safetensors", machine.state_dict(), machine.architecture())
    shape = vae.architecture(n_visible=784, latent_dim=2, encoder_widths=[9], decoder_widths=[9, 15])
    network = vae.build(shape, generator=generator)
    write_weights("vae.safetensors", network.state_dict(), shape)
    return tmp_path


def test_each_hidden_unit_of_an_rbm_is_a_picture(folder: Path) -> None:
    """The picture holds the unit's weights to the 28 x 28 visible units."""
    ordering.rbm_weights(Path("rbm.safetensors"), Path("pictures.h5"))
    (pictures,) = read_hdf5("pictures.h5", "pictures")
    machine = rbm.RBM(784, 12)
    machine.weight.data.normal_(generator=torch.Generator().manual_seed(0))
    assert pictures.shape == (12, 28, 28)
    np.testing.assert_array_equal(pictures[3].ravel(), machine.weight.detach().numpy()[:, 3])


def test_each_last_unit_of_a_decoder_is_a_picture(folder: Path) -> None:
    """Raising a unit by one adds its picture to the logits."""
    ordering.vae_decoder(Path("vae.safetensors"), Path("pictures.h5"))
    (pictures,) = read_hdf5("pictures.h5", "pictures")
    assert pictures.shape == (15, 28, 28)
    shape = vae.architecture(n_visible=784, latent_dim=2, encoder_widths=[9], decoder_widths=[9, 15])
    generator = torch.Generator().manual_seed(0)
    torch.empty(784, 12).normal_(generator=generator)  # the fixture's earlier draws
    last = vae.build(shape, generator=generator).decoder[-1]
    off, on = last(torch.zeros(15)), last(torch.eye(15)[4])
    np.testing.assert_allclose(pictures[4].ravel(), (on - off).detach().numpy(), atol=1e-6)


def test_orders_layouts_and_lengths_are_the_librarys_and_repeat(folder: Path) -> None:
    """Orders of every method repeat, and the figures are drawn from them."""
    ordering.rbm_weights(Path("rbm.safetensors"), Path("pictures.h5"))
    for name in ("a", "b"):
        ordering.order(Path("pictures.h5"), Path(f"{name}.h5"), Path(f"{name}.json"))
    assert Path("a.h5").read_bytes() == Path("b.h5").read_bytes()
    assert Path("a.json").read_bytes() == Path("b.json").read_bytes()
    pictures, tour, wrapped, typeset = read_hdf5("a.h5", "pictures", "order_tsp", "grid_tsp", "grid_typeset")
    metrics = read_json("a.json")
    assert sorted(tour) == list(range(12))
    assert wrapped.shape == (2, 10)
    np.testing.assert_array_equal(typeset, library.typeset(tour, pictures, columns=10))
    assert metrics["tsp_length"] == pytest.approx(library.path_length(pictures, tour))
    assert metrics["tsp_length"] <= min(metrics["greedy_length"], metrics["leaf_length"], metrics["none_length"])
    assert metrics["tsp_gain_over_greedy"] == pytest.approx(1 - metrics["tsp_length"] / metrics["greedy_length"])
    mosaic.panels(Path("a.h5"), Path("a.json"), Path("greedy.png"), Path("tour.png"))
    assert all(0 < Path(name).stat().st_size < 300_000 for name in ("greedy.png", "tour.png"))


def test_a_constant_unit_is_counted(folder: Path) -> None:
    """A unit with zero weights stands last in the tour."""
    pictures = np.random.default_rng(0).normal(size=(6, 3, 3))
    pictures[2] = 0
    write_hdf5("pictures.h5", {"pictures": pictures})
    ordering.order(Path("pictures.h5"), Path("a.h5"), Path("a.json"))
    assert read_json("a.json")["n_constant"] == 1
    assert read_hdf5("a.h5", "order_tsp")[0][-1] == 2


def test_weights_that_are_no_digits_are_one_line(folder: Path) -> None:
    """They have other visible units, or a decoder without plain layers."""
    machine = rbm.RBM(20, 3)
    write_weights("small.safetensors", machine.state_dict(), machine.architecture())
    with pytest.raises(InputError, match="weights must be of 784 visible units to be pictures of digits, got 20"):
        ordering.rbm_weights(Path("small.safetensors"), Path("pictures.h5"))
    with pytest.raises(InputError, match="no decoder of plain layers; they have hidden_bias"):
        ordering.vae_decoder(Path("small.safetensors"), Path("pictures.h5"))


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("rbm_weights", {"run": "beta"}, "ordering.sets.rbm_weights.run: got 'beta', allowed: a run of rbm.runs on"),
        ("vae_decoder", {"run": "line"}, "ordering.sets.vae_decoder.run: got 'line', allowed: mlp_2d"),
        (
            "rnn_units",
            {"run": "line"},
            "ordering.sets.rnn_units.run: got 'line', allowed: a run of rnn.runs on all rows: tied",
        ),
        ("vae_decoder", {"seed": 7}, "ordering.sets.vae_decoder.seed: got 7, allowed: 0"),
    ],
)
def test_a_set_of_a_run_that_does_not_exist_is_one_line(
    folder: Path, name: str, change: dict[str, Any], said: str
) -> None:
    """The line comes before any job and lists the existing runs."""
    values = YAML(typ="safe").load(Path("params.yaml"))
    values["ordering"]["sets"][name].update(change)
    YAML().dump(values, Path("params.yaml"))
    with pytest.raises(InputError) as caught:
        schema.load("params.yaml")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
