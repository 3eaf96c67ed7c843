"""Stage `text`: tokens, vocabulary, counts, tf-idf and ragged sequences of the newsgroups, one file a protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import Field

from latents.errors import InputError
from latents.jobs.params import Name, Section, Structural, load_section
from latents.stages.shared.command import PARAMS, Log, Params, run, stage


class Corpus(Section):
    """One protocol: which documents have which role, what of them is kept, which words count."""

    split: Literal["bydate", "random"] = Field(description="bydate or random")
    validation: float = Field(gt=0, lt=1, description="a share of the documents between 0 and 1")
    test: float = Field(ge=0, lt=1, description="a share of the documents from 0, below 1")
    headers: list[str] | None = Field(description="a list of header names to keep, or null for all")
    footers: bool = Field(description="true or false")
    quotes: bool = Field(description="true or false")
    min_letters: int = Field(ge=1, description="a whole number of letters from 1")
    stop_words: bool = Field(description="true or false")
    vocabulary: int = Field(ge=1, description="a whole number of words from 1")
    min_documents: int = Field(ge=1, description="a whole number of documents from 1")
    max_share: float = Field(gt=0, le=1, description="a share of the documents above 0, at most 1")
    seed: int = Field(ge=0, description="a seed from 0")


class Text(Section):
    """The protocols."""

    corpora: Annotated[dict[Name, Corpus], Field(min_length=1, description="named protocols"), Structural()]


app = stage("Tokenise the newsgroups; store counts, tf-idf and sequences of each role.")


@app.command()
def prepare(
    corpus: Annotated[str, typer.Option(help="A key of the section text.corpora.")],
    documents: Annotated[Path, typer.Option(help="HDF5 of the stage newsgroups.")],
    words: Annotated[Path, typer.Option(help="HDF5 to write.")],
    metrics: Annotated[Path, typer.Option(help="JSON to write: what was counted.")],
    params: Params = PARAMS,
    log: Log = None,
) -> None:
    """Tokenise all documents, choose the words on the training ones, store every role."""
    from latents.files.tables import write_json
    from latents.text.files import Protocol, write_corpus

    corpora = load_section(Text, "text", params).corpora
    if corpus not in corpora:
        raise InputError(f"--corpus: got {corpus!r}, allowed: {', '.join(corpora)}")
    write_json(metrics, write_corpus(documents, words, Protocol(**corpora[corpus].model_dump())))


if __name__ == "__main__":
    run(app)
