"""A remote's credentials stay where they were put: in .dvc/config.local or the environment."""

from __future__ import annotations

import base64
from pathlib import Path
from secrets import token_hex

import pytest

from tests.support.harness import ROOT, run

pytestmark = pytest.mark.pipeline


def drawn() -> str:
    """Draw a secret that no file holds, with characters that are escaped in some formats."""
    return f"{token_hex(8)}/{token_hex(4)}+{token_hex(4)}={token_hex(4)}"


LOCAL = {"access_key_id": f"AKIA{token_hex(8).upper()}", "secret_access_key": drawn()}
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": f"AKIA{token_hex(8).upper()}",
    "AWS_SECRET_ACCESS_KEY": drawn(),
    "AWS_SESSION_TOKEN": drawn(),
    "AWS_MAX_ATTEMPTS": "1",
}
PASSWORD = drawn()
SECRETS = [*LOCAL.values(), *(value for key, value in ENVIRONMENT.items() if key != "AWS_MAX_ATTEMPTS"), PASSWORD]


def forms(secret: str) -> list[bytes]:
    """Return the ways to write a secret: plain, as in JSON or HTML, in base64."""
    raw = secret.encode()
    return [raw, raw.replace(b"/", b"\\/"), raw.replace(b"+", b"&#43;"), base64.b64encode(raw).rstrip(b"=")[:-1]]


def holding(folder: Path) -> list[str]:
    """List files below a folder that hold a secret, except for the intended one."""
    wanted = [form for secret in SECRETS for form in forms(secret)]
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    found = [path for path in files if any(form in path.read_bytes() for form in wanted)]
    return sorted(str(path.relative_to(folder)) for path in found)


def test_credentials_of_a_remote_reach_no_file_and_no_output(workspace: Path, tmp_path: Path) -> None:
    """This covers a run, the bridge, a failing push, a report and a comparison; git keeps none."""
    said = []

    def call(*command: str, check: bool = True) -> None:
        done = run(*command, cwd=workspace, check=check, PYTHONPATH=str(ROOT / "src"), **ENVIRONMENT)
        said.append(done.stdout + done.stderr)

    # nothing listens on port 9
    with (workspace / ".dvc/config").open("a", encoding="utf-8") as config:
        config.write("['remote \"shared\"']\n    url = s3://bucket/cache\n    endpointurl = http://127.0.0.1:9\n")
        config.write("['remote \"other\"']\n    url = ssh://nobody@127.0.0.1/cache\n")
    call("dvc", "remote", "default", "shared")
    # as by `dvc remote modify --local`
    with (workspace / ".dvc/config.local").open("a", encoding="utf-8") as config:
        config.write("['remote \"shared\"']\n" + "".join(f"    {key} = {value}\n" for key, value in LOCAL.items()))
        config.write(f"['remote \"other\"']\n    password = {PASSWORD}\n")
    (workspace / "results/figures/ranking/mnist.png").unlink()
    (workspace / "results/metrics.json").unlink()
    call("snakemake", "--cores", "2", "--verbose", "--printshellcmds")
    for verb in ("commit", "status"):
        call("python", "workflow/bridge", verb)
    call("dvc", "push", "--verbose", "results/digits/digits.h5", check=False)
    call("snakemake", "--report", "report.html")
    call("python", "-m", "relatent.cli", "compare", "HEAD", "--page", "compare.html")
    call("python", "-m", "relatent.cli", "where", "results/metrics.json")
    call("git", "add", "--all")
    assert "127.0.0.1:9" in "".join(said)  # the push used this remote
    assert not [secret for secret in SECRETS if any(form in text.encode() for text in said for form in forms(secret))]
    assert holding(workspace) == [".dvc/config.local"]
    assert ".dvc/config.local" not in run("git", "ls-files", cwd=workspace).stdout
