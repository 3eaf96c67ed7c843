"""The digest of a command's code changes exactly with what the command may run."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from latents.jobs import closure
from latents.jobs.closure import Closure, Sources, key, key_of, table, versions
from latents.tools.revisions import sources
from tests.support.harness import ROOT, run

STAGE = '''"""A stage."""
from __future__ import annotations
import typer
from pydantic import Field
from latents.stages.shared.command import stage
from latents.size import WIDTH

class Section:
    epochs: int = Field(ge=1, description="a whole number from 1")

HEADLINES = []

app = stage("Train.")

@app.command()
def train(seed: int, rate: float = typer.Option(0.1, help="A rate.")) -> None:
    """Train."""
    from latents.model import fit  # lazily

    fit(shared(seed), Section)

@app.command("look-at")
def look(path: str) -> None:
    from latents.drawing import draw

    draw(path)

def shared(value: int) -> int:
    """Share."""
    return value + WIDTH
'''

FILES = {
    "latents/__init__.py": "",
    "latents/stages/__init__.py": "",
    "latents/stages/shared/__init__.py": "",
    "latents/stages/shared/command.py": "def stage(help):\n    return help\n",
    "latents/stages/toy.py": STAGE,
    "latents/size.py": "WIDTH = 2\n",
    "latents/drawing.py": "def draw(path):\n    return path\n",
    "latents/model/__init__.py": "from latents.model.steps import fit\n",
    "latents/model/steps.py": (
        "import numpy as np\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import latents.drawing\n"
        'def fit(x: float) -> float:\n    """Fit."""\n    y: float = x\n    return np.sin(y)\n'
    ),
}


def closures(**files: str) -> dict[str, Closure]:
    """Return the closures of the toy package with some files replaced."""
    named = {path: text.encode() for path, text in (FILES | files).items()}
    return Sources(named).closures()


def digests(path: str = "latents/size.py", old: str = "", new: str = "") -> dict[str, str]:
    """Return each command's digest in the toy package after a replacement in one file."""
    assert old in FILES[path]
    found = closures(**{path: FILES[path].replace(old, new, 1)})
    return {name: each.code for name, each in found.items()}


@functools.cache
def ours() -> dict[str, Closure]:
    """Return the closures of our own commands."""
    return Sources.on_disk(ROOT / "src").closures()


TRAIN, LOOK = "toy-train", "toy-look-at"
TOY, STEPS = "latents/stages/toy.py", "latents/model/steps.py"


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
        (STEPS, "import latents.drawing", "import latents.size"),
    ],
)
def test_what_no_result_depends_on_changes_no_digest(path: str, old: str, new: str) -> None:
    assert digests(path, old, new) == digests()


@pytest.mark.parametrize(
    ("path", "old", "new", "changed"),
    [
        ("latents/size.py", "2", "3", {TRAIN, LOOK}),
        (TOY, "value + WIDTH", "value - WIDTH", {TRAIN}),
        (TOY, "epochs: int", "epochs: float", {TRAIN}),
        (TOY, "HEADLINES = []", "HEADLINES = [1]", set()),
        (TOY, "app = stage", "print()\napp = stage", {TRAIN, LOOK}),
        (TOY, "seed: int,", "seed: str,", {TRAIN}),
        (TOY, "0.1", "0.2", {TRAIN}),
        (TOY, "draw(path)", "draw(path + path)", {LOOK}),
        (STEPS, "np.sin", "np.cos", {TRAIN}),
        ("latents/model/__init__.py", "import fit", "import fit\nimport latents.size", {TRAIN}),
        ("latents/drawing.py", "return path", "return None", {LOOK}),
        ("latents/stages/shared/command.py", "return help", "return None", {TRAIN, LOOK}),
        ("latents/__init__.py", "", "import os\n", {TRAIN, LOOK}),
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
    lazily = "def __getattr__(name):\n    import importlib\n    return importlib.import_module('latents.drawing')\n"
    found = closures(**{"latents/size.py": f"WIDTH = 2\n{lazily}"})[TRAIN].files
    assert {"latents/model/__init__.py", "latents/model/steps.py", "latents/drawing.py", "latents/size.py"} <= set(
        found
    )


def test_a_computed_import_is_refused() -> None:
    with pytest.raises(ValueError, match="computed name"):
        closures(**{"latents/size.py": "import importlib\nWIDTH = importlib.import_module('lat' + 'ents')\n"})


def test_a_data_file_that_a_module_names_counts_by_its_bytes() -> None:
    reading = {"latents/size.py": "WIDTH = open('width.toml')\n"}
    one, two = (closures(**reading, **{"latents/width.toml": text})[TRAIN].code for text in "23")
    assert one != two


@pytest.mark.parametrize("command", ["published-write", "claims-judge"])
def test_an_edit_of_a_pages_template_changes_the_digest_of_the_command_that_writes_the_page(command: str) -> None:
    """The modules name their templates by constants."""
    here = Sources.on_disk(ROOT / "src")
    template = f"latents/{command.partition('-')[0]}/page.html.j2"
    edited = Sources({**here.files, template: here.files[template] + b" "})
    assert edited.closures(command)[command].code != ours()[command].code


def test_docstrings_count_where_a_module_reads_them() -> None:
    texts = ('"""Two."""\nWIDTH = len(__doc__)\n', '"""Three."""\nWIDTH = len(__doc__)\n')
    one, two = (closures(**{"latents/size.py": text})[TRAIN].code for text in texts)
    assert one != two


def test_keys_name_a_module_and_a_command_without_dots() -> None:
    assert key("latents.stages.figures.rnn", "curves") == "figures-rnn-curves"
    assert key_of("python -m latents.stages.ordering rbm-weights --weights a") == "ordering-rbm-weights"
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
    (tmp_path / "src/latents/size.py").write_text("WIDTH = 3\n", encoding="utf-8")
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
        path for path in files if path.startswith(("latents/cli", "latents/tools/", "latents/stages/shared/schema"))
    ]


def test_trainings_do_not_depend_on_figures_claims_or_reports() -> None:
    found = ours()
    for name in ("vae-train", "rbm-train", "rnn-train", "hashing-evaluate", "autoencoder-train"):
        assert not [path for path in found[name].files if path.startswith(("latents/figures", "latents/claims"))]


def test_the_digest_is_the_same_in_another_process() -> None:
    """No order of sets or hashes matters."""
    code = (
        "from pathlib import Path; from latents.jobs.closure import Sources, table; import json;"
        "print(json.dumps(table(Sources.on_disk(Path('src')).closures())))"
    )
    other = {"PYTHONPATH": "src", "PYTHONHASHSEED": "1", "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True, env=other)
    assert json.loads(done.stdout) == table(ours())
