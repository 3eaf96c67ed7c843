"""Stage `text`: tokenise the newsgroups; store counts, tf-idf and sequences per protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import Field

from relatent.errors import InputError
from relatent.jobs.params import Name, Section, Structural, WithDefaults, load_section
from relatent.stages.shared.command import PARAMS, Params, run, stage


class Corpus(Section):
    """Configure one protocol: the roles of documents, their parts and words that count."""

    split: Literal["bydate", "random"]
    validation: float = Field(gt=0, lt=1)
    test: float = Field(ge=0, lt=1)
    headers: list[str] | None
    footers: bool
    quotes: bool
    min_letters: int = Field(ge=1)
    stop_words: bool
    vocabulary: int = Field(ge=1)
    min_documents: int = Field(ge=1)
    max_share: float = Field(gt=0, le=1)
    seed: int = Field(ge=0)


class Text(WithDefaults):
    """Configure the protocols."""

    corpora: Annotated[dict[Name, Corpus], Field(min_length=1), Structural()]


SECTION = Text

app = stage("Tokenise the newsgroups; store counts, tf-idf and sequences of each role.")


@app.command()
def prepare(
    corpus: Annotated[str, typer.Option(help="Protocol, a key of text.corpora.")],
    documents: Annotated[Path, typer.Option(help="HDF5 of the stage newsgroups.")],
    words: Annotated[Path, typer.Option(help="HDF5 to write: vocabulary, counts, tf-idf and sequences by role.")],
    metrics: Annotated[Path, typer.Option(help="JSON to write: numbers of documents, words and groups.")],
    params: Params = PARAMS,
) -> None:
    """Tokenise all documents, choose the vocabulary on the training documents, store all roles."""
    from relatent.files.tables import write_json
    from relatent.text.files import Protocol, write_corpus

    corpora = load_section(Text, "text", params).corpora
    if corpus not in corpora:
        raise InputError(f"--corpus: got {corpus!r}, allowed: {', '.join(corpora)}")
    write_json(metrics, write_corpus(documents, words, Protocol(**corpora[corpus].model_dump())))


if __name__ == "__main__":
    run(app)
