"""`relatent rank`: print exact ranking metrics of two files of rows."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

ROWS = "file or file:name; HDF5, npy or npz, an array (n, d) or scipy's sparse rows."


def rank(
    queries: Annotated[str, typer.Option(help=f"Query rows: {ROWS}")],
    database: Annotated[str, typer.Option(help=f"Rows to rank: {ROWS}")],
    query_labels: Annotated[str, typer.Option(help="Their labels, (n,); default: `labels` in their file.")] = "",
    database_labels: Annotated[str, typer.Option(help="Their labels, (n,); default: `labels` in their file.")] = "",
    score: Annotated[str, typer.Option(help="cosine, dot, l2 or hamming.")] = "cosine",
    cutoffs: Annotated[str, typer.Option(help="Ranks, separated by commas.")] = "10,100,1000",
    ties: Annotated[str, typer.Option(help="expected or trec.")] = "expected",
    exclude_self: Annotated[bool, typer.Option(help="Leave row i out of query i's ranking.")] = False,
    max_mb: Annotated[int, typer.Option(help="Working memory in MiB beyond the inputs.")] = 256,
    threads: Annotated[int, typer.Option(help="Worker threads; 0: all cores. Results do not depend on it.")] = 0,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    output: Annotated[Path | None, typer.Option(help="Also write the means as JSON.")] = None,
) -> None:
    """Rank all rows of the database for every query and print the metrics."""
    from tqdm import tqdm

    from relatent.files.tables import write_json
    from relatent.ranking import evaluate
    from relatent.tools.rows import open_labels, open_rows

    with ExitStack() as stack:
        sides = [open_rows(spec, stack, name="embeddings") for spec in (queries, database)]
        labels = [
            open_labels(rows, spec, stack, option=option)[...]
            for rows, spec, option in (
                (queries, query_labels, "--query-labels"),
                (database, database_labels, "--database-labels"),
            )
        ]
        bar = stack.enter_context(tqdm(total=sides[0].shape[0], unit="query", file=sys.stderr, disable=None))
        result = evaluate(
            *sides,
            *labels,
            score=score,
            cutoffs=numbers(cutoffs),
            ties=ties,
            exclude_self=exclude_self,
            max_bytes=max_mb * 2**20,
            threads=threads or None,
            device=device,
            progress=bar.update,
        )
    if output is not None:
        write_json(output, result.means())
    typer.echo(result.table())


def numbers(text: str) -> list[int]:
    """Parse whole numbers separated by commas."""
    from relatent.errors import InputError

    try:
        return [int(word) for word in text.split(",")]
    except ValueError:
        raise InputError(f"--cutoffs: got {text!r}, allowed: whole numbers separated by commas, as 10,100") from None
