"""Sealed jobs read and write what their rule declares; all else is refused in one line."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from relatent.datasets.registry import FILES
from relatent.jobs import landlock, seal
from relatent.jobs.closure import Sources
from relatent.jobs.plan import stamps
from tests.support.harness import ROOT, copy_sources, environment, run

RULES = [
    *(f"data_{name}" for name in FILES),
    *re.findall(
        r"^rule (\w+):", "".join(path.read_text("utf-8") for path in (ROOT / "workflow/rules").glob("*.smk")), re.M
    ),
]
REFUSED = "{job}: sealed: {path} is not among what it declares; "
needs_landlock = pytest.mark.skipif(not landlock.version(), reason="needs a kernel with Landlock")


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Try the first job of each rule of the demo; all declared files exist."""
    folder = copy_sources(tmp_path_factory.mktemp("sealed") / "demo")
    shutil.copy2(ROOT / "demo/params.yaml", folder / "params.yaml")
    run("python", "workflow/bridge", "gen", cwd=folder)
    jobs = declared(folder)
    for path in (folder / name for job in jobs.values() for name in job["reads"] + job["writes"]):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for job in jobs.values():
        job["trials"] = [*forbidden(jobs, job), *allowed(job)]
        beside(job, "old.h5", folder).touch()
    for job, found in zip(jobs.values(), attempts(folder, [*jobs.values()]), strict=True):
        job["outcomes"] = {tuple(trial): outcome for trial, outcome in zip(job["trials"], found, strict=True)}
    return jobs


def declared(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the first job of each rule: its name, what it reads and what it writes.

    They come from dvc.yaml and from the log of the job's command.
    """
    stages = YAML(typ="safe").load(folder / "dvc.yaml")["stages"]
    jobs: dict[str, dict[str, Any]] = {}
    for name, stage in stages.items():
        if name != "structure":
            made = [entry for part in ("outs", "metrics", "plots") for entry in stage.get(part, [])]
            writes = [entry if isinstance(entry, str) else next(iter(entry)) for entry in made]
            log = shlex.split(stage["cmd"])[-1]
            jobs.setdefault(name.split("-")[0], {"job": name, "reads": stage.get("deps", []), "writes": [*writes, log]})
    return jobs


def attempts(folder: Path, jobs: list[dict[str, Any]]) -> list[list[str]]:
    """Run each job's trials (kinds and paths) in a process sealed as that job."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests/support/sealed.py")],
        input=json.dumps(jobs),
        cwd=folder,
        env=environment(PYTHONPATH=str(folder / "src")),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def outcomes(folder: Path, job: dict[str, Any], *trials: tuple[str, str]) -> list[str]:
    """Return the outcomes of one job's trials."""
    return attempts(folder, [job | {"trials": trials}])[0]


def forbidden(jobs: dict[str, dict[str, Any]], job: dict[str, Any]) -> list[tuple[str, str]]:
    """Return trials of undeclared files: of other rules, and beside the output, existing or not."""
    parents = {Path(path).parent for path in job["writes"]}
    others = [path for other in jobs.values() for path in other["writes"][:-1]]
    others = [path for path in others if path not in job["reads"] + job["writes"]]
    # Landlock works by folders
    apart = next(path for path in others if not parents & {*Path(path).parents})
    old, new = str(beside(job, "old.h5")), str(beside(job, "new.h5"))
    python = [("read", others[0]), ("append", others[0]), ("read", old), ("append", old), ("remove", old)]
    python += [("append", "params.yaml"), ("append", "src/relatent/rbm/partition.py")]
    python += [(kind, path) for kind in ("plain write", "write") for path in ("results/new.h5", new)]
    native = [("native read", apart), ("native write", apart), ("native write", f"{Path(apart).parent}/new.h5")]
    return python + (native if landlock.version() else [])


def beside(job: dict[str, Any], name: str, folder: Path = Path()) -> Path:
    """Return a path in the folder of the job's first output."""
    return (folder / job["writes"][0]).with_name(name)


def allowed(job: dict[str, Any]) -> list[tuple[str, str]]:
    """Return trials of all that the job declares, and of what every job may do."""
    trials = [("read", path) for path in [*job["reads"], "params.yaml", "src/relatent/rbm/partition.py"]]
    trials += [("write", path) for path in [*job["writes"], "checkpoints/some.safetensors"]]
    return [*trials, ("temporary", "some.txt"), ("list", str(Path(job["writes"][0]).parent)), ("unix socket", "s")]


def refused(outcome: str, job: dict[str, Any], path: str) -> bool:
    """Check for the one line that names the job and the path."""
    return outcome.startswith(REFUSED.format(job=job["job"], path=path)) and "\n" not in outcome


def test_every_rule_has_a_job_here(tried: dict[str, Any]) -> None:
    """The tests below cover every rule."""
    assert set(tried) == set(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_what_a_rule_does_not_declare_is_refused(tried: dict[str, Any], rule: str) -> None:
    """Another rule's result and files beside the own output are neither read nor written."""
    job = tried[rule]
    for kind, path in forbidden(tried, job):
        shown = str(Path(path).with_name(".new.0123abcd.tmp.h5")) if kind == "write" else path
        assert refused(job["outcomes"][kind, path], job, shown), (kind, path, job["outcomes"][kind, path])


@pytest.mark.parametrize("rule", RULES)
def test_what_a_rule_declares_is_read_and_written(tried: dict[str, Any], rule: str) -> None:
    """Inputs, outputs through temporary files, parameters, modules and checkpoints are allowed."""
    outcomes = tried[rule]["outcomes"]
    assert {trial: outcomes[trial] for trial in allowed(tried[rule]) if outcomes[trial] != "done"} == {}


# --- one job of two folders: what holds for all ---------------------------------------------------


@pytest.fixture
def job(tmp_path: Path) -> dict[str, Any]:
    """Make a job that reads a/in.txt and writes b/out.txt; a/other.h5 and b/old.txt exist, too."""
    for name in ("src", "results/a/in.txt", "results/a/other.h5", "results/b/old.txt", "params.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch() if name != "src" else (tmp_path / "src").symlink_to(ROOT / "src")
    return {"job": "j-1", "reads": ["results/a/in.txt"], "writes": ["results/b/out.txt"]}


@pytest.fixture
def port() -> Iterator[str]:
    """Open a listening port on this machine."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield str(server.getsockname()[1])


@needs_landlock
def test_children_threads_and_libraries_are_sealed_too(job: dict[str, Any], tmp_path: Path) -> None:
    """A child process, a later thread and HDF5's own reading are refused by the same line."""
    kinds = ["read by a child", "read in a thread", "read by HDF5"]
    found = outcomes(tmp_path, job, *((kind, "results/a/other.h5") for kind in kinds))
    assert refused(found[1], job, "results/a/other.h5"), found
    assert refused(found[2], job, "results/a/other.h5"), found
    assert found[0].startswith("j-1: sealed: "), found


@pytest.mark.parametrize("kind", ["rename", "remove", "append", "plain write"])
def test_nothing_beside_an_output_is_changed(job: dict[str, Any], tmp_path: Path, kind: str) -> None:
    """Another job's file in the same folder is neither renamed, removed nor written to."""
    (found,) = outcomes(tmp_path, job, (kind, "results/b/old.txt"))
    assert refused(found, job, "results/b/old.txt")
    assert (tmp_path / "results/b/old.txt").read_bytes() == b""


def test_a_folder_is_neither_made_nor_listed(job: dict[str, Any], tmp_path: Path) -> None:
    """A job may list only the folders of its outputs."""
    made, listed = outcomes(tmp_path, job, ("make folder", "results/c"), ("list", "results/a"))
    assert refused(made, job, "results/c")
    assert refused(listed, job, "results/a")


def test_a_file_without_a_name_is_spooled_beside_an_output_only(job: dict[str, Any], tmp_path: Path) -> None:
    """Archives are rewritten that way; systems without such files use the output's name."""
    spooled, elsewhere = outcomes(tmp_path, job, ("spool", "results/b"), ("spool", "results/a"))
    assert spooled == "done"
    assert refused(elsewhere, job, "results/a")


@pytest.mark.parametrize("kind", ["connect", "send"])
def test_a_job_is_refused_the_network(job: dict[str, Any], tmp_path: Path, port: str, kind: str) -> None:
    """TCP and UDP are refused by a line with the address."""
    (found,) = outcomes(tmp_path, job, (kind, port))
    assert found.startswith("j-1: sealed: the network (")
    assert port in found or kind == "connect"  # connect looks up the host first


def test_a_name_is_not_looked_up(job: dict[str, Any], tmp_path: Path) -> None:
    """A job may not resolve a host name."""
    (found,) = outcomes(tmp_path, job, ("look up", "data.example"))
    assert refused(found, job, "the network (data.example)")


@pytest.mark.skipif(landlock.version() < 4, reason="needs a kernel whose Landlock knows TCP")
def test_native_code_is_refused_tcp_where_python_is(job: dict[str, Any], tmp_path: Path, port: str) -> None:
    """The kernel refuses what the audit hook cannot see, unless the job may use the network."""
    assert outcomes(tmp_path, job, ("native connect", port))[0].startswith("j-1: sealed: ")
    free = job | {"network": True}
    assert outcomes(tmp_path, free, ("connect", port), ("native connect", port), ("send", port)) == ["done"] * 3


def test_python_is_refused_without_landlock(job: dict[str, Any], tmp_path: Path) -> None:
    """On other kernels, the audit hook alone refuses everything that Python does."""
    bare = job | {"no landlock": True}
    trials = [("read", "results/a/other.h5"), ("plain write", "results/new"), ("read by HDF5", "results/a/other.h5")]
    found = outcomes(tmp_path, bare, *trials, ("write", "results/b/out.txt"), ("native read", "results/a/other.h5"))
    assert [refused(each, job, path) for each, (_, path) in zip(found, trials, strict=False)] == [True] * 3
    assert found[3:] == ["done", "done"]


def test_temporary_files_are_gone_at_the_end(job: dict[str, Any], tmp_path: Path) -> None:
    """The folder for temporary files belongs to the process and is removed."""
    _, folder = outcomes(tmp_path, job, ("temporary", "some.txt"), ("tell of temporary", ""))
    assert not Path(folder).exists()


def test_a_link_is_followed_to_what_is_declared_only(job: dict[str, Any], tmp_path: Path) -> None:
    """Inputs may be links, as in DVC's cache; a link to another file opens nothing."""
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/object").touch()
    (tmp_path / "results/a/in.txt").unlink()
    (tmp_path / "results/a/in.txt").symlink_to("../../cache/object")
    (tmp_path / "results/a/link").symlink_to("other.h5")
    read, linked = outcomes(tmp_path, job, ("read", "results/a/in.txt"), ("read", "results/a/link"))
    assert read == "done"
    assert refused(linked, job, "results/a/link")


def test_a_file_that_is_not_there_is_said_to_be_missing(job: dict[str, Any], tmp_path: Path) -> None:
    """Reading a missing file is an ordinary error, not a refusal."""
    (found,) = outcomes(tmp_path, job, ("read", "results/a/missing.txt"))
    assert found.startswith("FileNotFoundError")


def test_an_error_of_rights_elsewhere_is_not_the_seals() -> None:
    """Without a seal, no error is attributed to one."""
    assert seal.refusal(PermissionError(13, "Permission denied", "some")) is None


def test_no_thread_runs_when_a_stage_seals_itself() -> None:
    """Importing all stages starts no thread, which Landlock would miss, and loads no numpy."""
    modules = [path.stem for path in (ROOT / "src/relatent/stages").glob("*.py") if path.stem != "__init__"]
    script = f"import importlib, os, sys; [importlib.import_module('relatent.stages.' + name) for name in {modules}]"
    script += "; print(len(os.listdir('/proc/self/task')), 'numpy' in sys.modules, 'torch' in sys.modules)"
    assert run("python", "-c", script, cwd=ROOT / "src").stdout.split() == ["1", "False", "False"]


# --- the command line -----------------------------------------------------------------------------

STAGE = """
from pathlib import Path
import typer
from relatent.stages.shared.command import run, stage
app = stage("Try.")
@app.command()
def read(path: Path) -> None:
    path.read_bytes()
if __name__ == "__main__":
    run(app)
"""


TRIED = ["-m", "relatent.stages.tried", "read", "results/other.txt", "--log", "logs/tried.log"]


@pytest.fixture
def called(tmp_path: Path) -> Path:
    """Make a folder with a stage that reads any file, results, and a plan that declares one."""
    copy_sources(tmp_path)
    (tmp_path / "src/relatent/stages/tried.py").write_text(STAGE, encoding="utf-8")
    (tmp_path / "results/other.txt").parent.mkdir(exist_ok=True)
    (tmp_path / "results/other.txt").touch()
    source = tmp_path / "src"
    files = stamps(source, Sources.on_disk(source).closures("tried-read")["tried-read"].files)
    job = {"name": "tried-1", "key": "tried-read", "notes": ["logs/tried.log"]}
    plan = {"params": {}, "code": {"tried-read": files}, "jobs": {" ".join(TRIED): job}}
    (tmp_path / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    return tmp_path


def start(folder: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run the job of the plan."""
    return run("python", *TRIED, cwd=folder, check=False, PYTHONPATH="src", **extra)


def test_a_refusal_is_one_line_and_status_1(called: Path) -> None:
    """Stderr and the log have the job, the path and what to do."""
    done = start(called, RELATENT_PLAN=os.fspath(called / "plan.json"))
    line = "error: " + REFUSED.format(job="tried-1", path="results/other.txt")
    assert done.returncode == 1
    assert done.stderr.startswith(line)
    assert done.stderr.count("\n") == 1
    assert (called / "logs/tried.log").read_text(encoding="utf-8").startswith(line)


@pytest.mark.parametrize("extra", [{}, {"RELATENT_PLAN": "plan.json", "RELATENT_UNSEALED": "1"}])
def test_without_a_plan_or_by_its_users_will_nothing_is_sealed(called: Path, extra: dict[str, str]) -> None:
    """A stage called by hand reads what it is given, and so does an unsealed one."""
    assert start(called, **extra).returncode == 0
