"""The package as pip installs it: every import is declared, a wheel holds all files, a missing
extra is one line."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.pipeline.test_bare_environment import bare  # noqa: F401  # a fixture
from tests.support.harness import ROOT, run

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT, DEV = PYPROJECT["project"], PYPROJECT["dependency-groups"]["dev"]
EXTRAS = PROJECT["optional-dependencies"]
OURS = {"relatent", "bridge", "gallery", "tests", *(path.stem for path in (ROOT / "benchmarks").glob("*.py"))}
# distributions that hold an imported package under another name
PROVIDED = {name: {canonicalize_name(each) for each in by} for name, by in metadata.packages_distributions().items()}
PROVIDED["dlib"] = {"dlib-bin"}  # its metadata do not name it


def requirements() -> list[Requirement]:
    """Return every requirement of pyproject.toml on other packages."""
    texts = [*PROJECT["dependencies"], *(text for extra in EXTRAS.values() for text in extra), *DEV]
    return [need for need in map(Requirement, texts) if need.name != "relatent"]


def imports(folder: str) -> Iterator[tuple[str, Path]]:
    """Yield the top-level package of every import of others' code, imports inside functions
    included."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [str(node.module)]
            for top in {name.partition(".")[0] for name in names} - OURS - sys.stdlib_module_names:
                yield top, path.relative_to(ROOT)


@pytest.mark.parametrize("folder", ["src", "workflow", "benchmarks", "tests"])
def test_every_import_is_declared(folder: str) -> None:
    """src and workflow need no more than the extra pipeline; benchmarks and tests may need the
    group dev."""
    developing = {canonicalize_name(Requirement(text).name) for text in DEV}
    declared = {canonicalize_name(need.name) for need in requirements()}
    if folder in ("src", "workflow"):
        declared -= developing
    undeclared = {f"{top} ({path})" for top, path in imports(folder) if not PROVIDED.get(top, {top}) & declared}
    assert not undeclared


def test_every_requirement_has_a_lower_bound_that_the_constraints_meet() -> None:
    """No exact pin: constraints.txt alone holds those."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)}
    for need in requirements():
        operators = {each.operator for each in need.specifier}
        assert ">=" in operators, need
        assert not operators & {"==", "==="}, need
        assert need.specifier.contains(pins[canonicalize_name(need.name)]), need


def test_the_changelog_and_the_citation_name_the_version() -> None:
    """The version in work has its section; the one to cite is the last one that was released."""
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    unreleased, *released = re.findall(r"^## .*?(\d+\.\d+\.\d+)", changes, flags=re.MULTILINE)
    assert PROJECT["version"].partition(".dev")[0] == unreleased
    assert f"\nversion: {released[0]}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip installed our wheel alone."""
    folder = tmp_path_factory.mktemp("wheel")
    tree, site = folder / "tree", folder / "site"
    shutil.copytree(ROOT / "src", tree / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    run(*pip, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", ".", cwd=tree)
    run(
        *pip,
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--target",
        str(site),
        *map(str, tree.glob("*.whl")),
        cwd=tree,
    )
    return site


def test_a_wheel_holds_every_file_of_the_package(installed: Path) -> None:
    """Data files beside modules, templates and py.typed too."""
    kept = run("git", "ls-files", "--cached", "--others", "--exclude-standard", "src/relatent", cwd=ROOT).stdout.split()
    missing = [path for path in kept if (ROOT / path).exists() and not (installed / path.removeprefix("src/")).exists()]
    assert not missing


def test_the_core_of_a_wheel_ranks_and_its_command_line_says_in_one_line_what_to_install(
    installed: Path,
    bare: Path,  # noqa: F811
) -> None:
    """With numpy, scipy and h5py alone, and without any site-packages."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{installed}:{bare}"}

    def python(code: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-S", "-c", code, "--help"]
        return subprocess.run(command, env=environment, cwd=bare, capture_output=True, text=True, check=False)

    ranked = python("import relatent, relatent.ranking; print(relatent.__version__)")
    assert (ranked.stdout.strip(), ranked.returncode) == (PROJECT["version"], 0), ranked.stderr
    refused = python("from relatent.cli import main; main()")
    assert refused.returncode == 1
    assert refused.stderr == "error: no module typer; install it by: pip install 'relatent[cli]'\n"
