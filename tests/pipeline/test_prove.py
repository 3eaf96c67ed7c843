"""Results that changed code reproduces are kept, on record; all other jobs run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge import demos, prove, verify
from bridge.snakemake_side import Job
from tests.support.edits import SRC, bridge, named, replace
from tests.support.harness import ROOT, run

MODEL = f"{SRC}/text/language_model.py"
STAGE = f"{SRC}/stages/language_model.py"
NAME = "language_model"


def kept(folder: Path, dear: str) -> tuple[dict, str]:
    """Return what `prove` records, and what it says."""
    done = run("python", "workflow/bridge", "prove", "--dear", dear, cwd=folder)
    proofs = folder / "proofs.json"
    return json.loads(proofs.read_text()) if proofs.exists() else {}, done.stderr


@pytest.mark.pipeline
def test_a_job_whose_bytes_stay_is_kept_by_a_rerun(workspace: Path) -> None:
    """Both tools consider it and all below it up to date; dvc.lock and `where` say why."""
    replace("from __future__ import annotations\n", "from __future__ import annotations\n\nEDITED = 1\n")(
        workspace / MODEL
    )
    assert NAME in named(workspace)
    proofs, said = kept(workspace, "1e9")
    assert proofs[NAME]["by"] == "bytes"
    assert proofs[NAME]["before"]["code"] != proofs[NAME]["after"]["code"]
    assert named(workspace) == set(), said
    assert f"  {NAME}:\n    # kept by proof: see proofs.json\n" in (workspace / "dvc.lock").read_text()
    assert "up to date" in run("dvc", "status", cwd=workspace).stdout
    path = "results/language_model/newsgroups/model.safetensors"
    shown = run("python", "-m", "relatent.cli", "where", path, cwd=workspace, PYTHONPATH="src")
    assert "kept by proof" in shown.stdout


@pytest.mark.pipeline
def test_a_dear_job_is_kept_by_its_probe_and_the_demo(workspace: Path) -> None:
    """The proof is its first steps and the demo's bytes; the record has both revisions."""
    replace("from __future__ import annotations\n", "from __future__ import annotations\n\nEDITED = 1\n")(
        workspace / MODEL
    )
    proofs, said = kept(workspace, "0")
    proof = proofs[NAME]
    assert (proof["by"], proof["steps"][:2]) == ("probe", ["step 1", "step 5"]), said
    assert "results/language_model/newsgroups/model.safetensors" in proof["demo"]
    assert proof["after"]["revision"].endswith("edited")
    assert named(workspace) == set()


@pytest.mark.pipeline
def test_a_change_of_the_first_step_and_one_of_the_last_bytes_are_caught(workspace: Path) -> None:
    """The probe catches the first change; the demo catches the one that shows after training."""
    text = (workspace / STAGE).read_text(encoding="utf-8")
    written = "    write_json(metrics, "
    assert written in text
    replace(written, "    write_json(metrics, {'spare': 1} | ")(workspace / STAGE)
    proofs, said = kept(workspace, "0")
    assert NAME not in proofs
    assert f"{NAME} is to run: the demo differs: results/language_model/newsgroups/metrics.json" in said
    (workspace / STAGE).write_text(text, encoding="utf-8")
    faster = "        replace(options, learning_rate=1.0001 * options.learning_rate),\n        cost=token_cost,\n"
    replace("        options,\n        cost=token_cost,\n", faster)(workspace / MODEL)
    proofs, said = kept(workspace, "0")
    assert NAME not in proofs
    assert f"{NAME} is to run: its probe differs from step 1" in said
    assert NAME in named(workspace)


@pytest.mark.pipeline
def test_a_parameter_is_never_proved(workspace: Path) -> None:
    """Nothing is tried of a job that would run for another reason than its code."""
    replace("learning_rate: 0.1\n", "learning_rate: 0.2\n")(workspace / "params.yaml")
    assert "0 jobs of changed code" in bridge("prove", workspace)
    assert named(workspace) == {NAME, "headlines"}


@pytest.mark.pipeline
def test_a_run_begins_as_recorded_where_it_was_made(workspace: Path) -> None:
    """Every dear job without a dear one above begins as recorded; the others are named."""
    done = run("python", "workflow/bridge", "verify", cwd=workspace)
    lines = done.stdout.splitlines()
    assert lines
    assert all("as recorded" in line or "not probed: it needs what" in line for line in lines), done.stdout
    assert sum("as recorded" in line for line in lines) > 4
    assert named(workspace) == set()


def job(name: str, *, inputs: list[str], outputs: list[str]) -> Job:
    return Job(name, "true", inputs, outputs, key="", tracked=[], up_to_date=True, recorded=True, rule=name)


def test_a_dear_job_above_hides_those_below() -> None:
    """Its outputs would be needed for their inputs; a cheap job in between changes nothing."""
    jobs = [
        job("a", inputs=[], outputs=["a", "a/probe.json"]),
        job("b", inputs=["a"], outputs=["b"]),
        job("c", inputs=["b"], outputs=["c", "c/probe.json"]),
    ]
    made = {path: each for each in jobs for path in each.outputs}
    assert list(verify.dear_above(jobs[2], made)) == ["a"]
    assert list(verify.dear_above(jobs[0], made)) == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"probe": 3}', "{}"])
def test_a_damaged_probe_proves_nothing(tmp_path: Path, content: str) -> None:
    path = tmp_path / "probe.json"
    path.write_text(content, encoding="utf-8")
    assert prove.marks(path) == {}


def test_headlines_apart_are_named_with_both_values() -> None:
    before = {"vae": {"a": {"elbo": -100.0, "kl": 2.0}}, "rbm": {"b": {"error": 1.0}}}
    after = {"vae": {"a": {"elbo": -101.0, "kl": 2.0}}, "rbm": {"b": {"error": 1.0}}}
    (line,) = verify.distances(before, after)
    assert line == "vae: 1 of 2 numbers of the demo differ, a.elbo most: -100 on record, -101 here"


@pytest.mark.pipeline
def test_the_demo_is_made_for_rules_of_which_one_is_below_another(tmp_path: Path) -> None:
    """Files of both are there."""
    made = demos.make(ROOT, tmp_path / "demo", ["data_mnist", "digits"], cores=1)
    assert made == ""
    assert (tmp_path / "demo/results/digits/digits.h5").is_file()


@pytest.mark.pipeline
def test_a_rule_that_the_demo_lacks_makes_nothing_and_a_fault_is_its_line(tmp_path: Path) -> None:
    """An unknown rule does not make the whole demo; parameters that do not load say so."""
    folder = tmp_path / "demo"
    assert demos.make(ROOT, folder, ["no_such_rule"], cores=1) == ""
    assert not (folder / "results").exists()
    replace("source: embedded", "source: fake")(folder / "params.yaml")
    assert "data.source: got 'fake'" in demos.make(ROOT, folder, ["digits"], cores=1)
