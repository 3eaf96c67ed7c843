"""A job is checked against its plan: code, parameters, closure, and earlier outputs."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from relatent.jobs import params, plan
from relatent.jobs.closure import Sources
from relatent.stages.shared.sections import Compute
from tests.support.harness import ROOT

COMMAND = [
    "-m",
    "relatent.stages.headlines",
    "gather",
    "results/rnn/mnist/tied/metrics.json",
    "--headline",
    "rnn:cross_entropy",
    "--metrics",
    "results/metrics.json",
]
KEY, NAME = "headlines-gather", "headlines"
GIVEN, MADE = "results/rnn/mnist/tied/metrics.json", "results/metrics.json"


@pytest.fixture
def planned(tmp_path: Path) -> Path:
    """Make a folder with a copy of the sources, an input, and the plan of one cheap job."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    (tmp_path / GIVEN).parent.mkdir(parents=True)
    shutil.copy2(ROOT / GIVEN, tmp_path / GIVEN)
    write_plan(tmp_path)
    return tmp_path


def write_plan(folder: Path, **job: Any) -> None:
    source = folder / "src"
    files = plan.stamps(source, Sources.on_disk(source).closures(KEY)[KEY].files)
    entry = {"name": NAME, "key": KEY, "inputs": [GIVEN], "outputs": [MADE], "mark": "as planned"} | job
    content = {"params": {}, "code": {KEY: files}, "jobs": {" ".join(COMMAND): entry}}
    (folder / "plan.json").write_text(json.dumps(content), encoding="utf-8")


def start(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": "src", "RELATENT_PLAN": "plan.json"} | variables
    return subprocess.run(
        [sys.executable, *COMMAND], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def edit(folder: Path, path: str, change: Callable[[str], str]) -> None:
    file = folder / "src/relatent" / path
    file.write_text(change(file.read_text(encoding="utf-8")), encoding="utf-8")


def test_a_job_as_planned_runs_and_is_vouched_for(planned: Path) -> None:
    done = start(planned)
    assert done.returncode == 0, done.stderr
    assert (planned / MADE).exists()
    assert (planned / plan.MADE / NAME).read_text() == "as planned"


def test_a_job_whose_code_was_edited_after_the_plan_does_not_run(planned: Path) -> None:
    """One line names the file; nothing is written."""
    edit(planned, "files/atomic.py", lambda text: text.replace(".tmp", ".part"))
    done = start(planned)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error: relatent/files/atomic.py was edited after headlines was planned; the job did not run; run again"
    ]
    assert not (planned / MADE).exists()


def test_an_edit_that_no_digest_sees_stops_no_job(planned: Path) -> None:
    edit(planned, "files/atomic.py", lambda text: "# a comment\n" + text)
    assert start(planned).returncode == 0


def test_a_job_that_runs_code_outside_its_closure_is_not_vouched_for(planned: Path) -> None:
    hidden = '    __import__("relatent.text." + "lda")\n    gathered: dict'
    edit(planned, "stages/headlines.py", lambda text: text.replace("    gathered: dict", hidden))
    write_plan(planned)
    done = start(planned)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error: headlines ran relatent/text/__init__.py, which is not in its closure: src/relatent/jobs/closure.py"
    ]
    assert not (planned / plan.MADE / NAME).exists()


def recorded(folder: Path, made: bytes) -> dict[str, Any]:
    """Return the record of an earlier run on the present input, and a store with its output."""
    md5 = hashlib.md5(made).hexdigest()
    store = folder / "store" / md5[:2]
    store.mkdir(parents=True)
    (store / md5[2:]).write_bytes(made)
    given = hashlib.md5((folder / GIVEN).read_bytes()).hexdigest()
    return {"inputs": {GIVEN: given}, "outputs": {MADE: md5}, "stores": ["store"]}


def test_what_was_made_of_the_same_inputs_is_put_back(planned: Path) -> None:
    """The job does not run: its output is the stored one, whatever it would have written."""
    write_plan(planned, record=recorded(planned, b"as it was"))
    done = start(planned)
    assert (done.returncode, (planned / MADE).read_bytes()) == (0, b"as it was")
    assert (planned / plan.MADE / NAME).read_text() == "as planned"


@pytest.mark.parametrize("what", ["another input", "a damaged store", "an empty store"])
def test_nothing_is_put_back_unless_all_is_as_recorded(planned: Path, what: str) -> None:
    record = recorded(planned, b"as it was")
    (stored,) = (path for path in (planned / "store").rglob("*") if path.is_file())
    if what == "another input":
        (planned / GIVEN).write_text((planned / GIVEN).read_text() + "\n", encoding="utf-8")
    elif what == "a damaged store":
        stored.write_bytes(b"as it were")
    else:
        stored.unlink()
    write_plan(planned, record=record)
    assert start(planned).returncode == 0
    assert (planned / MADE).read_bytes() != b"as it was"


def test_a_command_by_hand_is_held_to_nothing(planned: Path) -> None:
    edit(planned, "files/atomic.py", lambda text: text.replace(".tmp", ".part"))
    assert start(planned, RELATENT_PLAN="").returncode == 0


def test_a_damaged_plan_is_one_line(planned: Path) -> None:
    (planned / "plan.json").write_text("{", encoding="utf-8")
    done = start(planned)
    assert done.returncode == 1
    assert done.stderr.startswith("error: plan.json: not a whole JSON file")
    assert done.stderr.count("\n") == 1


def test_parameters_are_those_of_the_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """params.yaml may have changed by the time the job reads it."""
    (tmp_path / "params.yaml").write_text("compute: {device: cpu, threads: 2}\n", encoding="utf-8")
    monkeypatch.setattr(params, "_taken", {})
    assert params.load_section(Compute, "compute", tmp_path / "params.yaml").threads == 2
    params.take({"compute": {"device": "cpu", "threads": 1}})
    assert params.load_section(Compute, "compute", tmp_path / "params.yaml").threads == 1
