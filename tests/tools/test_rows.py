"""Rows of one's own under damage, HDF5, npy and npz: a result or one line; no pickle, no other
file, no blow-up."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from relatent.errors import InputError
from relatent.files import hdf5, weights
from relatent.ranking import evaluate
from relatent.tools.pictures import read_features
from relatent.tools.rows import open_rows
from tests.support.mutations import damaged, folder_with, limits, made, many, result_or_one_line

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(12, 16)).astype(np.float32)
CLASSES = RNG.integers(0, 3, 12)
SPARSE = sparse.csr_array(np.where(RNG.random((12, 16)) < 0.3, 1.0, 0.0))


def write_h5(path: Path) -> None:
    """Contiguous, compressed and sparse rows, and labels of two kinds."""
    with h5py.File(path, "w") as file:
        file["embeddings"], file["labels"] = ROWS, CLASSES
        file.create_dataset("packed", data=ROWS, chunks=(4, 16), compression="gzip", shuffle=True)
        file.create_dataset("words", data=[f"class {label}" for label in CLASSES], dtype=h5py.string_dtype())
        hdf5.add_csr(file, "sparse", SPARSE)


def write_npz(path: Path) -> None:
    np.savez_compressed(path, embeddings=ROWS, labels=CLASSES)


H5, NPZ = made(write_h5, "a.h5"), made(write_npz, "a.npz")
SPARSE_NPZ = made(lambda path: sparse.save_npz(path, SPARSE), "a.npz")
NPY = made(lambda path: np.save(path, ROWS), "a.npy")


def rank(rows: str, labels: str) -> Any:
    """What `relatent rank` does with one file as both sides."""
    with ExitStack() as stack:
        sides = [open_rows(rows, stack, name="embeddings") for _ in range(2)]
        of_rows = [open_rows(labels, stack, dimensions=1, name="labels")[...] for _ in range(2)]
        return evaluate(*sides, *of_rows, cutoffs=(5,), threads=1, max_bytes=2**22)


@given(content=damaged(H5, 2048), name=st.sampled_from(["embeddings", "packed", "sparse"]))
@many(60)
def test_rows_in_hdf5(content: bytes, name: str) -> None:
    with folder_with(a__h5=content) as folder:
        path = folder / "a.h5"
        for labels in ("labels", "words"):
            result_or_one_line(lambda labels=labels: rank(f"{path}:{name}", f"{path}:{labels}"))
        result_or_one_line(lambda: rank(str(path), str(path)))
        result_or_one_line(lambda: read_features(path, dataset=name))


@given(content=damaged(NPZ), sparse_content=damaged(SPARSE_NPZ), array=damaged(NPY, 130))
@many(60)
def test_rows_in_numpy_files(content: bytes, sparse_content: bytes, array: bytes) -> None:
    with folder_with(a__npz=content, s__npz=sparse_content, a__npy=array) as folder:
        np.save(folder / "labels.npy", CLASSES)
        result_or_one_line(lambda: rank(str(folder / "a.npz"), str(folder / "a.npz")))
        for name in ("a.npy", "s.npz"):
            result_or_one_line(lambda name=name: rank(str(folder / name), str(folder / "labels.npy")))
        for name in ("a.npy", "a.npz", "s.npz"):
            result_or_one_line(lambda name=name: read_features(folder / name))


@given(
    indices=st.lists(st.integers(-3, 20), max_size=8),
    indptr=st.lists(st.integers(-3, 9), min_size=2, max_size=6),
    shape=st.lists(st.sampled_from([-1, 0, 1, 3, 4, 16, 2**31, 2**62]), min_size=1, max_size=3),
)
@many(60)
def test_sparse_rows_of_any_numbers(indices: list[int], indptr: list[int], shape: list[int]) -> None:
    """Indices beyond the matrix never reach a product."""
    with folder_with() as folder:
        parts = {"data": np.ones(len(indices)), "indices": np.array(indices, int), "indptr": np.array(indptr)}
        np.savez(folder / "a.npz", **parts, shape=np.array(shape), format=b"csr")
        with h5py.File(folder / "a.h5", "w") as file:
            for key, values in parts.items():
                file[f"rows/{key}"] = values
            file["rows"].attrs["shape"] = shape
        np.save(folder / "labels.npy", np.zeros(max(0, min(shape[0], 100)), int))
        for spec in ("a.npz", "a.h5:rows"):
            result_or_one_line(lambda spec=spec: rank(f"{folder}/{spec}", str(folder / "labels.npy")))


class Evil:
    """Unpickled, it leaves a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_no_pickle_is_ever_loaded(tmp_path: Path) -> None:
    """Of any file that a reader takes."""
    evil = tmp_path / "evil"
    value = np.array([[Evil(evil)]], dtype=object)
    np.save(tmp_path / "a.npy", value, allow_pickle=True)
    np.savez(tmp_path / "a.npz", allow_pickle=True, embeddings=value, labels=value[0])
    (tmp_path / "raw.npy").write_bytes(pickle.dumps(Evil(evil)))
    (tmp_path / "raw.npz").write_bytes(pickle.dumps(Evil(evil)))
    (tmp_path / "a.safetensors").write_bytes(pickle.dumps(Evil(evil)))
    torch.save(Evil(evil), tmp_path / "b.safetensors")
    for name in ("a.npy", "a.npz", "raw.npy", "raw.npz"):
        for read in (lambda path: rank(str(path), str(path)), read_features):
            with pytest.raises(InputError, match="not a plain numpy file"):
                read(tmp_path / name)
    for name in ("a.safetensors", "b.safetensors"):
        with pytest.raises(InputError, match="not a whole safetensors file"):
            weights.read_weights(tmp_path / name)
    assert not evil.exists()


def test_an_array_that_declares_more_than_it_holds_is_refused(tmp_path: Path) -> None:
    """Terabytes in files of kilobytes, by a header, by fill values, by a chunk."""
    huge = (2**20, 2**20)
    with h5py.File(tmp_path / "fill.h5", "w") as file:
        file.create_dataset("embeddings", huge, np.float32, chunks=(16, 16))
        file["labels"] = CLASSES
    with h5py.File(tmp_path / "chunk.h5", "w") as file:
        file.create_dataset("embeddings", (4, 4), np.float32, chunks=(2**14, 2**14), maxshape=(None, None))
        file["labels"] = CLASSES[:4]
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": huge})
    (tmp_path / "header.npy").write_bytes(header.getvalue() + bytes(64))
    np.savez(tmp_path / "header.npz", labels=CLASSES)
    with zipfile.ZipFile(tmp_path / "header.npz", "a") as archive:
        archive.writestr("embeddings.npy", header.getvalue() + bytes(64))
    for name in ("fill.h5", "chunk.h5", "header.npy", "header.npz"):
        path = str(tmp_path / name)
        with limits(), pytest.raises(InputError, match=r"declares|numpy file"):
            rank(path, path)
        with limits(), pytest.raises(InputError, match=r"declares|numpy file"):
            read_features(tmp_path / name, dataset=None if name == "header.npy" else "embeddings")


def test_rows_in_another_file_are_refused(tmp_path: Path) -> None:
    """HDF5 may name other files: linked, as raw bytes, or as a virtual data set."""
    secret = tmp_path / "secret.h5"
    write_h5(secret)
    (tmp_path / "secret.bin").write_bytes(bytes(16 * 16 * 4))
    layout = h5py.VirtualLayout(ROWS.shape, ROWS.dtype)
    layout[...] = h5py.VirtualSource(secret, "embeddings", ROWS.shape)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["labels"] = CLASSES
        file["linked"] = h5py.ExternalLink(str(secret), "embeddings")
        file["soft"] = h5py.SoftLink("/linked")
        file["group"] = h5py.ExternalLink(str(secret), "/")
        file.create_dataset("raw", (12, 16), np.float32, external=[(str(tmp_path / "secret.bin"), 0, 768)])
        file.create_virtual_dataset("virtual", layout)
    for name in ("linked", "soft", "group/embeddings", "raw", "virtual"):
        with pytest.raises(InputError, match="lies in another file; refused"):
            rank(f"{tmp_path}/a.h5:{name}", f"{tmp_path}/a.h5:labels")
    for name in ("raw", "virtual"):
        with pytest.raises(InputError, match="lies in another file; refused"):
            read_features(tmp_path / "a.h5", dataset=name)
