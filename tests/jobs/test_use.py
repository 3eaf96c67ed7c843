"""A finished job records what it used beside its log; a commit collects these records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from relatent.jobs import plan, use
from relatent.stages.shared import command as entry
from relatent.tools import uses

MACHINE = {"model": "a processor", "number": "6/1/2", "capabilities": ["avx2"], "cores": 2, "blas_threads": 1}
COMMANDS = {name: f"python -m relatent.stages.{name} make --log logs/{name}.log" for name in ("digits", "rbm")}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ended(name: str, cpu_seconds: float, **machine: Any) -> None:
    """Write the log and the record of a job that succeeded."""
    path = Path(f"logs/{name}.use.json")
    path.parent.mkdir(exist_ok=True)
    content = {"cpu_seconds": cpu_seconds, "wall_seconds": 3.0, "peak_mib": 9, "machine": MACHINE | machine}
    path.write_text(json.dumps(content), encoding="utf-8")


def run_app(job: plan.Job | None, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run one process of a stage with this plan and this exit status."""

    def app() -> None:
        raise SystemExit(status)

    monkeypatch.setattr(plan, "begin", lambda: job)
    monkeypatch.setattr(plan, "end", lambda job: None)
    # a seal is permanent, and this process is pytest's
    monkeypatch.setattr(entry, "sealed_from", lambda *_, **__: None)
    with pytest.raises(SystemExit):
        entry.run(app)


@pytest.mark.parametrize(("status", "written"), [(0, True), (1, False)])
def test_only_a_job_that_ended_well_leaves_what_it_used(
    status: int, written: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record beside its log has positive seconds and memory, and the machine."""
    run_app(plan.Job("rbm", "rbm-train", notes=["logs/a/rbm.log", "logs/a/rbm.tsv"]), status, monkeypatch)
    path = Path("logs/a/rbm.use.json")
    assert path.exists() == written
    if written:
        found = json.loads(path.read_text())
        assert min(found["cpu_seconds"], found["wall_seconds"], found["peak_mib"]) > 0
        assert found["machine"] == use.machine()


def test_a_command_by_hand_and_a_disk_that_is_full_leave_nothing_and_fail_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run_app(None, 0, monkeypatch)
    Path("logs").write_text("a file where a folder would be")
    run_app(plan.Job("rbm", "rbm-train", notes=["logs/a/rbm.log"]), 0, monkeypatch)
    assert [path.name for path in Path().iterdir()] == ["logs"]


def test_a_machine_is_told_by_its_processor_and_what_libraries_choose_their_code_by(tmp_path: Path) -> None:
    """Flags are sorted and those of the first processor; no other flags are listed."""
    info = tmp_path / "cpuinfo"
    lines = (
        "cpu family\t: 6\nmodel\t\t: 207\nmodel name\t: Xeon\nstepping\t: 2\nflags\t\t: sse2 avx512f avx2 amx_bf16\n"
    )
    info.write_text(lines + "\n" + lines.replace("Xeon", "other"))
    found = use.machine(info)
    assert (found["model"], found["number"]) == ("Xeon", "6/207/2")
    assert found["capabilities"] == ["amx_bf16", "avx2", "avx512f"]
    assert use.machine(tmp_path / "none")["capabilities"] == []


def test_a_commit_collects_the_jobs_that_it_records_and_leaves_the_others() -> None:
    """A job whose outputs were put back keeps the seconds of the run that made them."""
    ended("digits", 1.0)
    ended("rbm", 2.0)
    uses.collect(COMMANDS, COMMANDS)
    ended("digits", 10.0, cores=64)
    ended("rbm", 20.0)
    uses.collect(COMMANDS, ["digits"])
    found = uses.read()
    assert {name: each["cpu_seconds"] for name, each in found["jobs"].items()} == {"digits": 10.0, "rbm": 2.0}
    assert found["machines"][found["jobs"]["digits"]["machine"]]["cores"] == 64
    assert len(found["machines"]) == 2


def test_uses_json_has_a_line_a_job_and_changes_with_nothing_else() -> None:
    """Lines are sorted by name, whatever the order of the jobs; a second commit changes nothing."""
    ended("digits", 1.0)
    ended("rbm", 2.0)
    uses.collect(dict(reversed(COMMANDS.items())), COMMANDS)
    text = uses.USES.read_text()
    assert [line.split('"')[1] for line in text.splitlines() if "cpu_seconds" in line] == ["digits", "rbm"]
    uses.collect(COMMANDS, [])
    assert uses.USES.read_text() == text


def test_jobs_that_there_are_not_and_machines_of_none_are_dropped() -> None:
    ended("digits", 1.0, cores=64)
    ended("rbm", 2.0)
    uses.collect(COMMANDS, COMMANDS)
    uses.collect({"rbm": COMMANDS["rbm"]}, [])
    found = uses.read()
    assert list(found["jobs"]) == ["rbm"]
    assert [each["cores"] for each in found["machines"].values()] == [2]


@pytest.mark.parametrize("damaged", ["", "{", "[]", '{"jobs": {}}', '{"jobs": 1, "machines": 2}'])
def test_a_damaged_file_counts_as_none(damaged: str) -> None:
    """uses.json is written again, and a job's incomplete record is skipped."""
    ended("rbm", 2.0)
    uses.USES.write_text(damaged)
    Path("logs/digits.use.json").write_text(damaged)
    uses.collect(COMMANDS, COMMANDS)
    assert list(uses.read()["jobs"]) == ["rbm"]
