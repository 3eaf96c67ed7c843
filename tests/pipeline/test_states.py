"""Unusual states of a repository: incomplete cache, worktree, merge, leftovers, stopped run."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from bridge import leftovers, merging
from relatent.errors import InputError
from relatent.jobs.params import read_yaml
from tests.support.edits import named
from tests.support.harness import environment, run

EMBEDDINGS = "results/vae/mnist/mlp_2d/seed0/embeddings.h5"
DIGITS = "results/digits/digits.h5"
LOG = "logs/vae_train/mlp_2d/0.log"
MODEL = "results/vae/mnist/mlp_2d/seed0/model.safetensors"


def bridge(folder: Path, verb: str, *, check: bool = True) -> str:
    done = run("python", "workflow/bridge", verb, cwd=folder, check=check)
    return done.stdout + done.stderr


def edit(folder: Path, section: str, old: str, new: str) -> None:
    """Set another value in a section of params.yaml."""
    path = folder / "params.yaml"
    before, mark, after = path.read_text(encoding="utf-8").partition(f"\n{section}:")
    assert old in after
    path.write_text(before + mark + after.replace(old, new, 1), encoding="utf-8")


# --- the cache ------------------------------------------------------------------------------------


@pytest.mark.pipeline
def test_a_hole_in_the_cache_is_named_and_all_else_restored(workspace: Path) -> None:
    """After `dvc gc -w`, the hook names the missing file, restores the others, and marks them."""
    md5 = read_yaml(workspace / "dvc.lock")["stages"]["vae_embed-mlp_2d-0"]["outs"][0]["md5"]
    (workspace / ".dvc/cache/files/md5" / md5[:2] / md5[2:]).unlink()
    (workspace / EMBEDDINGS).unlink()
    (workspace / DIGITS).unlink()
    bridge(workspace, "hooks")
    done = run("git", "checkout", "-b", "other", cwd=workspace)
    assert EMBEDDINGS in done.stderr
    assert "make pull fetches that, or snakemake makes it again" in done.stderr
    assert (workspace / DIGITS).is_file()
    found = named(workspace)
    assert "vae_embed-mlp_2d-0" in found
    assert found.isdisjoint({"digits", "vae_train-mlp_2d-0"})


@pytest.mark.pipeline
def test_a_worktree_has_the_results_of_its_revision(workspace: Path, tmp_path: Path) -> None:
    """The hook alone takes them from the common cache of all worktrees; nothing has to run."""
    bridge(workspace, "hooks")
    tree = tmp_path / "tree"
    run("git", "worktree", "add", "--quiet", str(tree), cwd=workspace)
    assert (tree / EMBEDDINGS).read_bytes() == (workspace / EMBEDDINGS).read_bytes()
    assert not (tree / ".dvc/cache").exists()
    assert run("git", "status", "--short", cwd=tree).stdout == ""
    assert named(tree) == set()


# --- merges ---------------------------------------------------------------------------------------


@pytest.mark.pipeline
def test_a_merge_runs_only_what_no_side_has(workspace: Path) -> None:
    """Each branch has another parameter and its results: only what gathers both has to run."""
    bridge(workspace, "hooks")
    run("git", "checkout", "--quiet", "-b", "fewer", cwd=workspace)
    edit(workspace, "vae", " samples: 50", " samples: 20")
    run("snakemake", "--cores", "all", cwd=workspace)
    run("git", "commit", "--all", "--quiet", "--message", "fewer samples", cwd=workspace)
    run("git", "checkout", "--quiet", "main", cwd=workspace)
    edit(workspace, "rbm_likelihood", "chains: 50", "chains: 7")
    run("snakemake", "--cores", "all", cwd=workspace)
    run("git", "commit", "--all", "--quiet", "--message", "fewer chains", cwd=workspace)
    assert run("git", "merge", "fewer", cwd=workspace, check=False).returncode
    said = bridge(workspace, "merge")
    assert "left to you" not in said
    assert run("git", "diff", "--name-only", "--diff-filter=U", cwd=workspace).stdout == ""
    found = named(workspace)
    assert {"headlines", "claims"} <= found
    assert not any(name.startswith(("vae_", "rbm")) for name in found)
    run("snakemake", "--cores", "all", cwd=workspace)
    run("git", "commit", "--all", "--quiet", "--message", "both", cwd=workspace)
    assert named(workspace) == set()


def record(command: str = "c", made: str = "1", **values: object) -> dict:
    read = values.pop("read", None)
    deps = {"deps": [{"path": "a", "md5": read}]} if read else {}
    return {"cmd": command, **deps, "params": {"params.yaml": values}, "outs": [{"path": "a", "md5": made}]}


STAGES = {"a": {"cmd": "c", "outs": ["a"]}, "b": {"cmd": "c", "deps": ["a"], "outs": ["b"]}}


def sides(monkeypatch: pytest.MonkeyPatch, **found: dict) -> None:
    monkeypatch.setattr(merging, "records", lambda side: found[{":1": "base", ":2": "ours", ":3": "theirs"}[side]])


def test_the_record_that_fits_the_merged_parameters_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Either side may have it; what is made from it gets the record of the same bytes."""
    old, new = record(rate=1, made="1"), record(rate=2, made="2")
    below = {"old": record(read="1"), "new": record(read="2")}
    sides(monkeypatch, base={"a": old}, ours={"a": old, "b": below["old"]}, theirs={"a": new, "b": below["new"]})
    assert merging.choose(STAGES, {"rate": 2}) == {"a": new, "b": below["new"]}
    assert merging.choose(STAGES, {"rate": 1}) == {"a": old, "b": below["old"]}


def test_where_both_fit_or_neither_the_changed_record_is_taken_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Records are never mixed: DVC sees that a record does not fit, and runs the job."""
    old, new = record(rate=1, made="1"), record(rate=2, made="2")
    sides(monkeypatch, base={"a": old}, ours={"a": old}, theirs={"a": new})
    assert merging.choose(STAGES, {"rate": 3}) == {"a": new}
    sides(monkeypatch, base={"a": old}, ours={"a": new}, theirs={"a": old})
    assert merging.choose(STAGES, {"rate": 3}) == {"a": new}


def test_a_job_of_one_side_only_keeps_its_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new run of either side keeps its record; a job that the merged dvc.yaml lacks has none."""
    sides(monkeypatch, base={}, ours={"a": record()}, theirs={"b": record(), "gone": record()})
    assert merging.choose(STAGES, {}) == {"a": record(), "b": record()}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an empty git repository, and work in it."""
    monkeypatch.chdir(tmp_path)
    run("git", "init", "--quiet", cwd=tmp_path)
    return tmp_path


def test_without_a_merge_there_is_none_to_finish(repository: Path) -> None:
    with pytest.raises(InputError, match=r"dvc\.lock: got no merge to finish"):
        merging.check()


@pytest.mark.pipeline
@pytest.mark.parametrize("name", ["params.yaml", "dvc.lock", "dvc.yaml"])
def test_no_verb_reads_conflict_markers(workspace: Path, name: str) -> None:
    """Each prints one line and writes nothing: `commit` would drop records that it cannot read."""
    conflict = "a: 0\n<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> other\n"
    (workspace / name).write_text(conflict, encoding="utf-8")
    for verb in ("commit", "restore", "status", "check", "push", "pull", "clean"):
        done = run("python", "workflow/bridge", verb, cwd=workspace, check=False)
        assert done.returncode == 1
        assert done.stderr.startswith(f"error: {name}: a merge is not done: git's conflict markers stand in it; ")
        assert done.stderr.count("\n") == 1
    assert (workspace / name).read_text(encoding="utf-8") == conflict


# --- leftovers ------------------------------------------------------------------------------------


@pytest.mark.pipeline
def test_a_removed_run_is_named_and_its_files_removed(workspace: Path) -> None:
    """Files that git or the cache can restore are removed by name; one's own files are kept."""
    path = workspace / "params.yaml"
    own = workspace / "results/own.txt"
    gone = "results/rbm/mnist/removed/metrics.json"
    (workspace / gone).parent.mkdir(parents=True)
    (workspace / gone).write_bytes((workspace / "results/metrics.json").read_bytes())
    run("git", "add", "--all", cwd=workspace)
    run("git", "commit", "--quiet", "--message", "a run that was renamed", cwd=workspace)
    own.write_text("mine", encoding="utf-8")
    before = sorted(leftovers.files(str(workspace / "results")))
    said = bridge(workspace, "status")
    assert f"no rule makes: results/own.txt, {gone}; `python workflow/bridge clean` removes it" in said
    said = bridge(workspace, "clean")
    assert f"removed: {gone}\n" in said
    assert "clean: 1 files removed; kept, as neither git nor DVC has them: results/own.txt" in said
    assert sorted(leftovers.files(str(workspace / "results"))) == [
        file for file in before if not file.endswith("removed/metrics.json")
    ]
    assert not (workspace / gone).parent.exists()
    assert path.is_file()
    assert named(workspace) == set()


def test_nothing_outside_the_folders_of_results_is_a_leftover(repository: Path) -> None:
    """The target of a link is not removed, only the link."""
    outside = repository / "elsewhere"
    for file in ("elsewhere/a", "data/own.h5", "data/raw/set/b", "results/c/d", "notes"):
        (repository / file).parent.mkdir(parents=True, exist_ok=True)
        (repository / file).write_text("x", encoding="utf-8")
    (repository / "results/link").symlink_to(outside)
    assert leftovers.leftovers(["results/c/d"]) == ["results/link", "data/raw/set/b"]
    run("git", "add", "--all", cwd=repository)
    said = leftovers.clean([], repository / "cache")
    assert said == "clean: 3 files removed"
    assert sorted(os.listdir(repository)) == [".git", "data", "elsewhere", "notes", "results"]
    assert (outside / "a").is_file()
    assert (repository / "data/own.h5").is_file()


# --- a run that is told to stop -------------------------------------------------------------------


@pytest.mark.pipeline
def test_ctrl_c_names_what_was_interrupted_and_the_same_command_goes_on(workspace: Path) -> None:
    """The whole group gets the signal, as at a terminal; training resumes after its last epoch."""
    edit(workspace, "vae", "epochs: 60", "epochs: 4000")
    said = stopped(workspace)
    expected = "interrupted: vae_train-mlp_2d-0; the same command goes on, trainings after their last whole epoch\n"
    assert said.count(expected) == 1
    again = stopped(workspace)
    assert expected in again
    assert " epoch 1 of 4000: " in said
    assert " epoch 1 of 4000: " not in again


def stopped(folder: Path) -> str:
    """Return what a run says that is stopped once its training has epochs and a checkpoint."""
    (folder / LOG).unlink()
    process = subprocess.Popen(
        ["snakemake", "--cores", "2", MODEL],
        cwd=folder, env=environment(), stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not has_begun(folder) and time.monotonic() < deadline:
        time.sleep(0.2)
    os.killpg(process.pid, signal.SIGINT)
    said = process.communicate(timeout=120)[1]
    assert process.returncode
    return said


def has_begun(folder: Path) -> bool:
    """Check that the training has a checkpoint and, since its last start, an epoch."""
    log = folder / LOG
    is_logged = log.exists() and " of 4000: " in log.read_text(encoding="utf-8")
    return is_logged and any((folder / "checkpoints").glob("vae-mlp_2d-*"))
