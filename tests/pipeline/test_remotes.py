"""Results are shared through a DVC remote: a folder, ssh to a local sshd, S3 on a moto server."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.edits import named
from tests.support.harness import environment, run

pytestmark = pytest.mark.pipeline

BUCKET = "relatent"
S3_KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "not-a-secret", "AWS_DEFAULT_REGION": "us-east-1"}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_for(port: int) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail(f"nothing listens on port {port}")


@pytest.fixture
def folder(tmp_path: Path) -> dict[str, str]:
    return {"url": str(tmp_path / "remote")}


@pytest.fixture
def ssh(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Run an sshd with its own keys on a free port."""
    sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    if sshd is None:
        pytest.skip("needs Debian's package openssh-server")
    for name in ("host", "user"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name), cwd=tmp_path)
    shutil.copy(tmp_path / "user.pub", tmp_path / "authorized")
    port = free_port()
    config = tmp_path / "sshd_config"
    config.write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {tmp_path}/host\nAuthorizedKeysFile {tmp_path}/authorized\n"
        f"PidFile {tmp_path}/sshd.pid\nStrictModes no\nUsePAM no\nPermitRootLogin prohibit-password\n"
        "Subsystem sftp internal-sftp\nMaxStartups 100\n",
        encoding="utf-8",
    )
    Path("/run/sshd").mkdir(exist_ok=True)
    server = subprocess.Popen([sshd, "-D", "-f", config], stderr=subprocess.DEVNULL)
    wait_for(port)
    url = f"ssh://{getpass.getuser()}@127.0.0.1:{port}{tmp_path}/remote"
    yield {"url": url, "keyfile": str(tmp_path / "user")}
    server.terminate()
    server.wait()


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Run a moto server with an empty bucket on a free port."""
    import boto3

    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(port)
    address = f"http://127.0.0.1:{port}"
    keys = {
        "aws_access_key_id": S3_KEYS["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": S3_KEYS["AWS_SECRET_ACCESS_KEY"],
    }
    boto3.client("s3", endpoint_url=address, region_name="us-east-1", **keys).create_bucket(Bucket=BUCKET)
    yield {"url": f"s3://{BUCKET}/cache", "endpointurl": address}
    server.terminate()
    server.wait()


@pytest.fixture(params=["ssh", "s3"])
def remote(request: pytest.FixtureRequest) -> dict[str, str]:
    """Return the options of an available DVC remote; test_bridge.py tests a folder."""
    return request.getfixturevalue(request.param)


def share(workspace: Path, remote: dict[str, str]) -> None:
    """Set a remote that verifies, as in README, with its settings in git."""
    run("dvc", "remote", "add", "--default", "shared", remote["url"], cwd=workspace)
    for option, value in {"verify": "true", **{k: v for k, v in remote.items() if k != "url"}}.items():
        run("dvc", "remote", "modify", "shared", option, value, cwd=workspace)
    run("git", "commit", "--all", "--quiet", "--message", "a remote", cwd=workspace)


def kill_after(seconds: float, *command: str, cwd: Path) -> None:
    """Start a command and kill it with its children at some moment."""
    process = subprocess.Popen(
        command, cwd=cwd, env=environment(**S3_KEYS), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_a_fresh_clone_pulls_and_has_nothing_to_run(workspace: Path, tmp_path: Path, remote: dict[str, str]) -> None:
    """Push and pull are each killed halfway and then repeated."""
    share(workspace, remote)
    kill_after(1.5, sys.executable, "workflow/bridge", "push", cwd=workspace)
    run("python", "workflow/bridge", "push", cwd=workspace, **S3_KEYS)
    clone = tmp_path / "clone"
    run("git", "clone", "--quiet", str(workspace), str(clone), cwd=tmp_path)
    kill_after(2.0, sys.executable, "workflow/bridge", "pull", cwd=clone)
    run("python", "workflow/bridge", "pull", cwd=clone, **S3_KEYS)
    assert named(clone) == set()
    for path in ("results/digits/digits.h5", "data/raw/mnist/train-images-idx3-ubyte.gz"):
        assert (clone / path).read_bytes() == (workspace / path).read_bytes()


DIES = """
import os
from dvc.repo import Repo
from dvc_data.index import DataIndex

whole, left = DataIndex.commit, [5]

def commit(self):
    whole(self)
    left[0] -= 1
    left[0] or os._exit(9)

DataIndex.commit = commit
Repo().{verb}()
"""


def test_nothing_is_left_out_after_a_list_of_files_that_was_cut_off(
    workspace: Path, tmp_path: Path, folder: dict[str, str]
) -> None:
    """DVC trusts its list of files, even an incomplete one; its own push would move five files."""
    share(workspace, folder)
    assert run("python", "-c", DIES.format(verb="push"), cwd=workspace, check=False).returncode == 9
    run("python", "workflow/bridge", "push", cwd=workspace)
    clone = tmp_path / "clone"
    run("git", "clone", "--quiet", str(workspace), str(clone), cwd=tmp_path)
    assert run("python", "-c", DIES.format(verb="pull"), cwd=clone, check=False).returncode == 9
    run("python", "workflow/bridge", "pull", cwd=clone)
    assert named(clone) == set()


def test_a_corrupted_object_is_named_and_replaced(workspace: Path, tmp_path: Path, folder: dict[str, str]) -> None:
    """The pull names the file, both tools its jobs, and a push of a complete cache repairs it."""
    share(workspace, folder)
    run("dvc", "push", cwd=workspace)
    spoil(Path(folder["url"]), (workspace / "results/digits/digits.h5").read_bytes())
    clone = tmp_path / "clone"
    run("git", "clone", "--quiet", str(workspace), str(clone), cwd=tmp_path)
    pulled = run("dvc", "pull", cwd=clone, check=False)
    assert pulled.returncode
    assert "results/digits/digits.h5" in pulled.stdout + pulled.stderr
    run("python", "workflow/bridge", "restore", cwd=clone)
    assert "digits" in named(clone)
    run("snakemake", "results/digits/digits.h5", cwd=clone)  # the file is rebuilt here
    assert (clone / "results/digits/digits.h5").read_bytes() == (workspace / "results/digits/digits.h5").read_bytes()
    run("dvc", "push", cwd=workspace)  # or it is fetched again
    (clone / "results/digits/digits.h5").unlink()
    run("dvc", "pull", cwd=clone)
    run("python", "workflow/bridge", "restore", cwd=clone)
    assert named(clone) == set()


def spoil(remote: Path, content: bytes) -> None:
    """Flip a byte of the object with this content."""
    (path,) = (path for path in remote.rglob("*") if path.is_file() and path.read_bytes() == content)
    path.chmod(0o644)
    path.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
