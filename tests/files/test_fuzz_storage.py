"""Damaged files in our formats give arrays, weights or one line; nothing oversized is built."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import sparse

from relatent.files import hdf5
from relatent.files import weights as files_weights
from relatent.rbm import model as rbm
from tests.support.mutations import damaged, folder_with, made, many, result_or_one_line


def write_arrays(path: Path) -> None:
    with hdf5.create_hdf5(path, dataset="digits") as file:
        hdf5.add_dataset(file, "x", (40, 30), np.float32)[...] = np.arange(1200).reshape(40, 30)
        hdf5.append(hdf5.add_growing(file, "n", np.int64), [1, 2, 3])
        hdf5.add_csr(file, "s", sparse.csr_array(np.eye(4)))


ARRAYS = made(write_arrays, "a.h5")


@given(content=damaged(ARRAYS, 6000))
@many(80)
def test_arrays(content: bytes) -> None:
    with folder_with(a__h5=content) as folder:
        for name in ("x", "n", "s"):
            result_or_one_line(lambda name=name: hdf5.read_hdf5(folder / "a.h5", name))


SHAPE = {"model": "rbm", "n_visible": 6, "n_hidden": 4, "visible": "bernoulli", "hidden": "bernoulli", "sigma": 0.1}


def weights() -> bytes:
    model = rbm.build(SHAPE)
    return made(lambda path: files_weights.write_weights(path, model.state_dict(), SHAPE), "a.safetensors")


WEIGHTS = weights()


@given(content=damaged(WEIGHTS, 600))
@many(150)
def test_weights(content: bytes) -> None:
    """Weights give tensors and an architecture, and an RBM of these, or one line."""
    with folder_with(a__safetensors=content) as folder:
        found = result_or_one_line(lambda: files_weights.read_weights(folder / "a.safetensors"))
        if found is not None:
            result_or_one_line(lambda: rbm.load(*found))


@given(
    architecture=st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(SHAPE)), inner, max_size=6),
        max_leaves=8,
    ),
    partly=st.booleans(),
)
@example(architecture={"n_hidden": 2**40}, partly=True)
@example(architecture={"n_visible": -1}, partly=True)
@many(100)
def test_architectures(architecture: Any, partly: bool) -> None:
    """Any JSON in the header gives a model that fits the weights in the file, or one line."""
    if partly and isinstance(architecture, dict):
        architecture = SHAPE | architecture
    state = rbm.build(SHAPE).state_dict()
    with folder_with() as folder:
        path = folder / "a.safetensors"
        files_weights.write_weights(path, state, architecture)
        found = result_or_one_line(lambda: files_weights.read_weights(path))
        if found is not None:
            result_or_one_line(lambda: rbm.load(*found))
