"""`relatent rank`: print exact ranking metrics of two files of rows."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from relatent.tools.options import grouped

ROWS = "file or file:name; HDF5, npy or npz, an array (n, d) or scipy's sparse rows."


@dataclass(frozen=True, kw_only=True)
class Sides:
    """The two sides of the ranking, and their labels."""

    queries: Annotated[str, typer.Option(help=f"Query rows: {ROWS}")]
    database: Annotated[str, typer.Option(help=f"Rows to rank: {ROWS}")]
    query_labels: Annotated[str, typer.Option(help="Their labels, (n,); default: `labels` in their file.")] = ""
    database_labels: Annotated[str, typer.Option(help="Their labels, (n,); default: `labels` in their file.")] = ""


@dataclass(frozen=True, kw_only=True)
class How:
    """What is ranked by what, and which metrics are printed."""

    score: Annotated[str, typer.Option(help="cosine, dot, l2 or hamming.")] = "cosine"
    cutoffs: Annotated[str, typer.Option(help="Ranks, separated by commas.")] = "10,100,1000"
    ties: Annotated[str, typer.Option(help="expected or trec.")] = "expected"
    exclude_self: Annotated[bool, typer.Option(help="Leave row i out of query i's ranking.")] = False


@dataclass(frozen=True, kw_only=True)
class Work:
    """What the work may take, and where its result goes."""

    max_mb: Annotated[int, typer.Option(help="Working memory in MiB beyond the inputs.")] = 256
    threads: Annotated[int, typer.Option(help="Worker threads; 0: all cores. Results do not depend on it.")] = 0
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu"
    output: Annotated[Path | None, typer.Option(help="Also write the means as JSON.")] = None


@grouped
def rank(sides: Sides, how: How, work: Work) -> None:
    """Rank all rows of the database for every query and print the metrics."""
    from tqdm import tqdm

    from relatent.files.tables import write_json
    from relatent.ranking import evaluate
    from relatent.tools.rows import open_labels, open_rows

    with ExitStack() as stack:
        rows = [open_rows(spec, stack, name="embeddings") for spec in (sides.queries, sides.database)]
        labels = [
            open_labels(side, spec, stack, option=option)[...]
            for side, spec, option in (
                (sides.queries, sides.query_labels, "--query-labels"),
                (sides.database, sides.database_labels, "--database-labels"),
            )
        ]
        bar = stack.enter_context(tqdm(total=rows[0].shape[0], unit="query", file=sys.stderr, disable=None))
        result = evaluate(
            *rows,
            *labels,
            score=how.score,
            cutoffs=numbers(how.cutoffs),
            ties=how.ties,
            exclude_self=how.exclude_self,
            max_bytes=work.max_mb * 2**20,
            threads=work.threads or None,
            device=work.device,
            progress=bar.update,
        )
    if work.output is not None:
        write_json(work.output, result.means())
    typer.echo(result.table())


def numbers(text: str) -> list[int]:
    """Parse whole numbers separated by commas."""
    from relatent.errors import InputError

    try:
        return [int(word) for word in text.split(",")]
    except ValueError:
        raise InputError(f"--cutoffs: got {text!r}, allowed: whole numbers separated by commas, as 10,100") from None
