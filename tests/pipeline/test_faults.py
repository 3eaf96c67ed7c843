"""Run a sample of the fault campaign, tests/support/faults.py: few jobs, few faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import faults
from tests.support.lab import Lab

pytestmark = pytest.mark.pipeline

QUICK = (0.5, 4.0)  # seconds on one core


@pytest.fixture
def lab(built: Path, tmp_path: Path) -> Lab:
    return Lab(built, tmp_path, cores=2)


@pytest.mark.parametrize("how", ["SIGKILL", "SIGKILL group", "SIGINT group"])
def test_a_plain_rerun_after_a_kill_ends_with_the_same_bytes(lab: Lab, how: str) -> None:
    """No lock has to be removed by hand, and no partial file or surviving job gets in the way."""
    trial = faults.run_trial(lab, "kill", 0, 0, busy=QUICK, how=how)
    assert trial["outcome"] == "survived", trial


@pytest.mark.parametrize("how", ["flip a byte", "truncate", "swap"])
def test_a_damaged_artifact_is_shown_and_made_again(lab: Lab, how: str) -> None:
    """`dvc status` names it, and a plain rerun makes nothing from it."""
    trial = faults.run_trial(lab, "corruption", 0, 0, busy=QUICK, how=how)
    assert trial["outcome"] == "survived", trial


def test_a_trial_that_changes_a_byte_is_counted_as_lost(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a rerun that does nothing, damage and killed runs are lost: the campaign can fail."""
    monkeypatch.setattr(Lab, "snakemake", lambda self, folder: self.call("true", cwd=folder))
    assert faults.run_trial(lab, "corruption", 1, 0, busy=QUICK, how="empty")["outcome"] == "lost"
    lab.pace = 0.0  # strike at once: a run that ends before it is struck loses nothing
    assert faults.run_trial(lab, "kill", 1, 0, busy=QUICK, how="SIGKILL group")["outcome"] == "lost"


def test_kinds_are_mixed_evenly_and_counted() -> None:
    """A shortened campaign has some of each kind; kills that came too late do not count."""
    plan = list(faults.planned({"kill": 4, "whole": 1, "command": 0, "corruption": 2}))
    assert len(plan) == len(set(plan)) == 7
    assert {kind for kind, _ in plan[:4]} == {"kill", "whole", "corruption"}
    trials = [
        {"kind": "kill", "struck": True, "outcome": "survived"},
        {"kind": "kill", "struck": False, "outcome": "survived"},
        {"kind": "corruption", "outcome": "lost"},
    ]
    counts = faults.summary(trials)
    assert counts["kill"] == {"tried": 1, "survived": 1, "detected": 0, "lost": 0}
    assert counts["corruption"] == {"tried": 1, "survived": 0, "detected": 0, "lost": 1}
