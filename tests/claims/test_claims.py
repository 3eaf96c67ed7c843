"""The claims: each rule flips its verdict with its numbers, nothing else decides, and a gap is one
clear line."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from relatent.claims import (
    CLAIMS,
    VERDICTS,
    Claim,
    Evidence,
    Finding,
    Number,
    Terms,
    as_json,
    judge,
    markdown,
    rules,
    verdict_of,
)
from relatent.claims.artifacts import NotMeasuredError
from relatent.claims.claim import read_claims
from relatent.claims.page import as_html
from relatent.errors import InputError
from relatent.stages.shared.schema import load

ROOT = Path(__file__).resolve().parents[2]
TERMS = Terms("mlp", ["gru"], "tied", "beta", times=5, share=0.1, delay_seconds=0.1, about=2, lone_run=0.02)
NOTES_NAMED = """
    mlp-fastest lstm-slowest spread four-with-nine three-with-two seven-by-nine samples-alike rnn-text broadcasting
    out-of-memory pdist svm-sparse swapping beta-better glasses-vanish gibbs-smooth cnn-interpolates not-identity
    ambiguous-errors units-zero units-no-one greedy-no-delay solver-minute tour-neater wrap-bias keras-merge
"""


def number(value: float, error: float = 0.0) -> Number:
    return Number(f"{value:g}", value, error)


# a rule, numbers for which it holds, numbers for which it does not
FLIPS = {
    "above": (rules.above, (number(3, 0.1), number(2, 0.1)), (number(2, 0.1), number(3, 0.1))),
    "above, unsure": (rules.above, (number(3, 0.1), number(2, 0.1)), (number(3, 0.4), number(2, 0.4))),
    "above, equal": (rules.above, (number(3), number(2)), (number(3), number(3))),
    "below": (rules.below, (number(2, 0.1), number(3, 0.1)), (number(3, 0.1), number(2, 0.1))),
    "below, unsure": (rules.below, (number(2, 0.1), number(3, 0.1)), (number(2, 0.5), number(3, 0.1))),
    "not below": (rules.not_below, (number(2, 0.5), number(2.5, 0.5)), (number(1, 0.1), number(2.5, 0.1))),
    "alike": (rules.alike, (number(2, 0.5), number(2.5, 0.5)), (number(2, 0.1), number(2.5, 0.1))),
    "over": (rules.over, (number(2, 0.1), 1.5), (number(2, 0.3), 1.5)),
    "under": (rules.under, (number(1, 0.1), 1.5), (number(1, 0.3), 1.5)),
    "between": (rules.between, (number(2.5), 2, 3), (number(3.1), 2, 3)),
    "lowest": (rules.lowest, (number(1), [number(2), number(3)]), (number(2.5), [number(2), number(3)])),
    "highest": (rules.highest, (number(4), [number(2), number(3)]), (number(2.5), [number(2), number(3)])),
    "falling": (
        rules.falling,
        ([number(3, 0.1), number(2, 0.1), number(1, 0.1)], "falls"),
        ([number(3, 0.1), number(1, 0.1), number(1, 0.1)], "falls"),
    ),
}


@pytest.mark.parametrize("name", FLIPS)
def test_a_rule_flips_with_its_numbers(name: str) -> None:
    """Made-up numbers on either side of each rule's edge."""
    rule, holding, failing = FLIPS[name]
    assert rule(*holding).holds
    assert not rule(*failing).holds


def test_the_verdict_follows_from_how_many_comparisons_hold() -> None:
    """All, some, none; and none at all is an error."""
    yes, no = Finding("", (), True), Finding("", (), False)
    assert [verdict_of(found) for found in ([yes], [yes, no], [no, no])] == [*VERDICTS[:3]]
    with pytest.raises(InputError, match="at least one comparison"):
        verdict_of([])


def test_errors_of_ratios_means_and_shares() -> None:
    """Relative errors add in squares; a mean's error is from the spread; few items make a share
    uncertain."""
    half = rules.ratio(number(1, 0.1), number(2, 0.2), "half")
    assert (half.value, half.error) == (0.5, pytest.approx(0.5 * 0.1 * 2**0.5))
    average = rules.mean("mean", [number(1), number(3)])
    assert (average.value, average.error, average.runs) == (2, 1, 2)
    assert rules.share_error(0.5, 100) == pytest.approx(0.05)
    assert rules.share_error(0.0, 100) == pytest.approx(0.01)
    for broken in (lambda: rules.ratio(number(1), number(0), ""), lambda: rules.mean("", [number(1)])):
        with pytest.raises(InputError):
            broken()
    with pytest.raises(InputError, match="need a number"):
        number(float("nan"))


# --- artifacts ------------------------------------------------------------------------------------


def evidence(folder: Path, **files: object) -> Evidence:
    """Artifacts below a results folder: JSON, or CSV from a list of rows; `__` in a name is a
    folder."""
    paths = []
    for name, content in files.items():
        stem = folder / "results" / name.replace("__", "/")
        path = stem.with_suffix(".csv" if isinstance(content, list) else ".json")
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, list):
            lines = [",".join(content[0]), *(",".join(map(str, row.values())) for row in content)]
            path.write_text("\n".join(lines) + "\n")
        else:
            path.write_text(json.dumps(content))
        paths.append(path)
    return Evidence(paths, TERMS)


def claim(name: str) -> Claim:
    return next(one for one in CLAIMS if one.id == name)


def encoders(**seconds: float) -> list[dict]:
    return [
        {"run": f"{name}_2d", "encoder": name, "seconds": value, "lowest": value - 0.1, "highest": value + 0.1}
        for name, value in seconds.items()
    ]


def planes(**spread: tuple[float, float]) -> dict:
    return {
        f"{name}_2d": {
            "encoder": name, "latent_dim": 2, "n_seeds": 3, "spread": value, "spread_se": error, "mixed_rank_4_9": 1,
        }
        for name, (value, error) in spread.items()
    }  # fmt: skip


def scoring(loop: float, broadcast: float, cdist: float) -> list[dict]:
    seconds = {"loop": loop, "broadcast": broadcast, "cdist": cdist}
    return [
        {"size": size, "width": 8, "method": method, "seconds": value, "std_error": value / 100, "repeats": 3}
        for size in ("first", "second")
        for method, value in seconds.items()
    ]


def orders(method: str, seconds: float) -> dict:
    row = {"set": "rbm_weights", "method": method, "seconds": seconds, "std_error": 0, "repeats": 3}
    return {"timing__orders": [row]}


def units(frechet: float, reconstruction: float) -> dict:
    """Of Beta units; Gaussian ones have 9 and 1."""
    values = {"beta_frechet": frechet, "beta_reconstruction": reconstruction}
    values |= {"gaussian_frechet": 9, "gaussian_reconstruction": 1}
    return {"rbm__lfw__units": values | {f"{name}_se": 0.01 for name in values} | {"n_seeds": 3}}


UNITS = {f"average_{digit}": 10 for digit in range(10)}
CASES = {
    "mlp-fastest": [
        ({"timing__encoders": encoders(mlp=5, lstm=9, gru=8)}, "holds"),
        ({"timing__encoders": encoders(mlp=9, lstm=5, gru=8)}, "does not hold"),
        ({"timing__encoders": encoders(mlp=8.5, lstm=9, gru=8)}, "holds in part"),
    ],
    "lstm-slowest": [
        ({"timing__encoders": encoders(mlp=5, lstm=9, gru=8)}, "holds"),
        ({"timing__encoders": encoders(mlp=5, lstm=8, gru=9)}, "holds in part"),
        ({"timing__encoders": encoders(mlp=5, gru=9)}, "not testable"),
    ],
    "spread": [
        ({"vae_measures__mnist__summary": planes(mlp=(0.1, 0.01), gru=(0.2, 0.01))}, "holds"),
        ({"vae_measures__mnist__summary": planes(mlp=(0.1, 0.01), gru=(0.2, 0.08))}, "does not hold"),
        ({"vae_measures__mnist__summary": planes(mlp=(0.1, 0.01))}, "not testable"),
    ],
    "broadcasting": [
        ({"timing__scoring": scoring(5, 2, 1)}, "holds"),
        ({"timing__scoring": scoring(5, 1, 1)}, "holds in part"),
        ({"timing__scoring": scoring(2, 5, 1)}, "does not hold"),
    ],
    "pdist": [
        ({"timing__scoring": scoring(10, 5, 1)}, "holds"),
        ({"timing__scoring": scoring(4, 5, 1)}, "does not hold"),
    ],
    "out-of-memory": [
        (
            {
                "timing__scoring": scoring(1, 1, 1),
                "timing__memory": [
                    {"size": "third", "width": 8, "needed_bytes": 9, "machine_bytes": 5, "outcome": "MemoryError"}
                ],
            },
            "holds",
        ),
        (
            {
                "timing__scoring": scoring(1, 1, 1),
                "timing__memory": [
                    {"size": "third", "width": 8, "needed_bytes": 4, "machine_bytes": 5, "outcome": "fits"}
                ],
            },
            "does not hold",
        ),
    ],
    "greedy-no-delay": [(orders("greedy", 0.01), "holds"), (orders("greedy", 0.2), "does not hold")],
    "solver-minute": [(orders("tsp", 50), "holds"), (orders("tsp", 1), "does not hold")],
    "units-no-one": [
        ({"rnn__mnist__tied__units": UNITS | {"average_1": 0}}, "holds"),
        ({"rnn__mnist__tied__units": UNITS}, "does not hold"),
    ],
    "units-not-alone": [
        ({"rnn__mnist__tied__units": UNITS | {"average_4": 0, "average_5": 0, "average_6": 0}}, "holds"),
        ({"rnn__mnist__tied__units": UNITS | {"average_4": 0}}, "holds in part"),
    ],
    "beta-better": [(units(8, 0.8), "holds"), (units(8, 1.1), "holds in part"), (units(9, 1), "does not hold")],
    "shuffle-cures": [
        (
            {
                "bptt__uses": {"slots": [4], "n_seeds": 3}
                | {
                    f"4_shuffled_{group}_uses{suffix}": value
                    for group, uses in (("first_sequences", 1), ("last_sequences", last), ("short", 1), ("long", long))
                    for suffix, value in (("", uses), ("_se", 0.01))
                }
            },
            verdict,
        )
        for last, long, verdict in ((1, 1, "holds"), (1, 0.9, "holds in part"), (0.9, 0.9, "does not hold"))
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "case"), [(name, case) for name, cases in CASES.items() for case in range(len(cases))]
)
def test_a_claims_verdict_flips_with_the_artifacts(tmp_path: Path, name: str, case: int) -> None:
    """The same claim on made-up artifacts: holds, in part, does not hold, not testable."""
    files, verdict = CASES[name][case]
    judged = judge(claim(name), evidence(tmp_path, **files))
    assert judged.verdict == verdict
    assert judged.why


def test_an_unknown_artifact_a_missing_key_and_no_number_are_one_line(tmp_path: Path) -> None:
    """Each names the artifact, and what there is."""
    found = evidence(tmp_path, rnn__mnist__tied__units={"average_0": None, "average_2": 1})
    broken = {
        "results/rnn/mnist/gru/units.json: not among the artifacts": lambda: found.exact(
            "", "rnn/mnist/gru/units.json", "a"
        ),
        "results/rnn/mnist/tied/units.json: no 'average_1'; it has average_0": lambda: found.exact(
            "", "rnn/mnist/tied/units.json", "average_1"
        ),
        "average_0: got None, need a number": lambda: found.exact("", "rnn/mnist/tied/units.json", "average_0"),
    }
    for line, call in broken.items():
        with pytest.raises(InputError, match=re.escape(line)) as raised:
            call()
        assert "\n" not in str(raised.value)
    with pytest.raises(InputError, match="baselines"):
        judge(claim("not-identity"), evidence(tmp_path, rnn__mnist__tied__metrics={"cross_entropy": 0.1}))


def test_a_missing_row_is_not_measured_and_a_missing_column_is_an_error(tmp_path: Path) -> None:
    """A machine may be too small for one method; a table of another make is a mistake."""
    found = evidence(tmp_path, timing__scoring=scoring(1, 1, 1))
    with pytest.raises(NotMeasuredError, match="third"):
        found.timed("", "timing/scoring.csv", size="third", method="loop")
    with pytest.raises(InputError, match="no column 'depth'"):
        found.column("timing/scoring.csv", "depth")


def test_a_number_of_one_run_is_uncertain_and_one_of_several_seeds_as_they_differ(tmp_path: Path) -> None:
    """The error of seeds where there are some; else a share of the number."""
    found = evidence(
        tmp_path, a__summary={"x": {"n_seeds": 3, "y": 2.0, "y_se": 0.5, "rank": 1}, "z": {"n_seeds": 1, "y": 2.0}}
    )
    assert found.seeded("", "a/summary.json", "x", "y").error == 0.5
    assert found.seeded("", "a/summary.json", "x", "rank").error == 0
    assert found.seeded("", "a/summary.json", "z", "y").error == pytest.approx(0.04)


# --- the claims themselves ------------------------------------------------------------------------


def test_all_claims_are_complete_and_those_that_must_be_there_are() -> None:
    """A judge or a reason for each, and words for all that is shown."""
    names = [one.id for one in CLAIMS]
    assert len(names) == len(set(names)) > 60
    assert set(NOTES_NAMED.split()) <= set(names)
    for one in CLAIMS:
        assert one.statement.endswith(".")
        assert one.topic
        assert one.note[0] in "AB"
        assert (one.judge is None) == bool(one.untestable)
        assert one.judge is None or one.measured != "nothing"
    assert sum(one.judge is None for one in CLAIMS) < 6


def test_no_verdict_is_typed_in() -> None:
    """The data file has no verdict, and a claim without a judge must say why."""
    said = (ROOT / "src/relatent/claims/claims.toml").read_text(encoding="utf-8")
    assert "verdict" not in said
    with pytest.raises(InputError, match="judge or the reason"):
        replace(claim("spread"), judge=None)
    with pytest.raises(InputError, match="no claim is called nothing-such"):
        read_claims({"nothing-such": lambda found: []})


def test_a_claim_without_a_judge_is_not_testable(tmp_path: Path) -> None:
    """Keras, for one: listed as outside."""
    judged = judge(claim("keras-merge"), evidence(tmp_path))
    assert judged.verdict == "not testable"
    assert "outside the project" in judged.why


def shown(tmp_path: Path) -> dict:
    judged = {name: judge(claim(name), evidence(tmp_path, **CASES[name][0][0])) for name in ("spread", "mlp-fastest")}
    return as_json(judged | {"keras-merge": judge(claim("keras-merge"), evidence(tmp_path))})


def test_the_page_stands_alone_and_escapes_what_it_shows(tmp_path: Path) -> None:
    """No request, no script, a width for telephones, each claim with its verdict in words."""
    claims = shown(tmp_path)
    claims["spread"]["why"] = "<b>&"
    page = as_html(claims)
    assert not re.search(r"<script|https?://|src=|<link", page)
    assert 'name="viewport"' in page
    assert "&lt;b&gt;&amp;" in page
    for name, one in claims.items():
        assert f'id="{name}"' in page
        assert f"{markdown.MARKS[one['verdict']]} {one['verdict']}" in page
    assert claims["mlp-fastest"]["seconds"]
    assert not claims["spread"]["seconds"]


def test_the_table_replaces_what_stands_between_the_markers(tmp_path: Path) -> None:
    """What is around stays; without markers it is one line."""
    table = markdown.headlines(shown(tmp_path))
    text = f"before\n{markdown.BEGIN}\nstale\n{markdown.END}\nafter\n"
    written = markdown.between_markers(text, table, path=Path("R.md"))
    assert "stale" not in written
    assert written.startswith("before\n")
    assert written.endswith("after\n")
    assert markdown.between_markers(written, table, path=Path("R.md")) == written
    assert "| The MLP trains fastest. | ✔ holds | seconds per epoch: MLP 5.00 ± 0.10; LSTM 9.00 ± 0.10 |" in table
    with pytest.raises(InputError, match=r"R\.md: needs the lines"):
        markdown.between_markers("nothing", table, path=Path("R.md"))


@pytest.mark.parametrize("name", ["params.yaml", "demo/params.yaml"])
def test_the_parameters_name_runs_that_exist(name: str, tmp_path: Path) -> None:
    """An unknown run of text_vae stops before any job, in one line."""
    assert load(ROOT / name)["claims"]["perceptron"] == "mlp"
    broken = tmp_path / "params.yaml"
    broken.write_text((ROOT / name).read_text().replace("  perceptron: mlp ", "  perceptron: mpl "))
    with pytest.raises(InputError, match=r"claims\.perceptron: got 'mpl', allowed: mlp"):
        load(broken)


# --- what is committed ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def committed() -> dict:
    return json.loads((ROOT / "results/claims.json").read_text(encoding="utf-8"))


def test_readme_and_docs_are_what_make_docs_writes_of_the_committed_claims(committed: dict) -> None:
    """Nobody edits the table, and nobody forgets it."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert markdown.between_markers(readme, markdown.headlines(committed), path=Path("README.md")) == readme
    assert (ROOT / "docs/claims.md").read_text(encoding="utf-8") == markdown.every_claim(committed)


def test_the_committed_claims_are_all_claims_as_they_are_worded_now(committed: dict) -> None:
    """The run was of these claims."""
    assert {name: one["statement"] for name, one in committed.items()} == {one.id: one.statement for one in CLAIMS}
