"""A run's cost is predicted from what its jobs used when they last ran."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.cost import cost, span
from relatent.tools.uses import USES
from tests.support.harness import run

CHAIN = {"c": ["b"], "b": ["a"], "a": []}


@st.composite
def flows(draw: st.DrawFn) -> tuple[dict[str, float], dict[str, int], dict[str, list[str]], int]:
    """Draw jobs with seconds, threads and those they wait for, and a number of cores."""
    names = [str(number) for number in range(draw(st.integers(1, 12)))]
    above = {name: [other for other in names[:place] if draw(st.booleans())] for place, name in enumerate(names)}
    seconds = {name: float(draw(st.integers(0, 9))) for name in names}
    return seconds, {name: draw(st.integers(1, 4)) for name in names}, above, draw(st.integers(1, 5))


@given(flows())
def test_a_run_takes_no_less_than_its_longest_chain_and_its_share_and_no_more_than_one_job_after_another(flow) -> None:
    seconds, threads, above, cores = flow
    chain: dict[str, float] = {}
    for name, others in above.items():
        chain[name] = seconds[name] + max((chain[other] for other in others), default=0)
    work = sum(seconds[name] * min(threads[name], cores) for name in above)
    found = span(seconds, threads, above, cores)
    assert max(max(chain.values()), work / cores) <= found + 1e-9
    assert found <= sum(seconds.values()) + 1e-9


@given(flows())
def test_on_cores_without_end_a_run_takes_its_longest_chain(flow) -> None:
    seconds, threads, above, _ = flow
    chain: dict[str, float] = {}
    for name, others in above.items():
        chain[name] = seconds[name] + max((chain[other] for other in others), default=0)
    assert span(seconds, threads, above, 1000) == max(chain.values())


def test_the_longest_way_to_go_starts_first() -> None:
    """On two cores, the long job runs beside three short ones, not after two of them."""
    seconds = {"a": 1.0, "b": 1.0, "c": 1.0, "long": 3.0}
    assert span(seconds, {}, {name: [] for name in seconds}, 2) == 3


def record(jobs: dict[str, tuple[float, float]]) -> None:
    use = {name: {"cpu_seconds": cpu, "wall_seconds": wall} for name, (cpu, wall) in jobs.items()}
    USES.write_text(json.dumps({"machines": {}, "jobs": use}))


def test_the_line_has_jobs_seconds_cores_and_what_is_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Computed by hand; c has no record, d is not a job here, and b had four cores for its 40 s."""
    monkeypatch.chdir(tmp_path)
    assert cost(CHAIN, {}, 2) == "3 jobs, none of them with recorded use"
    record({"a": (2, 5), "b": (40, 10), "d": (7, 7)})
    assert cost(CHAIN, {}, 2) == "3 jobs, predicted 42 CPU seconds, about 25 s on 2 cores (1 without recorded use)"
    assert cost({"a": ["b"]}, {}, 1) == "1 job, predicted 2 CPU seconds, about 5 s on 1 core"


@pytest.mark.pipeline
def test_a_dry_run_ends_and_a_run_begins_with_its_cost(workspace: Path) -> None:
    """Both print the same line, from recorded use; nothing if there is nothing to run."""
    known = json.loads((workspace / USES).read_text())["jobs"]
    assert known["digits"]["cpu_seconds"] > 0
    assert "CPU seconds" not in run("snakemake", "-n", cwd=workspace).stderr
    (workspace / "results/figures/rbm/mnist/binary.png").unlink()
    dry = run("snakemake", "-n", "--cores", "2", cwd=workspace).stderr.strip().splitlines()[-1]
    assert dry.startswith(f"1 job, predicted {known['figures_filters-binary']['cpu_seconds']:.0f} CPU seconds, about ")
    assert dry.endswith(" on 2 cores")
    said = run("snakemake", "--cores", "2", cwd=workspace).stderr
    assert said.index(dry) < said.index("Finished jobid")
