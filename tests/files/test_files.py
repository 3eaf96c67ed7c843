"""Files appear completely or not at all, their bytes repeat, and damage is one clear line."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from relatent.errors import InputError
from relatent.files import atomic, hdf5, tables, weights

WRITERS = {
    "a.json": lambda path: tables.write_json(path, {"b": 1, "a": [1.5, np.float32(2), np.nan], "c": np.arange(2)}),
    "a.csv": lambda path: tables.write_csv(path, [{"epoch": 1, "loss": 0.1}, {"epoch": 2, "loss": 1e-9}]),
    "a.h5": lambda path: hdf5.write_hdf5(path, {"x": np.eye(3), "names": np.array(["ä", "b"])}, params={"k": 1}),
    "a.safetensors": lambda path: weights.write_weights(
        path, {"w": torch.arange(6.0).reshape(2, 3).T, "b": torch.zeros(2)}, {"sizes": [2, 3]}
    ),
}


@pytest.mark.parametrize("name", WRITERS)
def test_the_same_content_gives_the_same_bytes_at_any_time_and_under_any_name(tmp_path: Path, name: str) -> None:
    """The file is written twice, a second apart, under two names."""
    WRITERS[name](tmp_path / name)
    time.sleep(1.05)  # formats that store a time have a resolution of seconds
    WRITERS[name](tmp_path / f"other_{name}")
    assert (tmp_path / name).read_bytes() == (tmp_path / f"other_{name}").read_bytes()


@pytest.mark.parametrize("name", WRITERS)
def test_a_write_leaves_one_file_and_nothing_beside_it(tmp_path: Path, name: str) -> None:
    """No temporary file is left, and the folder is made."""
    WRITERS[name](tmp_path / "new" / name)
    assert [path.name for path in (tmp_path / "new").iterdir()] == [name]


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    """An error occurs in the middle of a streamed file."""
    path = tmp_path / "a.h5"
    hdf5.write_hdf5(path, {"x": np.ones(3)})
    before = path.read_bytes()

    def write_half() -> None:
        with hdf5.create_hdf5(path) as file:
            hdf5.add_dataset(file, "x", (5,), np.float32)
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        write_half()
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_killed_write_leaves_the_old_file(tmp_path: Path) -> None:
    """SIGKILL arrives while the temporary file is written."""
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")
    code = (
        "import os, sys, signal; from relatent.files.hdf5 import atomic\n"
        "with atomic(sys.argv[1]) as t: t.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(hdf5.__file__).parents[1])}
    assert subprocess.run([sys.executable, "-c", code, path], env=environment, check=False).returncode == -9
    assert path.read_text(encoding="utf-8") == "old"
    with atomic.atomic(path) as temporary:
        temporary.write_text("new", encoding="utf-8")
    assert list(tmp_path.iterdir()) == [path]  # the killed writer's temporary file is gone


@pytest.mark.parametrize("name", ["a.h5", "a.safetensors", "a.json"])
def test_a_truncated_or_foreign_file_is_one_line(tmp_path: Path, name: str) -> None:
    """Files are cut at several places, or have another format."""
    path = tmp_path / name
    WRITERS[name](path)
    whole = path.read_bytes()
    read = {
        "a.h5": lambda: hdf5.read_hdf5(path, "x"),
        "a.safetensors": lambda: weights.read_weights(path),
        "a.json": lambda: tables.read_json(path),
    }[name]
    for content in (b"", whole[:20], whole[: len(whole) // 2], whole[:-3], b"plain text"):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"not a whole .* file") as caught:
            read()
        assert "\n" not in str(caught.value)


def test_a_missing_file_or_data_set_is_one_line_that_lists_what_there_is(tmp_path: Path) -> None:
    """The line lists the names in the file."""
    hdf5.write_hdf5(tmp_path / "a.h5", {"x": np.ones(2), "y": np.ones(2)})
    with pytest.raises(InputError, match="no data set 'z'; it has x, y"):
        hdf5.read_hdf5(tmp_path / "a.h5", "z")
    for read in (hdf5.read_hdf5, weights.read_weights):
        with pytest.raises(InputError, match="no such file"):
            read(tmp_path / "none")


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    """This holds for every format, including strings and transposed tensors."""
    for name, write in WRITERS.items():
        write(tmp_path / name)
    assert tables.read_json(tmp_path / "a.json") == {"b": 1, "a": [1.5, 2.0, None], "c": [0, 1]}
    assert tables.read_csv(tmp_path / "a.csv")[1] == {"epoch": "2", "loss": "1e-09"}
    x, names = hdf5.read_hdf5(tmp_path / "a.h5", "x", "names")
    assert x.tolist() == np.eye(3).tolist()
    assert names.tolist() == ["ä", "b"]
    state, architecture = weights.read_weights(tmp_path / "a.safetensors")
    assert torch.equal(state["w"], torch.arange(6.0).reshape(2, 3).T)
    assert architecture == {"sizes": [2, 3]}


def test_growing_data_sets_hold_all_blocks_in_order(tmp_path: Path) -> None:
    """Blocks may have any size, also none."""
    with hdf5.create_hdf5(tmp_path / "a.h5") as file:
        data = hdf5.add_growing(file, "n", np.int64)
        for block in ([1, 2, 3], [], [4]):
            hdf5.append(data, block)
    assert hdf5.read_hdf5(tmp_path / "a.h5", "n")[0].tolist() == [1, 2, 3, 4]


def test_a_full_disk_leaves_nothing_half_written(small_disk: Path) -> None:
    """The file system has 1 MiB."""
    with pytest.raises(OSError, match="No space left") as caught:
        hdf5.write_hdf5(small_disk / "a.h5", {"x": np.random.default_rng(0).random(10**6)})
    assert caught.value.errno == errno.ENOSPC
    assert list(small_disk.iterdir()) == []
