"""The core works with numpy, scipy and h5py alone, as `pip install relatent` installs it."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest

from relatent.ranking import evaluate
from tests.support.harness import ROOT

CORE = ("numpy", "scipy", "h5py")
PROGRAM = """
import json, sys
import numpy as np
import relatent.ranking
rng = np.random.default_rng(0)
rows = rng.normal(size=(80, 5)), rng.integers(3, size=80)
means = relatent.ranking.evaluate(rows[0][:20], rows[0][20:], rows[1][:20], rows[1][20:], score="l2").means()
from relatent.files import hdf5
hdf5.write_hdf5(sys.argv[1], {"rows": rows[0]})
others = {name.partition(".")[0] for name in sys.modules} & {"numba", "torch", "sklearn", "pydantic", "tqdm", "typer"}
print(json.dumps({"means": means, "others": sorted(others)}))
"""


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """Make a folder with these three packages and their shared libraries, and nothing else."""
    folder = tmp_path / "bare"
    folder.mkdir()
    installed = Path(sysconfig.get_path("platlib"))
    for name in CORE:
        for path in (installed / name, installed / f"{name}.libs"):
            if path.exists():
                (folder / path.name).symlink_to(path)
    return folder


def test_ranking_works_with_numpy_scipy_and_h5py_alone(bare: Path, tmp_path: Path) -> None:
    """Means equal those with numba; without site-packages, other imports would fail."""
    command = [sys.executable, "-S", "-c", PROGRAM, str(tmp_path / "rows.h5")]
    environment = {"PYTHONPATH": f"{bare}:{ROOT / 'src'}", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    rng = np.random.default_rng(0)
    rows, labels = rng.normal(size=(80, 5)), rng.integers(3, size=80)
    expected = evaluate(rows[:20], rows[20:], labels[:20], labels[20:], score="l2").means()
    assert found["means"] == pytest.approx(expected, rel=1e-12)
    assert found["others"] == []
    assert (tmp_path / "rows.h5").exists()


def test_a_package_outside_the_core_cannot_be_imported_there(bare: Path) -> None:
    """This checks that the environment of the test above is really bare."""
    command = [sys.executable, "-S", "-c", "import numba"]
    done = subprocess.run(command, env={"PYTHONPATH": str(bare)}, capture_output=True, text=True, check=False)
    assert "ModuleNotFoundError" in done.stderr
