"""The claims as one self-contained HTML page: no script, no request, fit for telephones, verdicts in words."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from latents.claims.markdown import MARKS, counts, rounded
from latents.claims.rules import RULE

COLOURS = {"holds": "#0072B2", "holds in part": "#8a6d00", "does not hold": "#b34700", "not testable": "#555555"}
STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; max-width: 60rem; }
body { margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2rem; border-bottom: 1px solid #ccc; }
article { border-left: .35rem solid var(--verdict); padding: .1rem 0 .1rem .8rem; margin: 1.2rem 0; }
article h3 { font-size: 1rem; margin: .2rem 0; } p { margin: .3rem 0; overflow-wrap: anywhere; }
.verdict { color: var(--verdict); font-weight: 700; white-space: nowrap; }
.small { color: #444; font-size: .875rem; }
details { margin: .3rem 0; } summary { cursor: pointer; color: #333; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; }
th, td { text-align: left; vertical-align: top; padding: .25rem .5rem .25rem 0; border-top: 1px solid #ddd; }
th, td { overflow-wrap: anywhere; }
td.number { white-space: nowrap; font-variant-numeric: tabular-nums; }
@media (max-width: 40rem) {
  thead { display: none; } tr, td { display: block; } tr { border-top: 1px solid #ddd; padding: .4rem 0; }
  td { border: 0; padding: 0; } td.number { white-space: normal; }
}
"""


def as_html(claims: Mapping[str, Any]) -> str:
    """The page.

    Parameters
    ----------
    claims : what `latents.claims.as_json` gives.
    """
    topics: dict[str, list[str]] = {}
    for name, claim in claims.items():
        topics.setdefault(claim["topic"], []).append(_article(name, claim))
    body = "".join(
        f"<section><h2>{escape(topic)}</h2>{''.join(of_topic)}</section>" for topic, of_topic in topics.items()
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>The claims of the notes</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head><body>'
        f"<h1>The claims of the notes</h1><p>{escape(counts(claims))}</p><p class=small>{escape(RULE)}</p>"
        f"{body}</body></html>\n"
    )


def _article(name: str, claim: Mapping[str, Any]) -> str:
    verdict = claim["verdict"]
    rows = "".join(
        f"<tr><td>{'yes' if comparison['holds'] else 'no'}: {escape(comparison['asked'])}</td>"
        f"<td class=number>{'<br>'.join(_number(number) for number in comparison['numbers'])}</td>"
        f"<td class=small>{'<br>'.join(_sources(comparison))}</td></tr>"
        for comparison in claim["comparisons"]
    )
    head = "<thead><tr><th>comparison</th><th>numbers</th><th>from</th></tr></thead>"
    details = f"<details><summary>Numbers</summary><table>{head}<tbody>{rows}</tbody></table></details>" if rows else ""
    return (
        f'<article id="{escape(name)}" style="--verdict: {COLOURS[verdict]}"><h3>{escape(claim["statement"])}</h3>'
        f"<p><span class=verdict>{MARKS[verdict]} {verdict}</span>: {escape(claim['why'])}</p>"
        f"<p class=small>Measured: {escape(claim['measured'])}</p><p class=small>Notes {escape(claim['note'])}</p>"
        f"{details}</article>"
    )


def _sources(comparison: Mapping[str, Any]) -> list[str]:
    return [escape(source) for source in dict.fromkeys(number["source"] for number in comparison["numbers"])]


def _number(number: Mapping[str, Any]) -> str:
    runs = f" (n = {number['runs']})" if number["runs"] > 1 else ""
    return f"{escape(number['label'])}: {rounded(number['value'], number['std_error'])}{runs}"
