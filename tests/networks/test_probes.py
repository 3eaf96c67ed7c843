"""Probes: equal for equal computations alone, the same whatever way a job takes, and seen in no
other result."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from relatent.digits import classifier as digit_classifier
from relatent.errors import InputError, ProbeEnded
from relatent.face_models import autoencoder
from relatent.face_models import training as autoencoder_training
from relatent.files.hdf5 import write_hdf5
from relatent.files.tables import read_json
from relatent.jobs.params import read_yaml
from relatent.networks import checkpoints
from relatent.networks.probes import Probe, digest, probing
from relatent.networks.training import fit
from relatent.rbm.convergence import estimates
from relatent.rbm.model import RBM
from relatent.rbm.training import train as train_rbm
from relatent.rnn import training as row_training
from relatent.text import language_model as lm
from relatent.vae import measure
from relatent.vae import model as vae_model
from relatent.vae import train as vae_train
from tests.support.flat import flat

ROOT = Path(__file__).parents[2]
Trained = tuple[dict[str, Tensor], Any]
Train = Callable[..., Trained]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(count: int, side_px: int = 8, seed: int = 0) -> np.ndarray:
    """Grey noise, uint8 (count, side_px, side_px)."""
    return np.random.default_rng(seed).integers(0, 256, (count, side_px, side_px)).astype(np.uint8)


# --- trainings: (probe, checkpoint, learning rate, epochs) -> weights, history --------------------


def normalised(
    probe: Probe | None = None, checkpoint: Path | None = None, rate: float = 0.01, epochs: int = 3
) -> Trained:
    """Batch normalisation keeps statistics, and part of the module stays in eval mode."""
    model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Linear(6, 1))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.rand(parameter.shape, generator=seeded(1)))
    x = torch.randn(100, 4, generator=seeded(2))

    def loss_parts(rows: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        noisy = x[rows] + 0.1 * torch.randn(len(rows), 4, generator=generator)
        return {"error": (model(noisy)[:, 0] - x[rows].sum(1)).square()}

    fitted = flat(fit)(
        model, torch.optim.Adam(model.parameters(), lr=rate), loss_parts, train_rows=torch.arange(80),
        validation_rows=torch.arange(80, 100), epochs=epochs, batch_size=8, generator=seeded(3), patience=2,
        checkpoint=checkpoint, probe=probe,
    )  # fmt: skip
    return model.state_dict(), fitted.history


def persistent(
    probe: Probe | None = None, checkpoint: Path | None = None, rate: float = 0.01, epochs: int = 3
) -> Trained:
    """An RBM whose chains persist, with an average of its weights."""
    data = (torch.rand(100, 12, generator=seeded(1)) < 0.3).float()
    rbm = RBM(12, 5)
    rbm.initialise(data, generator=seeded(2))
    trained, fitted = flat(train_rbm)(
        rbm, lambda rows, _: data[rows], n_train=80, n_validation=20, epochs=epochs, batch_size=8, chains=4,
        averaging=0.9, learning_rate=rate, momentum=0.5, generator=seeded(3), checkpoint=checkpoint, probe=probe,
    )  # fmt: skip
    return trained.state_dict(), fitted.history


def digits(probe: Probe | None = None, checkpoint: Path | None = None, rate: float = 0.01, epochs: int = 3) -> Trained:
    """A VAE."""
    images, binary = pictures(80).reshape(80, 64), pictures(20).reshape(20, 64) // 128
    model, _, fitted = flat(vae_train.train)(
        images, binary, binarisation="dynamic", encoder="gru", latent_dim=2, encoder_widths=[6], decoder_widths=[6],
        epochs=epochs, batch_size=8, learning_rate=rate, seed=0, checkpoint=checkpoint, probe=probe,
    )  # fmt: skip
    return model.state_dict(), fitted.history


def classes(probe: Probe | None = None, checkpoint: Path | None = None, rate: float = 0.01, epochs: int = 3) -> Trained:
    """A convolutional classifier, whose weights are laid out by channels."""
    labels = np.arange(40) % 10
    model, _, fitted = flat(digit_classifier.train)(
        pictures(40, 16), labels, validation_images=pictures(10, 16, 1), validation_labels=labels[:10],
        epochs=epochs, batch_size=4, learning_rate=rate, shift_px=1, generator=seeded(), checkpoint=checkpoint,
        probe=probe,
    )  # fmt: skip
    return model.state_dict(), fitted.history


def rows(probe: Probe | None = None, checkpoint: Path | None = None, rate: float = 0.01, epochs: int = 3) -> Trained:
    """A row-RNN, in part on its own predictions."""
    sequences = list(torch.rand(60, 6, 5, generator=seeded(1)))
    model, _, fitted = flat(row_training.train)(
        sequences[:50], sequences[50:], cell="gru", tied=True, hidden=7, epochs=epochs, batch_size=8, bptt=4,
        learning_rate=rate, own_share=0.5, generator=seeded(), checkpoint=checkpoint, probe=probe,
    )  # fmt: skip
    return model.state_dict(), fitted.history


def words(probe: Probe | None = None, checkpoint: Path | None = None, rate: float = 0.01, epochs: int = 3) -> Trained:
    """A language model on ragged documents."""
    documents = [np.arange(length) % 7 for length in np.random.default_rng(0).integers(1, 30, 60)]
    model, _, fitted = flat(lm.train)(
        documents[:50], documents[50:], n_tokens=7, hidden=6, epochs=epochs, batch_size=8, bptt=9,
        learning_rate=rate, generator=seeded(), checkpoint=checkpoint, probe=probe,
    )  # fmt: skip
    return model.state_dict(), fitted.history


def layers(probe: Probe | None = None, checkpoint: Path | None = None, rate: float = 0.01, epochs: int = 2) -> Trained:
    """An autoencoder, layer by layer."""
    faces = pictures(20, 16).astype(np.float32) / 255
    model = autoencoder.build(autoencoder.architecture(side_px=16, channels=(8, 4), kernels=(4, 3), strides=(2, 1)))
    done = flat(autoencoder_training.train)(
        model, faces[:12], validation=faces[12:16], held_out=faces[16:], epochs=epochs, fine_tuning_epochs=1,
        batch_size=2, learning_rate=rate, fine_tuning_rate=rate, mirror=True, generator=seeded(),
        checkpoint=checkpoint, probe=probe,
    )  # fmt: skip
    return model.state_dict(), [done.history, done.errors]


TRAININGS = [normalised, persistent, digits, classes, rows, words, layers]
each = pytest.mark.parametrize("train", TRAININGS, ids=lambda train: train.__name__)


def marks(train: Train, **options: Any) -> dict[str, str]:
    probe = Probe()
    train(probe, **options)
    return probe.marks


# --- trainings ------------------------------------------------------------------------------------


@each
def test_marks_repeat_and_tell_a_rate_that_is_one_bit_off(train: Train) -> None:
    """The next float32 after the learning rate; the next float64 would be lost in the weights' own
    rounding."""
    first = marks(train)
    other = marks(train, rate=float(np.nextafter(np.float32(0.01), np.float32(1))))
    assert first == marks(train)
    assert list(first) == list(other)
    assert first != other


@each
def test_a_probe_changes_no_result(train: Train) -> None:
    """Weights, statistics, chains and history are the same to the bit with and without one."""
    (expected, history), (found, with_probe) = train(), train(Probe())
    assert all(torch.equal(value, found[name]) for name, value in expected.items())
    assert with_probe == history


@each
def test_where_the_probe_is_all_it_is_the_same_and_no_checkpoint_is_touched(train: Train, tmp_path: Path) -> None:
    """A file in the checkpoint's place is not even looked at; the training ends early."""
    probe, path = Probe(only=True), tmp_path / "checkpoint.safetensors"
    path.write_bytes(b"left alone")
    with pytest.raises(ProbeEnded):
        train(probe, path)
    assert probe.marks == marks(train)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"left alone"]


@pytest.mark.parametrize("epochs", [2, 3])
@pytest.mark.parametrize("killed", [1, 2])
@each
def test_a_resumed_training_has_the_marks_of_an_unbroken_one(
    train: Train, killed: int, epochs: int, tmp_path: Path, killed_after: Any
) -> None:
    """Killed before its twentieth step, or after it, or when nothing but the results was left to
    write."""
    path = tmp_path / "checkpoint.safetensors"
    with killed_after(killed):
        train(Probe(), path, epochs=epochs)
    assert marks(train, checkpoint=path, epochs=epochs) == marks(train, epochs=epochs)


@pytest.mark.parametrize("train", [normalised, rows], ids=["normalised", "rows"])
def test_a_checkpoint_without_marks_is_a_fresh_start(train: Train, tmp_path: Path, killed_after: Any) -> None:
    """Going on from it would leave the probe short of marks; the results are the same either
    way."""
    path = tmp_path / "checkpoint.safetensors"
    with killed_after(1):
        train(None, path)
    probe = Probe()
    assert digest(train(probe, path)[0]) == digest(train()[0])
    assert probe.marks == marks(train)


def test_marks_that_a_short_training_does_not_reach_are_absent() -> None:
    """Ten steps: neither the twentieth nor another in its place; what follows is marked at the
    end."""
    assert list(marks(normalised, epochs=1)) == ["step 1", "step 5", "validation", "saved"]
    assert list(marks(normalised, epochs=2)) == ["step 1", "step 5", "step 20", "validation", "saved"]


@pytest.mark.parametrize("train", [normalised, digits], ids=["normalised", "digits"])
def test_a_gradient_that_is_one_bit_off_is_seen_from_the_step_on(train: Train, monkeypatch: Any) -> None:
    """One bit of one weight's gradient in the third step: the first mark stands, all later ones
    fall."""
    expected, steps = marks(train), iter(range(1, 1000))
    step = torch.optim.Adam.step

    def altered(self: torch.optim.Adam, *arguments: Any) -> Any:
        if next(steps) == 3:
            gradient = self.param_groups[0]["params"][0].grad.view(-1)
            gradient[0] = torch.nextafter(gradient[0], torch.tensor(1e3))
        return step(self, *arguments)

    monkeypatch.setattr(torch.optim.Adam, "step", altered)
    found = marks(train)
    assert found.pop("step 1") == expected["step 1"]
    assert all(found[name] != expected[name] for name in found if name != "validation")


def test_a_checkpoint_that_loses_a_bit_on_the_way_back_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The steps are as they were, what is read back is not."""
    expected, put_back = marks(normalised), checkpoints.put_back

    def losing(tensors: dict[str, Tensor], *others: Any) -> None:
        put_back({name: value if name == "generator" else value.half() for name, value in tensors.items()}, *others)

    monkeypatch.setattr(checkpoints, "put_back", losing)
    found = marks(normalised)
    assert {name for name in found if found[name] != expected[name]} == {"saved"}


def test_each_part_of_a_job_is_probed_where_the_probe_is_all() -> None:
    """The end of one training is not that of the job; the first alone is whole."""
    found = []
    for probe in (Probe(), Probe(only=True)):
        for name in ("a", "b"):
            with probe.part(name, after=lambda model: model.training) as part:
                normalised(part)
        found.append(probe.marks)
    assert found[0] == found[1]
    both = ["step 5", "step 20", "validation", "measured"]
    assert list(found[0]) == [f"a, {mark}" for mark in ["step 1", *both, "saved"]] + [f"b, {mark}" for mark in both]
    assert found[0]["a, measured"] == digest(False)


# --- other jobs -----------------------------------------------------------------------------------


def annealed(probe: Probe | None = None, *, change: float = 0.0) -> list[dict[str, Any]]:
    data = (torch.rand(60, 10, generator=seeded(1)) < 0.3).float()
    rbm = RBM(10, 6)
    rbm.initialise(data, generator=seeded(2), std=0.5)
    with torch.no_grad():
        rbm.weight[0, 0] += change
    options = {"temperatures": [30, 60], "chains": 30, "burn_in": 5, "seed": 0}
    return estimates(rbm, data, data[:20], probe=probe, **options)


def measured(probe: Probe | None = None, *, change: float = 0.0) -> dict[str, Any]:
    binary = pictures(60).reshape(60, 64) // 128
    state, _ = digits(epochs=1)
    shape = vae_train.architecture(n_visible=64, latent_dim=2, encoder="gru", encoder_widths=[6], decoder_widths=[6])
    state[list(state)[-2]].view(-1)[0] += change
    model = vae_model.load(state, shape)
    rows = np.arange(55)
    options = {"bound_digits": rows, "samples": 20, "seed": 0, "workers": 2}
    return measure.measure(model, binary, binarisation="dynamic", probe=probe, **options)


@pytest.mark.parametrize("job", [annealed, measured])
def test_a_first_block_is_marked_and_seen_in_no_result(job: Callable[..., Any]) -> None:
    """Marks repeat, are the same where they are all, and differ for a weight that is one bit
    off."""
    probes = {name: Probe(only=name == "only") for name in ("first", "again", "only", "other")}
    assert job(probes["first"]) == job(probes["again"]) == job()
    with pytest.raises(ProbeEnded):
        job(probes["only"])
    job(probes["other"], change=1e-6)
    assert probes["first"].marks == probes["again"].marks == probes["only"].marks
    changed = [name for name, value in probes["other"].marks.items() if probes["first"].marks[name] != value]
    assert len(changed) >= 2


# --- digests and files ----------------------------------------------------------------------------


def test_a_digest_tells_values_their_types_shapes_and_places() -> None:
    """No two of these are the same; a tensor and an array of the same bits are."""
    array = np.arange(6.0)
    values = [
        array, array[::-1], array.reshape(2, 3), array.astype(np.float32), array.astype(int), list(array), [array],
        {"a": array}, {"b": array}, [array, array], 0.0, -0.0, 0, False, None, "", b"", [], [[]], {}, array[:0],
        np.array(0.0),
    ]  # fmt: skip
    assert len({digest(value) for value in values}) == len(values)
    assert digest(torch.from_numpy(array.copy()).reshape(2, 3)) == digest(array.reshape(2, 3))
    assert digest(array[::-1]) == digest(array[::-1].copy())


def test_a_probe_is_written_with_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Digests of 16 hex digits, in order; what bits depend on beside them. Without a path nothing
    is written."""
    path = tmp_path / "probe.json"
    with probing(path) as probe:
        assert probe
        probe.mark("b", 1)
        probe.mark("a", 2)
    written = read_json(path)
    assert list(written) == ["probe", "machine"]
    assert list(written["probe"]) == ["b", "a"]
    assert all(re.fullmatch("[0-9a-f]{16}", mark) for mark in written["probe"].values())
    assert list(written["machine"]) == ["model", "number", "capabilities", "kernels", "threads"]
    assert written["machine"]["capabilities"] == sorted(written["machine"]["capabilities"])
    with probing(None) as probe:
        assert probe is None
    monkeypatch.setenv("RELATENT_PROBE", "1")
    with pytest.raises(InputError, match="no --probe names the file"), probing(None):
        pass


def test_a_failure_within_a_probe_writes_nothing(tmp_path: Path) -> None:
    """Not even the marks so far."""

    def job() -> None:
        with probing(tmp_path / "probe.json") as probe:
            assert probe
            probe.mark("first", 0)
            raise InputError("a fault")

    with pytest.raises(InputError, match="a fault"):
        job()
    assert not list(tmp_path.iterdir())


def stage(folder: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`vae train` of the demo's first run, in a separate folder."""
    write_hdf5(folder / "digits.h5", {"train_images": pictures(60, 28), "validation_binary": pictures(9, 28) // 128},
               binarise="dynamic")  # fmt: skip
    run = next(iter(read_yaml(ROOT / "demo/params.yaml")["vae"]["runs"]))
    command = [
        sys.executable,
        "-m",
        "relatent.stages.vae",
        "train",
        "--run",
        run,
        "--seed",
        "0",
        "--digits",
        "digits.h5",
    ]
    command += ["--model", "out/model.safetensors", "--history", "out/history.csv"]
    command += ["--params", str(ROOT / "demo/params.yaml"), *options]
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("RELATENT_")}
    where = inherited | {"PYTHONPATH": str(ROOT / "src")} | environment
    return subprocess.run(command, cwd=folder, env=where, capture_output=True, text=True, check=False)


def test_a_stage_that_is_asked_for_its_probe_alone_writes_that_alone(tmp_path: Path) -> None:
    """Status 0, the bytes of a whole run's probe, and neither another output nor a checkpoint; else
    all as ever."""
    folders = {name: tmp_path / name for name in ("plain", "whole", "only")}
    for folder in folders.values():
        folder.mkdir()
    done = [
        stage(folders["plain"]),
        stage(folders["whole"], "--probe", "out/probe.json"),
        stage(folders["only"], "--probe", "out/probe.json", RELATENT_PROBE="1"),
    ]
    assert [one.returncode for one in done] == [0, 0, 0], [one.stderr for one in done]
    files = {
        name: {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for name, folder in folders.items()
    }
    assert set(files["only"]) == {"digits.h5", "out/probe.json"}
    assert files["only"]["out/probe.json"] == files["whole"].pop("out/probe.json")
    assert files["plain"] == files["whole"]
    assert not (folders["only"] / "checkpoints").exists()
    assert json.loads(files["only"]["out/probe.json"])["probe"]


def test_a_stage_that_cannot_write_its_probe_alone_says_so_in_one_line(tmp_path: Path) -> None:
    """Without --probe it would have to do all its work."""
    done = stage(tmp_path, RELATENT_PROBE="1")
    assert done.returncode == 1
    assert done.stderr.splitlines() == ["error: RELATENT_PROBE is set, but no --probe names the file to write"]
    assert not (tmp_path / "out").exists()


def test_dvc_keeps_probes_in_git_and_takes_none_for_metrics() -> None:
    """In the committed dvc.yaml each is an output that is not cached; every training has one."""
    stages = read_yaml(ROOT / "dvc.yaml")["stages"]
    probed = set()
    for name, job in stages.items():
        assert not any(
            "probe.json" in str(entry) for kind in ("metrics", "plots", "deps") for entry in job.get(kind, [])
        )
        for entry in job.get("outs", []):
            if "probe.json" in str(entry):
                probed.add(name)
                assert list(entry.values()) == [{"cache": False}]
                assert f"--probe {next(iter(entry))} " in job["cmd"]
    dear = ("vae_train-", "rnn_train-", "rbm-", "rbm_likelihood-")
    assert {name for name in stages if name.startswith(dear)} <= probed
