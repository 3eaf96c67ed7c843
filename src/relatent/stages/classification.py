"""Stage `classification`: classify the test items of a representation by kNN and a linear SVM."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from pydantic import Field

from relatent.jobs.params import Section, load_section
from relatent.stages.shared.command import PARAMS, Params, run, stage
from relatent.stages.shared.sections import Scores


class Classification(Section):
    """Configure the two classifiers."""

    neighbours: int = Field(ge=1)
    svm_cost: float = Field(gt=0)
    svm_items: int = Field(ge=10)
    seed: int = Field(ge=0)


SECTION = Classification
HEADLINES = ["knn", "linear_svm"]

app = stage("Classify the test items of a representation: kNN and linear SVM.")


@app.command()
def evaluate(
    dataset: Annotated[str, typer.Option(help="Data set, a key of the section scores.")],
    representation: Annotated[Path, typer.Option(help="HDF5 with train, train_labels, test, test_labels.")],
    metrics: Annotated[Path, typer.Option(help="JSON to write: accuracy of both classifiers.")],
    params: Params = PARAMS,
) -> None:
    """Train both classifiers on the training items; measure their accuracy on the test items."""
    import numpy as np

    from relatent.files.hdf5 import read_hdf5
    from relatent.files.tables import write_json
    from relatent.representations import classifiers as classification

    section = load_section(Classification, "classification", params)
    score = load_section(Scores, "scores", params).of(dataset)
    train, test, train_labels, test_labels = read_hdf5(representation, "train", "test", "train_labels", "test_labels")
    nearest = classification.nearest_neighbours(train, test, train_labels, k=section.neighbours, score=score)
    generator = np.random.default_rng(section.seed)
    linear = classification.linear_svm(
        train, test, train_labels, cost=section.svm_cost, items=section.svm_items, generator=generator
    )
    accuracies = {"knn": (nearest == test_labels).mean(), "linear_svm": (linear == test_labels).mean()}
    write_json(metrics, accuracies | {"neighbours": section.neighbours, "n_test": len(test_labels)})


if __name__ == "__main__":
    run(app)
