"""Stage `representations`: store pixels, principal components, tf-idf and faces as rows to rank.

A representation is an HDF5 file with the rows `train` and `test` and the integers `train_labels`
and `test_labels`. Rows are dense, or sparse as `relatent.files.hdf5.add_csr` stores them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import Field

from relatent.jobs.params import Section, load_section
from relatent.stages.shared.command import PARAMS, Params, run, stage


class Tfidf(Section):
    """Configure which words are counted."""

    vocabulary: int = Field(ge=1)
    min_documents: int = Field(ge=1)
    max_share: float = Field(gt=0, le=1)


class Representations(Section):
    """Configure the plain representations."""

    pca_components: int = Field(ge=1, le=784)
    tfidf: Tfidf


DigitsFile = Annotated[Path, typer.Option(help="HDF5 of the stage digits.")]
Output = Annotated[Path, typer.Option(help="HDF5 to write: train, test, train_labels, test_labels.")]

SECTION = Representations

app = stage("Store representations to rank: pixels, principal components, tf-idf, faces.")


@app.command()
def pixels(digits: DigitsFile, representation: Output) -> None:
    """Store digits as rows of 784 intensities."""
    from relatent.files.hdf5 import read_hdf5, write_hdf5
    from relatent.representations import plain as representations

    train, test, *labels = read_hdf5(digits, "train_images", "test_images", "train_labels", "test_labels")
    rows = [representations.pixels(train), representations.pixels(test)]
    write_hdf5(representation, dict(zip(NAMES, [*rows, *labels], strict=True)), dataset="mnist")


@app.command()
def pca(digits: DigitsFile, representation: Output, params: Params = PARAMS) -> None:
    """Store digits as coordinates along the principal components of the training digits."""
    from relatent.files.hdf5 import read_hdf5, write_hdf5
    from relatent.representations import plain as representations

    section = load_section(Representations, "representations", params)
    train, test, *labels = read_hdf5(digits, "train_images", "test_images", "train_labels", "test_labels")
    rows = representations.principal_components(
        representations.pixels(train), representations.pixels(test), count=section.pca_components
    )
    write_hdf5(representation, dict(zip(NAMES, [*rows, *labels], strict=True)), dataset="mnist")


@app.command()
def tfidf(
    documents: Annotated[Path, typer.Option(help="HDF5 of the stage newsgroups.")],
    representation: Output,
    params: Params = PARAMS,
) -> None:
    """Store the documents of the newsgroups as tf-idf rows."""
    from relatent.files.hdf5 import add_csr, add_dataset, create_hdf5, read_hdf5
    from relatent.representations import plain as representations

    section = load_section(Representations, "representations", params)
    train, test, *labels = read_hdf5(documents, "train_text", "test_text", "train_labels", "test_labels")
    rows = representations.tfidf(train.tolist(), test.tolist(), **section.tfidf.model_dump())
    with create_hdf5(representation, dataset="newsgroups") as file:
        for name, side in zip(NAMES[:2], rows, strict=True):
            add_csr(file, name, side)
        for name, values in zip(NAMES[2:], labels, strict=True):
            add_dataset(file, name, values.shape, values.dtype)[...] = values


@app.command()
def faces(
    faces: Annotated[Path, typer.Option(help="HDF5 of the stage faces.")],
    features: Annotated[Path, typer.Option(help="HDF5 of features of the stage autoencoder.")],
    of: Annotated[Literal["aligned", "frontal", "autoencoder"], typer.Option(help="Representation of a face.")],
    representation: Output,
) -> None:
    """Store faces of held-out people: half of each one's photographs as train, the others as test.

    Photographs are split, not people: a query needs other photographs of the same person to find.
    """
    import json

    import numpy as np

    from relatent.files.hdf5 import open_hdf5, read_hdf5, write_hdf5
    from relatent.representations import plain as representations

    role, row, person, rows = read_hdf5(features, "role", "row", "person", "features")
    with open_hdf5(features) as file:
        chosen = np.flatnonzero(role == json.loads(file.attrs["roles"]).index("held_out"))
    rows = rows[chosen]
    if of != "autoencoder":
        with open_hdf5(faces) as file:
            rows = file[of][row[chosen]].reshape(len(chosen), -1)
    labels = np.unique(person[chosen], return_inverse=True)[1]
    sides = representations.gallery_and_probes(labels)
    arrays = [values[side] for values in (rows, labels) for side in sides]
    write_hdf5(representation, dict(zip(NAMES, arrays, strict=True)), dataset="lfw")


NAMES = ("train", "test", "train_labels", "test_labels")

if __name__ == "__main__":
    run(app)
