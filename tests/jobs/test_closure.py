"""The digest of a command's code changes exactly with what the command may run."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from relatent.jobs import closure
from relatent.jobs.closure import Closure, Sources, key, key_of, table, versions
from relatent.tools.revisions import sources
from tests.support.harness import ROOT, run

STAGE = '''"""A stage."""
from __future__ import annotations
import typer
from pydantic import Field
from relatent.stages.shared.command import stage
from relatent.size import WIDTH

class Section:
    epochs: int = Field(ge=1, description="a whole number from 1")

HEADLINES = []

app = stage("Train.")

@app.command()
def train(seed: int, rate: float = typer.Option(0.1, help="A rate.")) -> None:
    """Train."""
    from relatent.model import fit  # lazily

    fit(shared(seed), Section)

@app.command("look-at")
def look(path: str) -> None:
    from relatent.drawing import draw

    draw(path)

def shared(value: int) -> int:
    """Share."""
    return value + WIDTH
'''

FILES = {
    "relatent/__init__.py": "",
    "relatent/stages/__init__.py": "",
    "relatent/stages/shared/__init__.py": "",
    "relatent/stages/shared/command.py": "def stage(help):\n    return help\n",
    "relatent/stages/toy.py": STAGE,
    "relatent/size.py": "WIDTH = 2\n",
    "relatent/drawing.py": "def draw(path):\n    return path\n",
    "relatent/model/__init__.py": "from relatent.model.steps import fit\n",
    "relatent/model/steps.py": (
        "import numpy as np\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import relatent.drawing\n"
        'def fit(x: float) -> float:\n    """Fit."""\n    y: float = x\n    return np.sin(y)\n'
    ),
}


def closures(**files: str) -> dict[str, Closure]:
    """Return the closures of the toy package with some files replaced."""
    named = {path: text.encode() for path, text in (FILES | files).items()}
    return Sources(named).closures()


def digests(path: str = "relatent/size.py", old: str = "", new: str = "") -> dict[str, str]:
    """Return each command's digest in the toy package after a replacement in one file."""
    assert old in FILES[path]
    found = closures(**{path: FILES[path].replace(old, new, 1)})
    return {name: each.code for name, each in found.items()}


@functools.cache
def ours() -> dict[str, Closure]:
    """Return the closures of our own commands."""
    return Sources.on_disk(ROOT / "src").closures()


TRAIN, LOOK = "toy-train", "toy-look-at"
TOY, STEPS = "relatent/stages/toy.py", "relatent/model/steps.py"


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (TOY, '"""A stage."""', '"""Another word."""\n# and a comment'),
        (TOY, 'help="A rate."', 'help="The learning rate."'),
        (TOY, 'description="a whole number from 1"', 'description="a count"'),
        (TOY, 'stage("Train.")', 'stage("Train."  )'),
        (TOY, '    """Share."""\n', ""),
        (TOY, "def shared(value: int) -> int:", "def shared(value):"),
        (STEPS, "def fit(x: float) -> float:", "def fit(\n    x: int\n) -> int:"),
        (STEPS, "y: float = x", "y = x"),
        (STEPS, "import relatent.drawing", "import relatent.size"),
    ],
)
def test_what_no_result_depends_on_changes_no_digest(path: str, old: str, new: str) -> None:
    assert digests(path, old, new) == digests()


@pytest.mark.parametrize(
    ("path", "old", "new", "changed"),
    [
        ("relatent/size.py", "2", "3", {TRAIN, LOOK}),
        (TOY, "value + WIDTH", "value - WIDTH", {TRAIN}),
        (TOY, "epochs: int", "epochs: float", {TRAIN}),
        (TOY, "HEADLINES = []", "HEADLINES = [1]", set()),
        (TOY, "app = stage", "print()\napp = stage", {TRAIN, LOOK}),
        (TOY, "seed: int,", "seed: str,", {TRAIN}),
        (TOY, "0.1", "0.2", {TRAIN}),
        (TOY, "draw(path)", "draw(path + path)", {LOOK}),
        (STEPS, "np.sin", "np.cos", {TRAIN}),
        ("relatent/model/__init__.py", "import fit", "import fit\nimport relatent.size", {TRAIN}),
        ("relatent/drawing.py", "return path", "return None", {LOOK}),
        ("relatent/stages/shared/command.py", "return help", "return None", {TRAIN, LOOK}),
        ("relatent/__init__.py", "", "import os\n", {TRAIN, LOOK}),
    ],
)
def test_what_a_command_may_run_changes_its_digest_and_no_other(
    path: str, old: str, new: str, changed: set[str]
) -> None:
    before, after = digests(), digests(path, old, new)
    assert {each for each in before if before[each] != after[each]} == changed


def test_a_command_that_another_one_calls_is_part_of_it() -> None:
    calling = STAGE.replace("    fit(shared(seed), Section)", "    look(fit(shared(seed), Section))")
    edited = calling.replace("draw(path)", "draw(path + path)")
    assert closures(**{TOY: calling})[TRAIN].code != closures(**{TOY: edited})[TRAIN].code


def test_a_module_reached_through_a_package_or_by_name_is_in_the_closure() -> None:
    """A package's imports, imports inside functions and import_module with a constant count."""
    lazily = "def __getattr__(name):\n    import importlib\n    return importlib.import_module('relatent.drawing')\n"
    found = closures(**{"relatent/size.py": f"WIDTH = 2\n{lazily}"})[TRAIN].files
    assert {"relatent/model/__init__.py", "relatent/model/steps.py", "relatent/drawing.py", "relatent/size.py"} <= set(
        found
    )


def test_a_computed_import_is_refused() -> None:
    with pytest.raises(ValueError, match="computed name"):
        closures(**{"relatent/size.py": "import importlib\nWIDTH = importlib.import_module('lat' + 'ents')\n"})


LAZY = """
from importlib import import_module
MODULES = {"fit": "steps", "draw": "drawing"}
def __getattr__(name):
    return getattr(import_module(f"{__name__}.{MODULES[name]}"), name)
"""


def test_a_lazy_package_adds_only_the_modules_that_are_imported_by_name() -> None:
    lazy = {"relatent/model/__init__.py": LAZY, "relatent/model/drawing.py": "def draw(): pass\n"}
    stage = STAGE.replace("from relatent.model import fit", "from relatent.model.steps import fit")
    found = closures(**lazy, **{TOY: stage})[TRAIN].files
    assert STEPS in found
    assert "relatent/model/__init__.py" in found
    assert "relatent/model/drawing.py" not in found


@pytest.mark.parametrize(
    "line",
    [
        "from relatent.model import fit",
        "from relatent.model import *",
        "from relatent import model",
        "import relatent.model as model",
        "import relatent.model.steps",
        "from importlib import import_module; import_module('relatent.model')",
    ],
)
def test_an_import_that_hides_the_module_of_a_lazy_name_is_refused(line: str) -> None:
    """Python would run a module that is not in the closure."""
    files = {"relatent/model/__init__.py": LAZY, "relatent/size.py": f"{line}\nWIDTH = 2\n"}
    with pytest.raises(ValueError, match=r"relatent/\S+: imports relatent\.model.*; relatent\.model is lazy"):
        closures(**files)


def test_an_edit_of_comparisons_or_of_runs_of_others_touches_no_job() -> None:
    """No stage uses them, and the package imports them only where they are used."""
    files = {path for each in ours().values() for path in each.files}
    assert "relatent/ranking/evaluation.py" in files
    assert not files & {"relatent/ranking/comparison.py", "relatent/ranking/runs.py"}


def test_a_data_file_that_a_module_names_counts_by_its_bytes() -> None:
    reading = {"relatent/size.py": "WIDTH = open('width.toml')\n"}
    one, two = (closures(**reading, **{"relatent/width.toml": text})[TRAIN].code for text in "23")
    assert one != two


@pytest.mark.parametrize("command", ["published-write", "claims-judge"])
def test_an_edit_of_a_pages_template_changes_the_digest_of_the_command_that_writes_the_page(command: str) -> None:
    """The modules name their templates by constants."""
    here = Sources.on_disk(ROOT / "src")
    template = f"relatent/{command.partition('-')[0]}/page.html.j2"
    edited = Sources({**here.files, template: here.files[template] + b" "})
    assert edited.closures(command)[command].code != ours()[command].code


def test_docstrings_count_where_a_module_reads_them() -> None:
    texts = ('"""Two."""\nWIDTH = len(__doc__)\n', '"""Three."""\nWIDTH = len(__doc__)\n')
    one, two = (closures(**{"relatent/size.py": text})[TRAIN].code for text in texts)
    assert one != two


def test_keys_name_a_module_and_a_command_without_dots() -> None:
    assert key("relatent.stages.figures.rnn", "curves") == "figures-rnn-curves"
    assert key_of("python -m relatent.stages.ordering rbm-weights --weights a") == "ordering-rbm-weights"
    assert key_of("python workflow/bridge check") is None


def test_the_closures_of_a_revision_are_those_of_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working tree may have changed since."""
    for path, text in FILES.items():
        (tmp_path / "src" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "src" / path).write_text(text, encoding="utf-8")
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "toy"]):
        run("git", *command, cwd=tmp_path)
    monkeypatch.chdir(tmp_path)
    before = Sources.on_disk(tmp_path / "src").closures()
    (tmp_path / "src/relatent/size.py").write_text("WIDTH = 3\n", encoding="utf-8")
    assert sources("HEAD").closures() == before
    assert Sources.on_disk(tmp_path / "src").closures() != before


def test_an_environment_holds_what_the_closure_imports_and_its_requirements() -> None:
    """Torch brings sympy; typer and tqdm are left out; Python's minor version is included."""
    found = versions({"torch", "typer", "tqdm"})
    assert {"python", "torch", "sympy"} <= found.keys()
    assert not {"typer", "tqdm", "matplotlib"} & found.keys()
    assert found["python"] == ".".join(map(str, sys.version_info[:2]))


def test_another_version_changes_the_environment_of_those_that_import_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A matplotlib upgrade reruns figures but no training; one of numpy reruns all that compute."""
    before = table(ours())
    for name, touched, untouched in [
        ("matplotlib", {"figures-rnn-curves"}, {"vae-train", "rbm-train"}),
        ("numpy", {"vae-train", "rbm-train", "ranking-evaluate"}, set()),
        ("typer", set(), set(before) - {"distributions"}),
    ]:
        other = {name: "0"}
        monkeypatch.setattr(closure, "_version", lambda each, other=other: other.get(each) or metadata.version(each))
        after = table(ours())
        monkeypatch.undo()
        changed = {each for each in before if before[each] != after[each]} - {"distributions"}
        assert touched <= changed
        assert not untouched & changed


def test_every_rule_runs_a_command_of_the_table() -> None:
    commands = set(table(ours()))
    for path in sorted((ROOT / "workflow/rules").glob("*.smk")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if "python -m" in line:
                assert key_of(line.strip().strip('"')) in commands, line


def test_an_edit_of_the_command_line_or_a_tool_touches_no_job() -> None:
    """Neither cli.py nor tools/ nor the schema is in any closure."""
    files = {path for each in ours().values() for path in each.files}
    assert not [
        path for path in files if path.startswith(("relatent/cli", "relatent/tools/", "relatent/stages/shared/schema"))
    ]


def test_trainings_do_not_depend_on_figures_claims_or_reports() -> None:
    found = ours()
    for name in ("vae-train", "rbm-train", "rnn-train", "hashing-evaluate", "autoencoder-train"):
        assert not [path for path in found[name].files if path.startswith(("relatent/figures", "relatent/claims"))]


def test_the_digest_is_the_same_in_another_process() -> None:
    """No order of sets or hashes matters."""
    code = (
        "from pathlib import Path; from relatent.jobs.closure import Sources, table; import json;"
        "print(json.dumps(table(Sources.on_disk(Path('src')).closures())))"
    )
    other = {"PYTHONPATH": "src", "PYTHONHASHSEED": "1", "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True, env=other)
    assert json.loads(done.stdout) == table(ours())
