"""The five promises of the bridge: both tools name the same jobs, whatever happened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path

import pytest

from relatent.jobs.params import read_yaml
from tests.support.edits import SRC, add_line, bridge, change, named, replace
from tests.support.harness import ROOT, copy_sources, environment, run
from tests.support.lab import outputs

pytestmark = pytest.mark.pipeline


def below(folder: Path, roots: set[str]) -> set[str]:
    """Return the jobs that these roots name (by job, rule or pattern) and all jobs below them.

    The graph is taken from dvc.yaml.
    """
    stages = {name: stage for name, stage in read_yaml(folder / "dvc.yaml")["stages"].items() if name != "structure"}
    direct = {root: {name for name in stages if fnmatch(name, root) or fnmatch(name, f"{root}-*")} for root in roots}
    assert all(direct.values())
    found = set().union(*direct.values())
    made: set[str] = set()
    while True:
        made |= {path for name in found for path in outputs(stages[name])}
        more = {name for name, stage in stages.items() if made.intersection(stage.get("deps", []))} - found
        if not more:
            return found
        found |= more


def new_parameter(path: Path) -> None:
    """Add a parameter to the stage `ranking`, in its model and in params.yaml."""
    replace('    ties: Literal["expected"', '    spare: int\n    ties: Literal["expected"')(path)
    replace("ranking:\n", "ranking:\n  spare: 1\n")(path.parents[3] / "params.yaml")


def rename_an_input(path: Path) -> None:
    """Rename inputs of the rule `vae_embed` for the same files, which keeps the command."""
    head, rule = path.read_text(encoding="utf-8").split("rule vae_embed:")
    own, tail = rule.split("rule vae_generate:")
    own = own.replace("digits=", "pictures=").replace("{input.digits}", "{input.pictures}")
    path.write_text(f"{head}rule vae_embed:{own}rule vae_generate:{tail}", encoding="utf-8")


def replace_by_older(path: Path) -> None:
    """Replace a file by an older one, as `rsync -a`, tar and `cp -p` do."""
    add_line("assert True")(path)
    os.utime(path, (10**9, 10**9))


EMBED_SWAPPED = "vae embed --model {input.model} --digits {input.digits}"
GENERATED_TWICE = '"random": generation.generate(trained, 2 * section.generated, seed),'
ONE_VAE = {"vae_train-mlp_2d-0", "timing_encoders"}
RANKINGS = {"ranking_block", "ranking"}
FIGURES = {"figures_*"}
DATA = {"data_mnist", "data_lfw", "data_newsgroups"}

# an edit: the file, what is done to it, and the jobs or rules that it concerns; all below them must
# run, too
EDITS: dict[str, tuple[str, Callable[[Path], None], set[str]]] = {
    "nothing at all": ("params.yaml", lambda path: None, set()),
    "a comment in params.yaml": ("params.yaml", add_line("# a comment"), set()),
    "a training parameter": ("params.yaml", change(vae__runs__mlp_2d__latent_dim=3), ONE_VAE),
    "two swapped parameters": (
        "params.yaml",
        change(vae__runs__mlp_2d__epochs=100, vae__runs__mlp_2d__batch_size=60),
        ONE_VAE,
    ),
    "an evaluation parameter": ("params.yaml", change(vae__bound__samples=60), {"vae_evaluate"}),
    "parameters of many stages": (
        "params.yaml",
        change(
            vae__runs__gru_2d__latent_dim=3,
            rbm__runs__binary__epochs=7,
            deep_rbm__n_hidden=21,
            face_model__measures__steps=21,
            rnn__runs__tied_inked__epochs=5,
            text__corpora__random__vocabulary=400,
        ),
        {
            "vae_train-gru_2d-0",
            "timing_encoders",
            "rbm-mnist-binary",
            "deep_rbm",
            "face_model",
            "rnn_train-tied_inked",
            "text-random",
        },
    ),
    "parameters of what is measured and drawn": (
        "params.yaml",
        change(
            vae_measures__neighbours=9,
            rbm_likelihood__burn_in=90,
            face_model__mixtures__photographs=2,
            rnn_pictures__lead_rows=7,
            ordering__columns=11,
        ),
        {
            "vae_measures",
            "vae_measures_neighbours",
            "rbm_likelihood",
            "face_model_mix",
            "rnn_pictures_units",
            "rnn_pictures_weights",
            "ordering",
        },
    ),
    "a default that one run overrides": (
        "params.yaml",
        change(rbm__defaults__std=0.02),
        {"rbm-mnist-binary", "rbm-lfw-beta"},  # not exact_beta, which has its own
    ),
    "a run's own value in place of a default": ("params.yaml", change(rbm__runs__beta__seed=1), {"rbm-lfw-beta"}),
    "a parameter at the source": ("params.yaml", change(digits__validation=100), {"digits"}),
    "a parameter of one data set": (
        "params.yaml",
        change(scores__newsgroups="dot"),
        {f"{rule}-newsgroups-*" for rule in ("ranking_block", "ranking", "classification")},
    ),
    "a parameter of the faces": ("params.yaml", change(faces__std=0.25), {"faces_frontalize", "faces_verify"}),
    "a parameter of the autoencoder": ("params.yaml", change(autoencoder__batch_size=16), {"autoencoder_train"}),
    "a library module": (
        f"{SRC}/vae/encoders.py",
        add_line("EDITED = 1"),
        {"vae_*", "timing_encoders", "text_vae_*", "hashing_*"},
    ),
    "a module of the ranking": (
        f"{SRC}/ranking/metrics.py",
        add_line("EDITED = 1"),
        RANKINGS
        | {"classification", "vae_measures", "vae_measures_neighbours", "text_vae_evaluate", "text_vae_peers"}
        | {"hashing_plain", "hashing_learned"},
    ),
    "the annealing": (f"{SRC}/rbm/convergence.py", add_line("EDITED = 1"), {"rbm_likelihood"}),
    "the module that all import": (f"{SRC}/files/atomic.py", add_line("EDITED = 1"), DATA | {"timing_scoring"}),
    "the words of a claim": (f"{SRC}/claims/claims.toml", add_line("# edited"), {"claims"}),
    "a package's __init__": (f"{SRC}/figures/__init__.py", add_line("EDITED = 1"), FIGURES),
    "a module that no stage imports": (f"{SRC}/cli.py", add_line("EDITED = 1"), set()),
    "the composed schema": (f"{SRC}/stages/shared/schema.py", add_line("EDITED = 1"), set()),
    "a new parameter of another stage": (f"{SRC}/stages/ranking.py", new_parameter, RANKINGS),
    "a new option of a command": (
        f"{SRC}/stages/figures/rnn.py",
        replace("    figure: Figure,\n", "    figure: Figure,\n    spare: int = 0,\n"),
        {"figures_rnn_units"},
    ),
    "a shell line": (
        "workflow/rules/vae.smk",
        replace("vae embed --digits {input.digits} --model {input.model}", EMBED_SWAPPED),
        {"vae_embed"},
    ),
    "the layout of a shell line": (
        "workflow/rules/vae.smk",
        replace("vae embed --digits", "vae embed  --digits"),
        set(),
    ),
    "the name of an input in its rule": ("workflow/rules/vae.smk", rename_an_input, set()),
    "two lines of a run that change places": (
        "params.yaml",
        replace("epochs: 60, learning_rate: 3e-3", "learning_rate: 3e-3, epochs: 60"),
        set(),
    ),
    "another way to write a number": (
        "params.yaml",
        replace("free_bits: 0,", "free_bits: 0.0,"),
        set(),
    ),
    "a comment in the module that all import": (f"{SRC}/files/atomic.py", add_line("# edited"), set()),
    "a docstring of the training": (
        f"{SRC}/networks/training.py",
        replace('"""Train `module` in place;', '"""Fit `module`;'),
        set(),
    ),
    "a help text": (
        f"{SRC}/stages/vae.py",
        replace("Seed of the initial weights, the order of digits and all draws.", "The seed."),
        set(),
    ),
    "a command of a stage beside others": (
        f"{SRC}/stages/vae.py",
        replace('"random": generation.generate(trained, section.generated, seed),', GENERATED_TWICE),
        {"vae_generate", "vae_measures", "vae_measures_summary", "vae_measures_neighbours", "timing_encoders"},
    ),
    "a source replaced by one with an older time": (f"{SRC}/stages/headlines.py", replace_by_older, {"headlines"}),
    "a comment in a rule file": ("workflow/rules/vae.smk", add_line("# edited"), set()),
    "a data file that figures read": (f"{SRC}/figures/style.mplstyle", add_line("# edited"), FIGURES),
    "a file of the set-up": ("pyproject.toml", add_line("# edited"), set()),
    "a deleted intermediate": (
        "results/vae/mnist/mlp_2d/seed0/embeddings.h5",
        lambda path: path.unlink(),
        {"vae_embed-mlp_2d-0"},
    ),
    "a deleted part of what is scattered": (
        "results/ranking/mnist/pixels/blocks/1-of-2.h5",
        lambda path: path.unlink(),
        {"ranking_block-mnist-pixels-1-of-2"},
    ),
    "a flipped byte of an intermediate": (
        "results/vae/mnist/mlp_2d/seed0/embeddings.h5",
        lambda path: path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:]),
        {"vae_embed-mlp_2d-0"},
    ),
    "a deleted figure": ("results/figures/vae/manifold.png", lambda path: path.unlink(), {"figures_generated"}),
    "a source file saved without a change": (f"{SRC}/files/atomic.py", lambda path: os.utime(path), set()),
}


@pytest.mark.parametrize("edit", EDITS)
def test_after_one_edit_both_tools_name_exactly_the_jobs_downstream(workspace: Path, edit: str) -> None:
    """This is promise 3."""
    path, apply, roots = EDITS[edit]
    apply(workspace / path)
    bridge("gen", workspace)
    assert named(workspace) == below(workspace, roots)


def test_after_a_run_dvc_is_clean_and_repro_does_nothing(workspace: Path) -> None:
    """This is promise 1."""
    assert "up to date" in run("dvc", "status", cwd=workspace).stdout
    reproduced = run("dvc", "repro", cwd=workspace)
    assert "Running stage" not in reproduced.stdout + reproduced.stderr
    assert named(workspace) == set()


def change_and_commit(folder: Path) -> None:
    replace(" samples: 50", " samples: 20")(folder / "params.yaml")
    run("snakemake", "--cores", "all", cwd=folder)
    run("git", "add", "--all", cwd=folder)
    run("git", "commit", "--quiet", "--message", "fewer samples", cwd=folder)


def test_after_a_checkout_of_any_revision_nothing_is_to_be_done(workspace: Path) -> None:
    """This is promise 2, by hooks: branch, back, merge, rebase; a file checkout changes nothing."""
    bridge("hooks", workspace)
    metrics = workspace / "results/vae/mnist/mlp_2d/seed0/metrics.json"
    before = metrics.read_bytes()
    run("git", "checkout", "--quiet", "-b", "fewer", cwd=workspace)
    change_and_commit(workspace)
    after = metrics.read_bytes()
    assert before != after
    for revision, content in (("main", before), ("fewer", after), ("main~0", before)):
        run("git", "checkout", "--quiet", revision, cwd=workspace)
        assert metrics.read_bytes() == content
        assert named(workspace) == set()
    run("git", "checkout", "--quiet", "main", cwd=workspace)
    (workspace / "NOTES.md").write_text("a commit of its own\n", encoding="utf-8")
    run("git", "add", "NOTES.md", cwd=workspace)
    run("git", "commit", "--quiet", "--message", "notes", cwd=workspace)
    run("git", "checkout", "--quiet", "fewer", cwd=workspace)
    run("git", "rebase", "--quiet", "main", cwd=workspace)
    assert named(workspace) == set()
    run("git", "checkout", "--quiet", "main", cwd=workspace)
    run("git", "merge", "--quiet", "fewer", cwd=workspace)
    assert metrics.read_bytes() == after
    assert named(workspace) == set()


def test_a_fresh_clone_after_pull_runs_nothing(workspace: Path, tmp_path: Path) -> None:
    """This is promise 4, with a folder as remote and the commands of `make pull`."""
    run("dvc", "remote", "add", "--default", "folder", str(tmp_path / "remote"), cwd=workspace)
    run("dvc", "push", cwd=workspace)
    run("git", "commit", "--all", "--quiet", "--message", "a remote", cwd=workspace)
    clone = tmp_path / "clone"
    run("git", "clone", "--quiet", str(workspace), str(clone), cwd=tmp_path)
    run("dvc", "pull", cwd=clone)
    bridge("restore", clone)
    assert named(clone) == set()
    assert "Nothing to be done" in run("snakemake", "--dry-run", cwd=clone).stdout


def test_after_dvc_repro_and_exp_run_restore_leaves_nothing_to_do(workspace: Path) -> None:
    """Promise 5."""
    change(rbm_likelihood__chains=7)(workspace / "params.yaml")
    run("dvc", "repro", cwd=workspace)
    bridge("restore", workspace)
    assert named(workspace) == set()
    # the second was a default until now
    both = ("rbm_likelihood.chains=8", "++rbm.runs.binary.seed=1")
    run("dvc", "exp", "run", "--set-param", both[0], "--set-param", both[1], cwd=workspace)
    bridge("restore", workspace)
    assert named(workspace) == set()
    assert '"chains": 8' in (workspace / "results/rbm_likelihood/mnist/binary/metrics.json").read_text()


def test_an_experiment_in_a_temporary_workspace_runs_its_own_sources(workspace: Path) -> None:
    """`dvc exp run --temp` gives its parameter's metrics and leaves the workspace unchanged."""
    run("dvc", "exp", "run", "--temp", "--name", "fewer", "--set-param", "vae.bound.samples=30", cwd=workspace)
    assert named(workspace) == set()
    shown = run("dvc", "exp", "show", "--csv", cwd=workspace).stdout
    assert any(line.count("fewer") and ",30," in line for line in shown.splitlines())


@pytest.mark.parametrize("override", ["++vae.runs.mlp_2d.seeds=[0,1]", "+vae.runs.more=${vae.runs.mlp_2d}"])
def test_a_structural_parameter_stops_exp_run_with_one_line(workspace: Path, override: str) -> None:
    """No stage runs, and the line names the key and `bridge gen`."""
    done = run("dvc", "exp", "run", "--set-param", override, cwd=workspace, check=False)
    said = done.stdout + done.stderr
    assert done.returncode
    assert said.count("run `python workflow/bridge gen` first") == 1
    assert "Running stage 'vae" not in said


def test_an_upstream_edit_that_changes_no_byte_need_not_rerun_what_is_below(workspace: Path) -> None:
    """After a run of the edited jobs, DVC sees the same outputs, and `restore` tells Snakemake."""
    add_line("EDITED = 1")(workspace / SRC / "datasets/download.py")
    assert named(workspace) == below(workspace, DATA)
    run("snakemake", "data_mnist", "data_lfw", "data_newsgroups", cwd=workspace)
    bridge("restore", workspace)
    assert named(workspace) == set()


def test_after_a_failed_run_what_succeeded_is_recorded(workspace: Path) -> None:
    """`onerror` commits, so that DVC and Snakemake agree on the remaining jobs."""
    replace(" samples: 50", " samples: 40")(workspace / "params.yaml")
    replace("    gathered: dict", "    raise ValueError\n    gathered: dict")(workspace / SRC / "stages/headlines.py")
    assert run("snakemake", "--cores", "all", "--keep-going", cwd=workspace, check=False).returncode
    assert named(workspace) == {"headlines"}


def test_a_commit_killed_at_any_time_is_repaired_by_the_next_one(workspace: Path) -> None:
    """After SIGKILL at several moments, the next commit makes both tools agree."""
    replace(" samples: 50", " samples: 40")(workspace / "params.yaml")
    run("snakemake", "--cores", "all", cwd=workspace, DVC_STAGE="no commit yet")
    for delay_seconds in (0.3, 0.7, 0.9, 1.1, 1.3):
        command = [sys.executable, "workflow/bridge", "commit"]
        process = subprocess.Popen(command, cwd=workspace, env=environment(), stderr=subprocess.DEVNULL)
        time.sleep(delay_seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()
    bridge("commit", workspace)
    assert named(workspace) == set()
    assert "up to date" in run("dvc", "status", cwd=workspace).stdout


def test_a_damaged_dvc_lock_is_written_anew(workspace: Path) -> None:
    """`commit` rebuilds a truncated dvc.lock with the same bytes."""
    lock = workspace / "dvc.lock"
    whole = lock.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", b"{"):
        lock.write_bytes(damaged)
        bridge("commit", workspace)
        assert lock.read_bytes() == whole


def test_commit_blesses_no_stale_output(workspace: Path) -> None:
    """After an edit without a run, `commit` leaves out the stages that would have to run."""
    replace("mlp_2d: {encoder: mlp", "mlp_2d: {latent_dim: 3, encoder: mlp")(workspace / "params.yaml")
    bridge("commit", workspace)
    assert named(workspace) == below(workspace, ONE_VAE)


def test_hooks_leave_a_hook_of_the_user_alone(workspace: Path) -> None:
    """One line reports the hook, and the file is kept."""
    own = workspace / ".git/hooks/post-merge"
    own.write_text("#!/bin/sh\necho mine\n", encoding="utf-8")
    done = run("python", "workflow/bridge", "hooks", cwd=workspace, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert own.read_text(encoding="utf-8").endswith("mine\n")


def test_what_cannot_be_done_is_one_line(workspace: Path) -> None:
    """Examples are an exchange without a remote, and a file that no job makes."""

    def said(verb: str) -> str:
        done = run("python", "workflow/bridge", verb, cwd=workspace, check=False)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        return done.stderr

    assert said("pull").startswith("error: no remote is set: `dvc remote add")
    assert said("push") == said("pull")
    add_line('REPRESENTATIONS["mnist", "mine"] = "data/mine.h5"')(workspace / "workflow/rules/representations.smk")
    assert said("gen").startswith("error: data/mine.h5: no such file, which rule ")


def test_the_committed_dvc_yaml_is_the_snakefiles(tmp_path: Path) -> None:
    """`gen` on the repository's own parameters writes the committed dvc.yaml."""
    copy = copy_sources(tmp_path)
    (copy / "dvc.yaml").unlink()
    run("git", "init", "--quiet", cwd=copy)
    bridge("gen", copy)
    assert (copy / "dvc.yaml").read_text(encoding="utf-8") == (ROOT / "dvc.yaml").read_text(encoding="utf-8")
