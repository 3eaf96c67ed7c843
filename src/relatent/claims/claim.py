"""Read the claims and judge each of them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relatent.claims.artifacts import Evidence, NotMeasuredError
from relatent.claims.rules import Finding, Verdict, verdict_of
from relatent.errors import InputError

Judge = Callable[[Evidence], Iterable[Finding]]
TEXTS = Path(__file__).with_name("claims.toml")


@dataclass(frozen=True)
class Claim:
    """One statement of the notes.

    Attributes
    ----------
    id : short, for links.
    topic : the heading that it stands under.
    statement : what the notes say, in our words.
    note : which note says it.
    measured : what is measured here, and how.
    untestable : why it cannot be measured; given if and only if there is no judge.
    headline : whether README shows it.
    quantity : what its first numbers measure, in a few words, for README.
    figures : paths of figures that show it, below results/figures, without ".png".
    judge : function from numbers to comparisons.
    """

    id: str
    topic: str
    statement: str
    note: str
    measured: str = "nothing"
    untestable: str = ""
    headline: bool = False
    quantity: str = ""
    figures: Sequence[str] = ()
    judge: Judge | None = None

    def __post_init__(self) -> None:
        if (self.judge is None) != bool(self.untestable):
            raise InputError(f"claim {self.id}: needs either a judge or the reason why it cannot be tested")


def read_claims(judges: Mapping[str, Judge], texts: Path = TEXTS) -> tuple[Claim, ...]:
    """Read the claims of a TOML file and join each with its judge; InputError if a judge has no
    claim or the reverse."""
    with texts.open("rb") as file:
        said = tomllib.load(file)
    if strangers := judges.keys() - said.keys():
        raise InputError(f"{texts.name}: no claim is called {', '.join(sorted(strangers))}")
    return tuple(Claim(name, **_stripped(keys), judge=judges.get(name)) for name, keys in said.items())


def _stripped(keys: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value.strip() if isinstance(value, str) else value for key, value in keys.items()}


@dataclass(frozen=True)
class Judged:
    """A claim with its verdict, the comparisons that led to it, and why, in one sentence."""

    claim: Claim
    verdict: Verdict
    findings: tuple[Finding, ...]
    why: str

    def as_json(self) -> dict[str, Any]:
        """Return everything in JSON's types."""
        return {
            "topic": self.claim.topic,
            "statement": self.claim.statement,
            "note": self.claim.note,
            "measured": self.claim.measured,
            "verdict": self.verdict,
            "why": self.why,
            "seconds": any("timing/" in number.source for finding in self.findings for number in finding.numbers),
            "headline": self.claim.headline,
            "quantity": self.claim.quantity,
            "figures": list(self.claim.figures),
            "comparisons": [
                {
                    "asked": finding.asked,
                    "holds": finding.holds,
                    "numbers": [
                        {
                            "label": number.label,
                            "value": number.value,
                            "std_error": number.error,
                            "runs": number.runs,
                            "source": number.source,
                        }
                        for number in finding.numbers
                    ],
                }
                for finding in self.findings
            ],
        }


def judge(claim: Claim, evidence: Evidence) -> Judged:
    """Judge one claim; InputError names an artifact that is missing or damaged."""
    if claim.judge is None:
        return Judged(claim, "not testable", (), claim.untestable)
    try:
        findings = tuple(claim.judge(evidence))
    except NotMeasuredError as reason:
        return Judged(claim, "not testable", (), f"{reason}")
    verdict = verdict_of(findings)
    failed = [finding.asked for finding in findings if not finding.holds]
    if verdict == "holds":
        why = f"{counted(len(findings), 'comparison')} hold" + ("s" if len(findings) == 1 else "")
    elif verdict == "holds in part":
        why = f"{len(findings) - len(failed)} of {counted(len(findings), 'comparison')} hold; not: {'; '.join(failed)}"
    else:
        why = f"none of {counted(len(findings), 'comparison')} holds: {'; '.join(failed)}"
    return Judged(claim, verdict, findings, why)


def counted(n: int, noun: str) -> str:
    """Write a number with its noun.

    Examples
    --------
    >>> counted(1, "comparison"), counted(2, "comparison")
    ('1 comparison', '2 comparisons')
    """
    return f"{n} {noun}" + ("" if n == 1 else "s")


def judge_all(claims: Iterable[Claim], evidence: Evidence) -> dict[str, Judged]:
    """Judge claims in their order; return {id: judgement}."""
    return {claim.id: judge(claim, evidence) for claim in claims}


def as_json(judged: Mapping[str, Judged]) -> dict[str, Any]:
    """Return all judgements in JSON's types, by id."""
    return {name: one.as_json() for name, one in judged.items()}
