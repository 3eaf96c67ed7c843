"""Parameters are closed, typed and frozen; a fault is one line: key, value, values allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field, ValidationError

from relatent.errors import InputError
from relatent.jobs.params import Name, Section, Seeds, Structural, load_section, read_yaml, structure
from relatent.stages.shared import schema
from tests.support.harness import ROOT

WHOLE = (ROOT / "demo" / "params.yaml").read_text(encoding="utf-8")


class Run(Section):
    rate: float = Field(gt=0, description="a number above 0")
    seeds: Seeds = Field(description="a list of seeds")


class Runs(Section):
    runs: Annotated[dict[Name, Run], Structural()]
    depth: int = Field(ge=1, description="a whole number from 1")


@pytest.fixture
def faulty(tmp_path: Path):
    """Write the real params.yaml with one replacement; return its path."""

    def write(old: str, new: str) -> Path:
        assert old in WHOLE
        path = tmp_path / "params.yaml"
        path.write_text(WHOLE.replace(old, new, 1), encoding="utf-8")
        return path

    return write


FAULTS = {
    "a misspelt key": (
        "latent_dim: 2",
        "latent_dims: 2",
        [
            "vae.runs.mlp_2d.latent_dims: got an unknown key",
            "did you mean latent_dim?",
            "vae.runs.mlp_2d.latent_dim: missing",
        ],
    ),
    "a negative size": (
        "latent_dim: 2",
        "latent_dim: -1",
        ["vae.runs.mlp_2d.latent_dim: got -1, allowed: a whole number from 1 to 1000"],
    ),
    "a wrong type": (
        "epochs: 60",
        "epochs: many",
        ["vae.runs.mlp_2d.epochs: got 'many', allowed: a whole number from 1"],
    ),
    "a float for a whole number": ("epochs: 60", "epochs: 60.5", ["epochs: got 60.5, allowed: a whole number from 1"]),
    "a wrong choice": ("source: embedded", "source: fake", ["data.source: got 'fake', allowed: real or embedded"]),
    "a missing section": (
        "ranking:",
        "rankin:",
        ["rankin: got an unknown key", "did you mean ranking?", "ranking: missing"],
    ),
    "an item of a list": (
        "seeds: [0]",
        "seeds: [0, -3]",
        ["vae.runs.mlp_2d.seeds.1: got -3, allowed: a list of at least"],
    ),
    "an empty list": (
        "seeds: [0]",
        "seeds: []",
        ["vae.runs.mlp_2d.seeds: got [], allowed: a list of at least one item, each a whole number from 0"],
    ),
    "a run's name with a dot": ("    mlp_2d:", "    pla.ne:", ["vae.runs.pla.ne: got 'pla.ne', allowed:"]),
    "infinity": ("learning_rate: 3e-3", "learning_rate: .inf", ["learning_rate: got inf, allowed: a number above 0"]),
    "a boolean for a number": ("epochs: 60", "epochs: true", ["epochs: got True, allowed:"]),
    "a section that is a number": (
        "data:\n  source: embedded",
        "data: 3\nold:\n  source: embedded",
        ["data: got 3, allowed: a section"],
    ),
    "a key given twice": ("epochs: 60", "epochs: 60, epochs: 61", ["not YAML", "duplicate key"]),
    "no earlier run to start from": (
        "warm_start: none",
        "warm_start: gru_2d",
        ["vae.runs.mlp_2d.warm_start: got 'gru_2d', allowed: none"],
    ),
    "a run shown that is none": ("shown: [mlp_2d, gru_2d]", "shown: [mlp]", ["vae.shown: got 'mlp', allowed: mlp_2d,"]),
    "a run timed that is none": (
        "runs: [mlp_2d, gru_2d]",
        "runs: [gru]",
        ["timing.encoders.runs: got 'gru', allowed:"],
    ),
    "layers of a recurrent encoder": (
        "encoder_widths: [32]",
        "encoder_widths: [32, 32]",
        ["vae.runs.gru_2d.encoder_widths: got [32, 32], allowed: one width, as gru has"],
    ),
    "a bound with a schedule of the KL": (
        "free_bits: 0.1",
        "free_bits: 0.1, draws: 5",
        ["vae.runs.gru_2d.draws: got 5, allowed: 1, or no warm_up_epochs"],
    ),
    "broken YAML": ("runs:", "runs: [", ["not YAML"]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_one_line_that_names_the_key_the_value_and_what_is_allowed(faulty, fault: str) -> None:
    """The schema checks the whole file at once."""
    old, new, expected = FAULTS[fault]
    path = faulty(old, new)
    with pytest.raises(InputError) as caught:
        schema.load(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(path))
    for part in expected:
        assert part in message


def test_the_real_and_the_demo_parameters_pass() -> None:
    """Both files in the repository fit the schema and have the same keys."""
    for path in (ROOT / "params.yaml", ROOT / "demo" / "params.yaml"):
        assert schema.load(path)["vae"]["runs"]


def test_yaml_is_version_1_2(tmp_path: Path) -> None:
    """1e-3 is a number, and yes and no are strings, as in DVC."""
    path = tmp_path / "p.yaml"
    path.write_text("rate: 1e-3\nanswer: no\n", encoding="utf-8")
    assert read_yaml(path) == {"rate": 0.001, "answer": "no"}


def test_sections_are_frozen(tmp_path: Path) -> None:
    """A stage cannot change its parameters."""
    path = tmp_path / "p.yaml"
    path.write_text("one: {depth: 1, runs: {a: {rate: 1.0, seeds: [1]}}}", encoding="utf-8")
    section = load_section(Runs, "one", path)
    with pytest.raises(ValidationError):
        section.depth = 2  # type: ignore[misc]


def test_structure_holds_names_of_runs_and_seeds_and_nothing_else() -> None:
    """Structural fields are found by their mark, at any depth."""
    runs = Runs(runs={"b": Run(rate=1.0, seeds=[1, 2]), "a": Run(rate=2.0, seeds=[0])}, depth=3)
    assert dict(structure(runs)) == {"runs": ["a", "b"], "runs.b.seeds": [1, 2], "runs.a.seeds": [0]}


def test_a_missing_section_or_file_is_one_line(tmp_path: Path) -> None:
    """The loader of a stage reports it as well."""
    with pytest.raises(InputError, match=r"no such file; run in the folder that holds params.yaml"):
        load_section(Runs, "one", tmp_path / "none.yaml")
    (tmp_path / "p.yaml").write_text("two: {}", encoding="utf-8")
    with pytest.raises(InputError, match="one: missing section"):
        load_section(Runs, "one", tmp_path / "p.yaml")
