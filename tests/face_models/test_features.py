"""Features as HDF5: streamed blocks, the map of training people only, clipping, reading, bad
input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from relatent.errors import InputError
from relatent.face_models import autoencoder as ae
from relatent.face_models import features
from relatent.face_models import unit_map as face_models_unit_map
from relatent.files.hdf5 import open_hdf5, read_hdf5, write_hdf5

N = 90


def images(count: int = N) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.3, (count, 8, 8)).clip(-1, 1).astype(np.float32)


@pytest.fixture(scope="module")
def model() -> ae.Autoencoder:
    built = ae.build(ae.architecture(side_px=8, channels=(8, 4), kernels=(4, 3), strides=(2, 1)))
    seen = torch.from_numpy(images())
    for depth, layer in enumerate(built.layers):
        layer.initialise(built.up(seen, depth), generator=torch.Generator().manual_seed(0))
    return built


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ninety faces; every seventh is not kept."""
    path = tmp_path_factory.mktemp("faces") / "faces.h5"
    names = np.array([f"P{index // 3}_{index % 3}" for index in range(N)])
    people = np.array([f"P{index // 3}" for index in range(N)])
    write_hdf5(path, {"frontal": images(), "kept": np.arange(N) % 7 != 0, "name": names, "person": people})
    return path


ROLE = (np.arange(np.count_nonzero(np.arange(N) % 7)) % 3).astype(np.uint8)
OPTIONS = {"variant": "frontal", "role": ROLE, "spread": 2.0, "eps": 0.01}


@pytest.fixture(scope="module")
def written(model: ae.Autoencoder, faces: Path) -> Path:
    path = faces.with_name("features.h5")
    features.write_features(faces, model, path, **OPTIONS)
    return path


def test_every_kept_face_and_no_other_is_encoded(model: ae.Autoencoder, faces: Path, written: Path) -> None:
    """Rows, names and people are those of the kept faces, in their order."""
    found, row, name, person, role = read_hdf5(written, "features", "row", "name", "person", "role")
    kept = np.flatnonzero(np.arange(N) % 7)
    np.testing.assert_array_equal(row, kept)
    np.testing.assert_array_equal(role, ROLE)
    assert list(name) == [f"P{index // 3}_{index % 3}" for index in kept]
    assert list(person) == [f"P{index // 3}" for index in kept]
    with torch.no_grad():
        expected = model.encode(torch.from_numpy(images()[kept])).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("block_rows", [1, 13, 10_000])
def test_the_size_of_a_block_changes_no_feature(model: ae.Autoencoder, faces: Path, written: Path, block_rows) -> None:
    """Nor the map, except for the last digits of a convolution over another batch."""
    path = faces.with_name(f"blocks{block_rows}.h5")
    unit_map = features.write_features(faces, model, path, block_rows=block_rows, **OPTIONS)
    np.testing.assert_allclose(read_hdf5(path, "features")[0], read_hdf5(written, "features")[0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(unit_map.low, face_models_unit_map.read_unit_map(written).low, rtol=1e-4, atol=1e-5)


def test_the_same_faces_give_the_same_bytes(model: ae.Autoencoder, faces: Path, written: Path) -> None:
    """No dates in the file."""
    features.write_features(faces, model, faces.with_name("again.h5"), **OPTIONS)
    assert faces.with_name("again.h5").read_bytes() == written.read_bytes()


def test_the_map_is_fitted_on_training_people_only(written: Path) -> None:
    """Mean in the middle, `spread` standard deviations to either end, whatever the others are."""
    seen = read_hdf5(written, "features")[0][ROLE == 0].astype(np.float64)
    unit_map = face_models_unit_map.read_unit_map(written)
    np.testing.assert_allclose(unit_map.low, seen.mean(0) - 2 * seen.std(0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(unit_map.span, 4 * seen.std(0), rtol=1e-4)


def test_clipped_values_are_counted_by_role(written: Path) -> None:
    """The attributes hold what a count over the raw features gives; with 2 standard deviations some
    are clipped."""
    raw = read_hdf5(written, "features")[0]
    unit_map = face_models_unit_map.read_unit_map(written)
    with open_hdf5(written) as file:
        counted = [file["features"].attrs[f"clipped_{name}"] for name in ("training", "validation", "held_out")]
    assert counted == [unit_map.outside(torch.from_numpy(raw[index == ROLE])) for index in range(3)]
    assert counted[0] > 0


def test_units_of_a_role_are_its_mapped_features(written: Path) -> None:
    """All of them when no role is named; within [eps, 1 - eps]."""
    values = face_models_unit_map.read_units(written, "held_out")
    everything = face_models_unit_map.read_units(written)
    assert torch.equal(values, everything[torch.from_numpy(ROLE == 2)])
    assert values.dtype == torch.float32
    assert float(everything.min()) >= 0.01 - 1e-6
    assert float(everything.max()) <= 0.99 + 1e-6


def test_features_of_another_width_are_one_line(written: Path) -> None:
    """The file, what is needed, what it has."""
    for read in (face_models_unit_map.read_unit_map, face_models_unit_map.read_units):
        with pytest.raises(InputError, match=r"features.h5: features must be \(n, 512\), got \(77, 64\)") as caught:
            read(written, n_features=512)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"must be \(n, 64\), got \(2, 5\)"):
        face_models_unit_map.read_unit_map(written).to_unit(torch.zeros(2, 5))


def test_other_bad_input_is_one_line(model: ae.Autoencoder, faces: Path, tmp_path: Path) -> None:
    """Another variant, size or split, no such role, no map; nothing is left behind."""
    path = tmp_path / "out.h5"
    with pytest.raises(InputError, match="no data set 'aligned'; it has frontal, kept"):
        features.write_features(faces, model, path, **(OPTIONS | {"variant": "aligned"}))
    with pytest.raises(InputError, match="77 faces are kept, but the split has 5"):
        features.write_features(faces, model, path, **(OPTIONS | {"role": ROLE[:5]}))
    with pytest.raises(InputError, match=r"eps in \(0, 0.5\), got 2.0 and 0.5"):
        features.write_features(faces, model, path, **(OPTIONS | {"eps": 0.5}))
    with pytest.raises(InputError, match="no face is in training"):
        features.write_features(faces, model, path, **(OPTIONS | {"role": np.full_like(ROLE, 2)}))
    large = ae.build(ae.architecture())
    with pytest.raises(InputError, match=r"needs images of \(64, 64\), got \(8, 8\)"):
        features.write_features(faces, large, path, **OPTIONS)
    constant = ae.build(ae.architecture(side_px=8, channels=(8, 4), kernels=(4, 3), strides=(2, 1)))
    with pytest.raises(InputError, match="64 of 64 features are constant"):
        features.write_features(faces, constant, path, **OPTIONS)
    assert list(tmp_path.iterdir()) == []
    write_hdf5(path, {"features": np.zeros((2, 3), np.float32)})
    with pytest.raises(InputError, match="lacks the attributes eps, low, span"):
        face_models_unit_map.read_unit_map(path)
    with pytest.raises(InputError, match="one of training, validation, held_out, got 'test'"):
        face_models_unit_map.read_units(path, "test")
