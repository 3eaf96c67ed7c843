"""Machine code of kernels is that of their sources as they are: no edit is missed, in whatever file
it is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import grimp
import pytest

from relatent.machine import numba_cache
from tests.support.harness import ROOT

SOURCE = ROOT / "src/relatent"
KERNELS = sorted(str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py") if "\n@kernel" in path.read_text())
PROBE = "\n\n@kernel\ndef probe(value):\n    return value + {}\n"
CALLER = """
from relatent.machine.numba_cache import kernel
from relatent.{module} import probe


@kernel
def call(value):
    return probe(value)
"""
CALL = """
import importlib, json, sys
answers = {}
for name in sys.argv[1:]:
    call = importlib.import_module(f"relatent.calls_{name}").call
    value = call(0)
    answers[name] = value, sum(call.stats.cache_hits.values()), sum(call.stats.cache_misses.values())
print(json.dumps(answers))
"""


def copy_package(folder: Path) -> Path:
    """A copy of the package's sources that may be edited."""
    return Path(shutil.copytree(SOURCE, folder / "src/relatent", ignore=shutil.ignore_patterns("__pycache__")))


def environment(package: Path, **variables: object) -> dict[str, str]:
    """Of a process that imports this copy, and caches beside it."""
    own = {"PYTHONPATH": package.parent, "XDG_CACHE_HOME": package.parent.parent / "cache"}
    # or Python itself may miss an edit of the same second and size
    own |= {"PYTHONDONTWRITEBYTECODE": 1}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    return kept | {name: str(value) for name, value in (own | variables).items()}


def start(program: str, *arguments: str, package: Path, **variables: object) -> subprocess.Popen[str]:
    """A process that runs this program with a copy of the package."""
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.Popen(command, env=environment(package, **variables), stdout=subprocess.PIPE, text=True)


def answer(process: subprocess.Popen[str]) -> dict:
    """What a process prints."""
    printed, _ = process.communicate()
    assert process.returncode == 0
    return json.loads(printed)


def run(program: str, *arguments: str, package: Path, **variables: object) -> dict:
    """What a program prints."""
    return answer(start(program, *arguments, package=package, **variables))


def name_of(file: str) -> str:
    """A name for the module that calls a kernel of this file."""
    return file.removesuffix(".py").replace("/", "_")


@pytest.fixture(scope="module")
def probed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy in which each kernel module has one kernel more, called from a file of its own; all
    are cached."""
    package = copy_package(tmp_path_factory.mktemp("probed"))
    for file in KERNELS:
        with open(package / file, "a", encoding="utf-8") as source:
            source.write(PROBE.format(1))
        module = file.removesuffix(".py").replace("/", ".")
        (package / f"calls_{name_of(file)}.py").write_text(CALLER.format(module=module), encoding="utf-8")
    names = [name_of(file) for file in KERNELS]
    assert run(CALL, *names, package=package) == {name: [1, 0, 1] for name in names}
    return package


@pytest.mark.parametrize("file", KERNELS)
def test_an_edit_of_a_callee_is_seen_and_taken_back(probed: Path, file: str) -> None:
    """With a warm cache a caller in another file runs the new code, and the old code once the edit
    is reverted."""
    name, before = name_of(file), (probed / file).read_text(encoding="utf-8")
    edited = before.replace(PROBE.format(1), PROBE.format(2))
    assert edited != before
    try:
        (probed / file).write_text(edited, encoding="utf-8")
        assert run(CALL, name, package=probed) == {name: [2, 0, 1]}
    finally:
        (probed / file).write_text(before, encoding="utf-8")
    assert run(CALL, name, package=probed) == {name: [1, 1, 0]}


EVALUATE = """
import json
import numpy as np
from relatent.ranking import evaluate
from relatent.ranking.engines.codes import measure_codes
rng = np.random.default_rng(0)
bits, labels = rng.integers(2, size=(60, 64)).astype(bool), rng.integers(3, size=60)
means = evaluate(bits[:20], bits[20:], labels[:20], labels[20:], score="hamming", cutoffs=(10,)).means()
print(json.dumps({"precision": means["precision@10"], "hits": sum(measure_codes.stats.cache_hits.values())}))
"""


def test_an_evaluation_follows_an_edit_of_the_measures(tmp_path: Path) -> None:
    """Hits that count half halve precision, warm and cold, and no longer once that is reverted."""
    package = copy_package(tmp_path)
    measures = package / "ranking/kernels/metrics.py"
    before = measures.read_text(encoding="utf-8")
    edited = before.replace("hits += 1\n", "hits += 0.5\n").replace("hits += share", "hits += 0.5 * share")
    assert edited.count("0.5") == 2 + before.count("0.5")
    cold, warm = run(EVALUATE, package=package), run(EVALUATE, package=package)
    measures.write_text(edited, encoding="utf-8")
    halved, again = run(EVALUATE, package=package), run(EVALUATE, package=package)
    measures.write_text(before, encoding="utf-8")
    reverted = run(EVALUATE, package=package)
    assert cold["precision"] == warm["precision"] == reverted["precision"] > 0
    assert halved["precision"] == again["precision"] == pytest.approx(cold["precision"] / 2, rel=1e-12)
    assert [state["hits"] for state in (cold, warm, halved, again, reverted)] == [0, 1, 0, 1, 1]


SMALL = """
import json, os, sys
from pathlib import Path
from relatent.machine import numba_cache
from relatent.ranking.kernels import metrics as measures
edited = os.environ.get("EDITED")
if edited:
    with open(edited, "a") as source:
        source.write("# edited")
kind = {"float": float, "int": int}[sys.argv[1]]
first = measures.first_relevant
value = first(kind(3), kind(2), kind(1))
folder = numba_cache.FOLDER
files = sorted(path.name for path in folder.iterdir()) if folder else []
print(json.dumps({"value": value, "hits": sum(first.stats.cache_hits.values()), "folder": str(folder), "files": files}))
"""
VALUE = (1 / 4 + 1 / 5) / 2  # of the places 4 and 5, either may be the first relevant one


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy that no test changes."""
    return copy_package(tmp_path_factory.mktemp("copied"))


def test_two_processes_at_once_keep_the_code_of_both(package: Path, tmp_path: Path) -> None:
    """Of one function, for different types, from an empty cache: each is found again as its own."""
    for hits in (0, 1):
        both = [start(SMALL, kind, package=package, XDG_CACHE_HOME=tmp_path) for kind in ("float", "int")]
        found = [answer(process) for process in both]
        assert [one["value"] for one in found] == [pytest.approx(VALUE)] * 2
        assert [one["hits"] for one in found] == [hits] * 2
    assert len(found[0]["files"]) == 2


def test_without_a_home_the_cache_is_a_private_temporary_folder(package: Path, tmp_path: Path) -> None:
    """Where nothing can be written below the home, code is kept; but not in a folder that others
    can write to."""
    (tmp_path / "file").touch()
    elsewhere = {"XDG_CACHE_HOME": tmp_path / "file/below", "HOME": "/proc/none", "TMPDIR": tmp_path}
    for hits in (0, 1):
        found = run(SMALL, "float", package=package, **elsewhere)
        assert (found["value"], found["hits"]) == (pytest.approx(VALUE), hits)
    private = Path(found["folder"]).parent
    assert private.parent == tmp_path
    assert private.stat().st_mode & 0o777 == 0o700
    private.chmod(0o777)
    found = run(SMALL, "float", package=package, **elsewhere)
    assert found == {"value": pytest.approx(VALUE), "hits": 0, "folder": "None", "files": []}


def test_an_edit_while_a_process_runs_leaves_nothing_behind(tmp_path: Path) -> None:
    """What was imported may be other than what the digest says: code is compiled, but neither
    loaded nor kept."""
    package = copy_package(tmp_path)
    bits = package / "ranking/kernels/bits.py"
    kept = run(SMALL, "float", package=package)
    # of the sources as they were first, and as the first edit left them
    for files in (kept["files"], []):
        found = run(SMALL, "float", package=package, EDITED=bits)
        assert (found["value"], found["hits"], found["files"]) == (kept["value"], 0, files)
    shutil.copy(SOURCE / "ranking/kernels/bits.py", bits)
    assert run(SMALL, "float", package=package) == kept | {"hits": 1}


def test_code_of_one_processor_is_not_run_on_another(package: Path, tmp_path: Path) -> None:
    """The names that numba is told by its variables count, and options that change code."""
    settings = [{}, {"NUMBA_CPU_NAME": "generic"}, {"NUMBA_BOUNDSCHECK": 1}]
    for hits in (0, 1):
        for setting in settings:
            assert run(SMALL, "float", package=package, XDG_CACHE_HOME=tmp_path, **setting)["hits"] == hits


OTHERS = """
import json, sys
import numba
sys.path.insert(0, sys.argv[1])
import theirs, relatent.ranking.kernels.metrics as ours
import theirs_later
theirs.double(1), theirs_later.double(1), ours.first_relevant(3.0, 2.0, 1.0)
functions = {"before": theirs.double, "after": theirs_later.double, "ours": ours.first_relevant}
print(json.dumps({name: function.stats.cache_path for name, function in functions.items()}))
"""


def test_other_peoples_functions_are_cached_where_they_were(package: Path, tmp_path: Path) -> None:
    """Whether numba was imported before or not; a folder given to numba is the parent of ours."""
    for name in ("theirs", "theirs_later"):
        text = "import numba\n\n@numba.njit(cache=True)\ndef double(value):\n    return 2 * value\n"
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    found = run(OTHERS, str(tmp_path), package=package)
    assert found["before"] == found["after"] == str(tmp_path / "__pycache__")
    assert Path(found["ours"]).parent == package.parent.parent / "cache/relatent/numba"
    found = run(OTHERS, str(tmp_path), package=package, NUMBA_CACHE_DIR=tmp_path / "given")
    assert Path(found["ours"]).parent == tmp_path / "given/relatent"
    assert Path(found["before"]).parent == Path(found["after"]).parent == tmp_path / "given"


def test_the_digest_covers_whatever_kernels_import() -> None:
    """All that grimp finds upstream of a module with a kernel; importers of such modules are left
    out."""
    graph = grimp.build_graph("relatent", cache_dir=None)
    kernels = {"relatent." + file.removesuffix(".py").replace("/", ".") for file in KERNELS}
    upstream = kernels.union(*(graph.find_upstream_modules(module) for module in kernels))
    assert upstream <= set(numba_cache.SOURCES.stamps)
    assert "relatent.ranking.evaluation" not in numba_cache.SOURCES.stamps


def test_imports_are_found_in_every_form() -> None:
    """Over lines, of modules and of what they hold, inside a function, several at once."""
    known = {f"relatent.{name}" for name in ("a", "b", "c", "d", "e", "e.f", "g")}
    text = """
from relatent.a import (
    ONE,  # the first
    TWO,
)
from relatent import b, nothing
import numpy, relatent.c as c
def late():
    from relatent.d import *
    import relatent.e.f
# from relatent.g import h
"""
    assert numba_cache.imported(text, known) == known - {"relatent.e", "relatent.g"}


def test_no_module_compiles_by_numba_itself() -> None:
    """Only `kernel` does: numba's own decorators would miss edits again."""
    naming = {str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py") if "njit" in path.read_text("utf-8")}
    assert naming == {"machine/numba_cache.py"}


def test_folders_long_unused_are_removed(tmp_path: Path) -> None:
    """Those of digests alone, and none that was opened within the time."""
    names = {"old": "0" * 32, "recent": "1" * 32, "others": "notes"}
    for name, days in (("old", 31), ("recent", 29), ("others", 31)):
        folder = tmp_path / names[name]
        folder.mkdir()
        (folder / "code.nbc").touch()
        os.utime(folder, (time.time() - 86_400 * days,) * 2)
    numba_cache.remove_unused(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {names["recent"], names["others"]}


def test_a_spoilt_file_is_compiled_anew(package: Path, tmp_path: Path) -> None:
    """One that a crash has cut is no error, and is replaced."""
    kept = run(SMALL, "float", package=package, XDG_CACHE_HOME=tmp_path)
    path = Path(kept["folder"], kept["files"][0])
    whole = path.stat().st_size
    for length in (0, 100):
        os.truncate(path, length)
        found = run(SMALL, "float", package=package, XDG_CACHE_HOME=tmp_path)
        assert (found["value"], found["hits"]) == (kept["value"], 0)
        assert path.stat().st_size == whole
