"""Each claim of the notes: what it says, what is measured, and the verdict that the numbers give.

Knows result files, never models. `CLAIMS` are all of them, in the order of the notes.
"""

from relatent.claims import faces, networks, ordering, sequences
from relatent.claims import speed as evaluation
from relatent.claims.artifacts import Evidence, Terms
from relatent.claims.claim import Claim, Judged, as_json, judge, judge_all, read_claims
from relatent.claims.rules import VERDICTS, Finding, Number, verdict_of

CLAIMS = read_claims(networks.JUDGES | evaluation.JUDGES | faces.JUDGES | ordering.JUDGES | sequences.JUDGES)

__all__ = [
    "CLAIMS",
    "VERDICTS",
    "Claim",
    "Evidence",
    "Finding",
    "Judged",
    "Number",
    "Terms",
    "as_json",
    "judge",
    "judge_all",
    "verdict_of",
]
