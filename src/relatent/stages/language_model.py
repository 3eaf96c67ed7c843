"""Stage `language_model`: train a small word language model on the newsgroups' ragged sequences."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import Field

from relatent.jobs.params import Name, Section, Structural, load_section
from relatent.stages.shared.command import PARAMS, Params, ProbeFile, run, stage
from relatent.stages.shared.sections import Compute

if TYPE_CHECKING:
    import numpy as np

ROLES = ("train", "validation", "test")


class LanguageModel(Section):
    """Configure the corpus, the model and its training."""

    corpus: Annotated[Name, Structural()]
    words: int = Field(ge=1)
    hidden: int = Field(ge=1, le=10000)
    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    bptt: int = Field(ge=1)
    learning_rate: float = Field(gt=0, le=1)
    seed: int = Field(ge=0)


SECTION = LanguageModel
HEADLINES = ["perplexity", "unigram_perplexity"]
AXES = {"history.csv": ("epoch", "validation_cross_entropy")}

app = stage("Train a small word language model; measure its perplexity beside a unigram model.")


@app.command()
def train(
    corpus: Annotated[Path, typer.Option(help="HDF5 of the stage text.")],
    model: Annotated[Path, typer.Option(help="Weights to write (safetensors).")],
    history: Annotated[Path, typer.Option(help="CSV to write: one row per epoch, in nats per token.")],
    metrics: Annotated[Path, typer.Option(help="JSON to write: perplexities of the test documents.")],
    probe: ProbeFile = None,
    params: Params = PARAMS,
) -> None:
    """Train on the training documents. A killed training resumes after its last complete epoch."""
    import torch

    from relatent.files.tables import write_csv, write_json
    from relatent.files.weights import write_weights
    from relatent.networks.probes import probing
    from relatent.networks.recipe import Journal
    from relatent.networks.training import set_threads
    from relatent.stages.shared.checkpoint import checkpoint_path, discard
    from relatent.text import language_model

    compute = load_section(Compute, "compute", params)
    settings = load_section(LanguageModel, "language_model", params)
    job = "language_model"
    checkpoint = checkpoint_path(job, [settings, compute], [corpus])
    set_threads(compute.threads)
    documents, n_tokens = read_documents(corpus, settings.words)

    def measured(trained: Any, count: int | None = None) -> dict[str, float]:
        found = language_model.perplexities(language_model.surprises(trained, documents["test"][:count]))
        unigram = language_model.unigram_surprises(*(documents[role][:count] for role in ROLES), n_tokens=n_tokens)
        return found | {f"unigram_{name}": value for name, value in language_model.perplexities(unigram).items()}

    with probing(probe, after=lambda trained: measured(trained, settings.batch_size)) as marks:
        trained, architecture, fitted = language_model.train(
            documents["train"],
            documents["validation"],
            language_model.Options(**settings.model_dump(exclude={"corpus", "words", "seed"})),
            n_tokens=n_tokens,
            generator=torch.Generator().manual_seed(settings.seed),
            device=compute.device,
            journal=Journal(checkpoint, marks),
        )
    counts = {"n_distinct": n_tokens, "n_test_tokens": sum(map(len, documents["test"]))}
    write_weights(model, trained.state_dict(), architecture)
    write_csv(history, fitted.history)
    write_json(metrics, measured(trained) | counts)
    discard(job)


def read_documents(path: Path, words: int) -> tuple[dict[str, list[np.ndarray]], int]:
    """Return the documents by role, and the number of distinct tokens.

    Tokens are the first `words` words of the vocabulary, stop words and one for unknown words;
    documents without a token are left out.
    """
    from relatent.files.hdf5 import open_hdf5
    from relatent.text.files import read_sequences
    from relatent.text.language_model import limited

    with open_hdf5(path) as file:
        unknown, first_stop_word = int(file.attrs["unknown"]), len(file["words"])
    documents = {}
    for role in ROLES:
        found = read_sequences(path, role)
        every = [
            limited(found[number], n_words=words, first_stop_word=first_stop_word, unknown=unknown)
            for number in range(len(found))
        ]
        documents[role] = [document for document in every if len(document)]
    return documents, unknown - first_stop_word + words + 1


if __name__ == "__main__":
    run(app)
