"""The demo gives the same bytes anywhere, and a user's mistakes are one line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from relatent.files.hdf5 import read_hdf5
from relatent.files.tables import read_csv
from tests.support.harness import ROOT, copy_sources, environment, hashes, run

pytestmark = pytest.mark.pipeline


def untimed_claims(folder: Path) -> dict[str, dict]:
    """Return the claims that do not depend on seconds."""
    claims = json.loads((folder / "results/claims.json").read_text(encoding="utf-8"))
    return {name: claim for name, claim in claims.items() if not claim["seconds"]}


def test_the_demo_in_another_directory_on_one_core_gives_the_same_bytes(built: Path, tmp_path: Path) -> None:
    """They equal those of the run in the repository's root with all cores, as by `make demo`."""
    copy_sources(tmp_path)
    run("snakemake", "--cores", "1", "--directory", "demo", "--quiet", "rules", cwd=tmp_path)
    once, again = hashes(built), hashes(tmp_path / "demo")
    assert len(once) > 20
    assert once == again
    assert len(untimed_claims(built)) > 30
    assert untimed_claims(built) == untimed_claims(tmp_path / "demo")
    assert not (tmp_path / "results").exists()


def test_a_training_killed_in_the_middle_resumes_to_the_same_bytes(workspace: Path) -> None:
    """Snakemake and its job get SIGKILL after the first checkpoint; the rerun starts from it."""
    model = workspace / "results/vae/mnist/mlp_2d/seed0/model.safetensors"
    whole = model.read_bytes()
    model.unlink()
    command = ["snakemake", "--cores", "1"]
    process = subprocess.Popen(
        command, cwd=workspace, env=environment(), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    until = time.monotonic() + 300
    written = "checkpoints/vae-mlp_2d-seed0-*.safetensors"
    while not list(workspace.glob(written)) and time.monotonic() < until:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not model.exists()
    assert list(workspace.glob(written))
    run("snakemake", "--unlock", cwd=workspace)
    run("snakemake", "--cores", "1", cwd=workspace)
    assert model.read_bytes() == whole
    assert ": resumed" in (workspace / "logs/vae_train/mlp_2d/0.log").read_text()
    assert list((workspace / "checkpoints").iterdir()) == []


def test_the_digits_are_split_as_the_parameters_say(built: Path) -> None:
    """Training, validation and test are disjoint; fixed draws are binary and follow grey values."""
    path = built / "results/digits/digits.h5"
    train, validation, binary = read_hdf5(path, "train_images", "validation_images", "validation_binary")
    assert (len(train), len(validation)) == (1300, 200)
    assert set(np.unique(binary)) == {0, 1}
    assert abs(binary.mean() - validation.mean() / 255) < 0.01


def test_the_documents_keep_their_groups_and_split(built: Path) -> None:
    """Every document of the archive is there, with a label that names its group."""
    path = built / "results/newsgroups/newsgroups.h5"
    names = ("train_text", "train_id", "train_labels", "test_labels")
    text, ids, labels, test_labels = read_hdf5(path, *names)
    members = json.loads((built / "results/data/newsgroups.json").read_text())["members"]
    assert len(labels) + len(test_labels) == members
    assert len(text) == len(ids) == len(labels)
    assert set(labels) == set(range(labels.max() + 1))


def test_training_lowers_the_loss_and_the_bound_lies_above_the_elbo(built: Path) -> None:
    """The history falls, ELBO = -(reconstruction + KL), the other bound is tighter."""
    folder = built / "results/vae/mnist/mlp_2d/seed0"
    history = read_csv(folder / "history.csv")
    assert float(history[-1]["validation_reconstruction"]) < float(history[0]["validation_reconstruction"]) - 20
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["elbo"] == pytest.approx(-metrics["reconstruction"] - metrics["kl"])
    assert metrics["bound_elbo"] < metrics["bound"]
    assert metrics["elbo_low"] < metrics["elbo"] < metrics["elbo_high"]


def test_every_network_is_measured_and_summarised(built: Path) -> None:
    """Each run has its numbers; a recurrent network learns; generated digits are further."""
    summary = json.loads((built / "results/vae_measures/mnist/summary.json").read_text())
    assert list(summary) == ["mlp_2d", "gru_2d"]
    for name, numbers in summary.items():
        own = json.loads((built / f"results/vae/mnist/{name}/seed0/metrics.json").read_text())
        assert (numbers["elbo"], numbers["n_seeds"], numbers["elbo_se"]) == (own["elbo"], 1, None)
        assert numbers["elbo"] > -170  # a decoder that ignores z reaches about -180
        assert numbers["active_units"] == 2
        assert 0.25 < numbers["knn"] < 1
        assert 0 < numbers["frechet_floor"] < numbers["frechet"]
        counts = read_csv(built / f"results/vae_measures/mnist/{name}/seed0/confusion.csv")
        right = sum(int(row["count"]) for row in counts if row["class"] == row["predicted"])
        assert right / sum(int(row["count"]) for row in counts) == pytest.approx(numbers["knn"])
    headlines = json.loads((built / "results/metrics.json").read_text())["vae_measures"]
    assert headlines["mnist_gru_2d"]["elbo"] == summary["gru_2d"]["elbo"]


def test_ranked_embeddings_beat_chance(built: Path) -> None:
    """With ten classes of equal size, chance is about 0.1."""
    metrics = json.loads((built / "results/ranking/mnist/vae_mlp_2d_seed0/metrics.json").read_text())
    assert 0.2 < metrics["map"] < 1
    assert metrics["precision@10"] > 0.3


def test_figures_are_small_and_not_blank(built: Path) -> None:
    """Each has at most 300 KB, since git keeps it, and ink on the page."""
    from PIL import Image

    figures = sorted((built / "results/figures").rglob("*.png"))
    assert len(figures) >= 8
    for path in figures:
        assert path.stat().st_size <= 300_000, path
        with Image.open(path) as image:
            assert np.asarray(image.convert("L")).std() > 10, path


def test_faces_of_one_person_are_alike(built: Path) -> None:
    """Frontal faces tell people apart better than chance; features exist for all kept faces."""
    metrics = json.loads((built / "results/faces/lfw/metrics.json").read_text())
    assert metrics["frontal_auc"] > 0.6
    features, kept = (
        read_hdf5(built / "results/autoencoder/lfw/features.h5", "features")[0],
        read_hdf5(built / "results/faces/lfw/faces.h5", "kept")[0],
    )
    assert features.shape == (kept.sum(), 512)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "latent_dim: 2",
            "latent_dim: -1",
            "vae.runs.mlp_2d.latent_dim: got -1, allowed: a whole number from 1 to 1000",
        ),
        ("latent_dim: 2", "latent_dims: 2", "vae.runs.mlp_2d.latent_dims: got an unknown key"),
        ("ranking:", "ranked:", "ranking: missing"),
    ],
)
def test_snakemake_stops_before_any_job_with_one_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    """A faulty params.yaml is reported before the DAG is built."""
    demo = (ROOT / "demo/params.yaml").read_text(encoding="utf-8")
    (tmp_path / "params.yaml").write_text(demo.replace(old, new, 1), encoding="utf-8")
    done = run("snakemake", "--directory", str(tmp_path), cwd=ROOT, check=False)
    lines = [line for line in (done.stdout + done.stderr).splitlines() if "profile" not in line and line.strip()]
    assert done.returncode == 1
    assert len(lines) == 1
    assert said in lines[0]
    assert not (tmp_path / "results").exists()


def stage(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return run("python", "-m", *words, cwd=folder, check=False, PYTHONPATH=str(ROOT / "src"))


def test_a_half_written_input_stops_a_stage_with_one_line(workspace: Path) -> None:
    """The line names the truncated HDF5 file, without a traceback, and nothing is written."""
    digits = workspace / "results/digits/digits.h5"
    digits.write_bytes(digits.read_bytes()[:5000])
    target = workspace / "new.h5"
    model = "results/vae/mnist/mlp_2d/seed0/model.safetensors"
    words = ("embed", "--digits", "results/digits/digits.h5", "--model", model, "--embeddings", "new.h5")
    done = stage(workspace, "relatent.stages.vae", *words)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "results/digits/digits.h5: not a whole HDF5 file" in done.stderr
    assert not target.exists()


def test_a_full_disk_stops_a_stage_with_one_line(workspace: Path, small_disk: Path) -> None:
    """If embeddings do not fit, the line names the file, and nothing is left."""
    model = "results/vae/mnist/mlp_2d/seed0/model.safetensors"
    target = str(small_disk / "documents.h5")
    words = ("prepare", "--archive", "data/raw/newsgroups/20news-bydate.tar", "--documents", target)
    assert (workspace / model).exists()
    done = stage(workspace, "relatent.stages.newsgroups", *words)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "No space left on device" in done.stderr
    assert list(small_disk.iterdir()) == []


def test_an_unknown_run_is_one_line_that_lists_the_runs(workspace: Path) -> None:
    """The line lists the existing names."""
    words = ("train", "--run", "plain", "--seed", "0", "--digits", "x", "--model", "m", "--history", "h")
    done = stage(workspace, "relatent.stages.vae", *words)
    assert done.returncode == 1
    assert "--run: got 'plain', allowed: mlp_2d, gru_2d" in done.stderr
    assert "Traceback" not in done.stderr
