"""docs/hashing.md says what results/ holds: its tables, and what it claims of collapse."""

import re

import pytest

from relatent.files.tables import read_json
from relatent.published import tables as comparison
from relatent.stages.published import NAMES, order
from tests.support.harness import ROOT

RESULTS = ROOT / "results/hashing"
LEARNED = ("vdsh", "vdsh_s", "vdsh_sp", "nash", "nash_neighbours")


def metrics(protocol: str) -> dict[str, dict[str, float]]:
    paths = (RESULTS / protocol).glob("*/metrics.json")
    found = {path.parent.name: read_json(path) for path in paths}
    return {method: found[method] for method in sorted(found, key=order)}


@pytest.mark.parametrize("protocol", ["random", "bydate"])
def test_the_tables_are_those_of_the_results(protocol: str) -> None:
    """To the digit; the command in the page prints the new ones."""
    page = (ROOT / "docs/hashing.md").read_text(encoding="utf-8")
    (table,) = re.findall(rf"^`{protocol}`:\n\n((?:\|.*\n)+)", page, flags=re.MULTILINE)
    assert table.strip() == comparison.markdown(metrics(protocol), NAMES)


@pytest.mark.parametrize("protocol", ["random", "bydate"])
@pytest.mark.parametrize("method", LEARNED)
def test_no_learned_method_collapses(protocol: str, method: str) -> None:
    """Every bit is active, and long codes are at most .03 worse than those of 32 bits."""
    measured = metrics(protocol)[method]
    for bits in comparison.BITS:
        assert measured[f"active_bits_{bits}"] == bits
    for bits in (64, 128):
        assert measured[f"precision@100_{bits}"] >= measured["precision@100_32"] - 0.03
