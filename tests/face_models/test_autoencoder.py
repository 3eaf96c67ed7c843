"""The autoencoder: exact passage through pairs, greedy training, its peer PCA, weights, resume,
people kept apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from relatent.errors import InputError
from relatent.face_models import autoencoder as ae
from relatent.face_models import pca, training
from relatent.face_models import people as face_models_people
from relatent.files.weights import read_weights, write_weights
from tests.support.flat import flat

SIDE_PX = 16
SMALL = ae.architecture(side_px=SIDE_PX, channels=(8, 16, 4), kernels=(4, 4, 3), strides=(2, 2, 1))
OPTIONS = {"epochs": 2, "fine_tuning_epochs": 3, "batch_size": 20, "learning_rate": 2e-3, "fine_tuning_rate": 2e-3}


def faces(count: int, seed: int = 0) -> np.ndarray:
    """Blobs of random place, width and sign on a common ground: float32 (count, 16, 16) in [-1,
    1]."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE_PX, :SIDE_PX]
    pictures = 0.3 * np.cos(x / 3)[None].repeat(count, 0)
    for _ in range(3):
        cy, cx = rng.uniform(3, 13, (2, count, 1, 1))
        width, height = rng.uniform(1.5, 3, (count, 1, 1)), rng.uniform(-0.5, 0.5, (count, 1, 1))
        pictures = pictures + height * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * width**2))
    return pictures.clip(-1, 1).astype(np.float32)


def trained(checkpoint: Path | None = None, **changes: object) -> tuple[ae.Autoencoder, training.Training]:
    model = ae.build(SMALL)
    done = flat(training.train)(
        model, faces(200), validation=faces(40, 1), held_out=faces(60, 2),
        generator=torch.Generator().manual_seed(0), checkpoint=checkpoint, **(OPTIONS | changes),
    )  # fmt: skip
    return model, done


@pytest.fixture(scope="module")
def fitted() -> tuple[ae.Autoencoder, training.Training]:
    return trained()


def test_the_notes_sizes() -> None:
    """64x64x1 -> 32x32 -> 16x16 -> 8x8 -> 4x4 -> 4x4x32 = 512 values, and back."""
    model = ae.build(ae.architecture())
    images = torch.zeros(2, 64, 64)
    sides = [model.up(images, depth).shape[2:] for depth in range(1, 6)]
    assert [side[0] for side in sides] == [32, 16, 8, 4, 4]
    assert model.up(images).shape == (2, 32, 4, 4)
    assert model.n_features == 512
    assert model.decode(model.encode(images)).shape == images.shape


@pytest.mark.parametrize("activation", list(ae.ACTIVATIONS))
def test_an_activation_is_proportional_on_pairs(activation: str) -> None:
    """f(x) - f(-x) = c x."""
    f, c = ae.ACTIVATIONS[activation]
    x = torch.linspace(-4, 4, 33, dtype=torch.float64)
    torch.testing.assert_close(f(x) - f(-x), c * x)


@pytest.mark.parametrize("activation", list(ae.ACTIVATIONS))
def test_a_start_with_as_many_filters_as_components_loses_nothing(activation: str) -> None:
    """The pairs of each layer hold every patch, so the image comes back through the activations."""
    images = torch.from_numpy(faces(50))
    model = ae.build(ae.architecture(side_px=16, channels=(8, 32, 64), kernels=(4, 5, 3), strides=(2, 2, 2),
                                     activation=activation) | {"kernels": [4, 5, 4]})  # fmt: skip
    for depth, layer in enumerate(model.layers):
        layer.initialise(model.up(images, depth), generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(model.decode(model.encode(images)), images, rtol=0, atol=1e-4)


def test_a_start_with_fewer_filters_is_pca_of_patches() -> None:
    """One layer of two features a 4x4 patch: the error is that of two principal components of
    patches."""
    images = torch.from_numpy(faces(80))
    model = ae.build(ae.architecture(side_px=16, channels=(2,), kernels=(4,), strides=(4,)))
    model.layers[0].initialise(images[:, None], generator=torch.Generator())
    centred = (images - images.mean(0)).reshape(80, 4, 4, 4, 4).transpose(2, 3).reshape(-1, 16).double()
    _, s, _ = torch.linalg.svd(centred)
    expected = s[2:].square().sum() / centred.numel()
    assert ae.reconstruction_error(model, images).double().mean().item() == pytest.approx(expected.item(), rel=1e-4)


def test_training_lowers_the_error_and_fine_tuning_lowers_it_further(fitted) -> None:
    """Fewer values cannot do better in the greedy steps; all layers together do."""
    _, done = fitted
    errors = [row["held_out_mse"] for row in done.errors]
    assert [row["step"] for row in done.errors] == ["layer 1", "layer 2", "layer 3", "fine-tuned"]
    assert [row["values"] for row in done.errors] == [8 * 64, 16 * 16, 4 * 16, 4 * 16]
    assert errors[0] < errors[1] < errors[2]
    assert errors[3] < 0.9 * errors[2]
    assert errors[2] < float(faces(60, 2).var())


def test_without_fine_tuning_there_is_no_such_step() -> None:
    """A parameter leaves it out."""
    _, done = trained(epochs=1, fine_tuning_epochs=0)
    assert done.errors[-1]["step"] == "layer 3"
    assert len(done.history) == len(done.seconds) == 3


def test_the_errors_are_those_of_the_model(fitted) -> None:
    """The last row is the mean over held-out faces, however they are blocked."""
    model, done = fitted
    held_out = torch.from_numpy(faces(60, 2))
    with torch.no_grad():
        expected = (model.decode(model.encode(held_out)) - held_out).square().mean().item()
    assert done.errors[-1]["held_out_mse"] == pytest.approx(expected, rel=1e-5)
    assert done.history[-1].keys() >= {"step", "epoch", "train_l2", "validation_l2", "validation_mse"}


def test_training_repeats_to_the_bit(fitted) -> None:
    """One thread, one seed, one result."""
    again, _ = trained()
    for name, value in fitted[0].state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


@pytest.mark.parametrize("last", [3, 8])  # in the middle of the second layer; in fine-tuning
def test_a_killed_training_resumes_to_the_same_bits(fitted, tmp_path: Path, killed_after, last: int) -> None:
    """Weights and history are those of a training that was not interrupted; checkpoints bear the
    job's name."""
    with killed_after(last):
        trained(tmp_path / "job-1234.safetensors")
    assert all(path.match("job-1234-*.safetensors") for path in tmp_path.iterdir())
    model, done = trained(tmp_path / "job-1234.safetensors")
    for name, value in fitted[0].state_dict().items():
        assert torch.equal(value, model.state_dict()[name]), name
    assert done.history == fitted[1].history


def test_mirroring_changes_training_and_stays_finite() -> None:
    """Half of the images are seen mirrored."""
    _, plain = trained(epochs=1, fine_tuning_epochs=0)
    _, mirrored = trained(epochs=1, fine_tuning_epochs=0, mirror=True)
    assert mirrored.errors[-1]["held_out_mse"] != plain.errors[-1]["held_out_mse"]
    assert np.isfinite(mirrored.errors[-1]["held_out_mse"])


def test_weights_survive_a_file(fitted, tmp_path: Path) -> None:
    """The same features from the file's model."""
    write_weights(tmp_path / "a.safetensors", fitted[0].state_dict(), SMALL)
    loaded = ae.load(*read_weights(tmp_path / "a.safetensors"))
    images = torch.from_numpy(faces(5, 3))
    with torch.no_grad():
        assert torch.equal(loaded.encode(images), fitted[0].encode(images))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"channels": [8, 15, 4]}, "come in pairs"),
        ({"channels": [8, 16]}, "2 channels, 3 kernels"),
        ({"kernels": [4, 4, 4]}, "must be odd at stride 1"),
        ({"kernels": [1, 4, 3]}, "at least the stride, got 1 at 2"),
        ({"side_px": 18}, "do not divide"),
        ({"activation": "tanh"}, "one of leaky_relu, relu, silu"),
        ({"strides": [2, 0, 1]}, "at least 1"),
        ({"model": "vae"}, "of a model 'vae', need 'autoencoder'"),
    ],
)
def test_a_wrong_architecture_is_one_line(change: dict, message: str) -> None:
    """It names what was given and what is needed."""
    with pytest.raises(InputError, match=message) as caught:
        ae.build(SMALL | change)
    assert "\n" not in str(caught.value)


def test_weights_of_another_architecture_are_one_line(fitted) -> None:
    """A shape that differs, a missing tensor, a missing size."""
    state = fitted[0].state_dict()
    with pytest.raises(
        InputError, match=r"'layers.2.weight' is \(4, 16, 3, 3\), the architecture needs \(6, 16, 3, 3\)"
    ):
        ae.load(state, SMALL | {"channels": [8, 16, 6]})
    with pytest.raises(InputError, match=r"lack 'layers\.0\.weight'"):
        ae.load({}, SMALL)
    with pytest.raises(InputError, match="lacks 'kernels'"):
        ae.load(state, {key: value for key, value in SMALL.items() if key != "kernels"})


def test_images_and_features_of_another_size_are_one_line(fitted) -> None:
    """Both ways say what they need."""
    with pytest.raises(InputError, match=r"images must be \(n, 16, 16\), got \(2, 8, 16\)"):
        fitted[0].encode(torch.zeros(2, 8, 16))
    with pytest.raises(InputError, match=r"features must be \(n, 64\), got \(2, 63\)"):
        fitted[0].decode(torch.zeros(2, 63))


# --- people ---------------------------------------------------------------------------------------


def test_nobody_has_two_roles_and_the_order_of_images_does_not_matter() -> None:
    """The split is one of people."""
    rng = np.random.default_rng(0)
    people = np.array([f"P{index}" for index in rng.integers(0, 60, 500)])
    role = face_models_people.split_people(people, validation=0.1, held_out=0.2, generator=np.random.default_rng(1))
    roles = {name: set(role[people == name]) for name in people}
    assert all(len(found) == 1 for found in roles.values())
    count = [sum(found == {index} for found in roles.values()) for index in range(3)]
    assert count == [len(roles) - 18, 6, 12]
    order = rng.permutation(500)
    again = face_models_people.split_people(
        people[order], validation=0.1, held_out=0.2, generator=np.random.default_rng(1)
    )
    np.testing.assert_array_equal(again, role[order])


@pytest.mark.parametrize(("validation", "held_out"), [(0.0, 0.1), (0.5, 0.5), (0.1, 1.0)])
def test_a_split_that_leaves_nobody_is_one_line(validation: float, held_out: float) -> None:
    """It names the number of people."""
    with pytest.raises(InputError, match="of 4 people"):
        face_models_people.split_people(
            list("abcd"), validation=validation, held_out=held_out, generator=np.random.default_rng(0)
        )


# --- PCA ------------------------------------------------------------------------------------------


def test_pca_by_blocks_is_pca_by_svd() -> None:
    """Residuals of the singular value decomposition of the centred training faces, on both sets."""
    seen, held_out = faces(120).astype(np.float64), faces(30, 2)
    flat = seen.reshape(120, -1)
    mean = flat.mean(0)
    _, _, directions = np.linalg.svd(flat - mean, full_matrices=False)
    expected = []
    for part in (held_out.reshape(30, -1) - mean, flat - mean):
        expected.append(np.square(part - part @ directions[:7].T @ directions[:7]).mean())
    found = pca.pca_error(np.array_split(faces(120), 5), np.array_split(held_out, 2), components=7)
    np.testing.assert_allclose(found, expected, rtol=1e-3)
    assert pca.pca_error([faces(120)], [held_out], components=10_000)[0] == pytest.approx(0, abs=1e-9)
