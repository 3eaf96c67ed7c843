"""Stage `text_vae`: train VAEs of the newsgroups with several inference networks.

A unigram model, LDA and tf-idf are measured on the same documents.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from pydantic import Field

from relatent.jobs.params import Name, Section, Structural, WithDefaults, load_section, named_run
from relatent.stages.shared.command import PARAMS, Params, ProbeFile, run, stage
from relatent.stages.shared.sections import Compute

if TYPE_CHECKING:
    from relatent.text.encoders import Documents

Widths = Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)]


class Run(Section):
    """Configure one named run: the inference network, the sizes and the training."""

    encoder: Literal["mlp", "lstm", "gru", "both"]
    latent_dim: int = Field(ge=1, le=1000)
    encoder_widths: Widths
    embedding: int = Field(ge=1)
    n_units: int = Field(ge=1)
    epochs: int = Field(ge=1)
    warm_up_epochs: float = Field(ge=0)
    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0, le=1)
    seed: int = Field(ge=0)


class Lda(Section):
    """Configure latent Dirichlet allocation, with which the VAEs are compared."""

    topics: int = Field(ge=2)
    passes: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    seed: int = Field(ge=0)


class TextVAE(WithDefaults):
    """Configure the runs and their measures."""

    runs: Annotated[dict[Name, Run], Field(min_length=1), Structural()]
    corpus: Annotated[Name, Structural()]
    max_tokens: int = Field(ge=1)
    elbo_samples: int = Field(ge=1)
    bound_samples: int = Field(ge=1)
    top_words: int = Field(ge=1)
    neighbours: int = Field(ge=1)
    lda: Lda


RunName = Annotated[str, typer.Option("--run", help="Run, a key of text_vae.runs.")]
WordsFile = Annotated[Path, typer.Option(help="HDF5 of the stage text.")]
MetricsFile = Annotated[Path, typer.Option(help="JSON to write: perplexities and measures of retrieval.")]
TopicsFile = Annotated[Path, typer.Option(help="CSV to write: top words per topic.")]

SECTION = TextVAE
HEADLINES = ["perplexity_documents", "perplexity_words", "bound_documents", "precision@100", "knn"]
AXES = {"history.csv": ("epoch", "validation_reconstruction")}

app = stage("Train VAEs of documents; measure perplexity, retrieval and topics beside a unigram model and LDA.")


@app.command()
def train(
    run_name: RunName,
    words: WordsFile,
    model: Annotated[Path, typer.Option(help="Weights to write (safetensors).")],
    history: Annotated[Path, typer.Option(help="CSV to write: one row per epoch, in nats per word.")],
    probe: ProbeFile = None,
    params: Params = PARAMS,
) -> None:
    """Train one run. A killed training resumes after its last complete epoch."""
    from relatent.files.tables import write_csv
    from relatent.files.weights import write_weights
    from relatent.networks.probes import probing
    from relatent.networks.recipe import Journal
    from relatent.networks.training import set_threads
    from relatent.stages.shared.checkpoint import checkpoint_path, discard
    from relatent.text import vae_training

    compute, section = load_section(Compute, "compute", params), load_section(TextVAE, "text_vae", params)
    settings = named_run(section.runs, run_name)
    job = f"text_vae-{run_name}"
    checkpoint = checkpoint_path(job, [settings, compute], [words])
    set_threads(compute.threads)
    training, validation = (read(words, role, section.max_tokens) for role in ("train", "validation"))
    with probing(probe) as marks:
        trained, architecture, fitted = vae_training.train(
            training,
            validation,
            vae_training.Options(**settings.model_dump()),
            device=compute.device,
            journal=Journal(checkpoint, marks),
        )
    write_weights(model, trained.state_dict(), architecture)
    write_csv(history, fitted.history)
    discard(job)


@app.command()
def evaluate(
    words: WordsFile,
    model: Annotated[Path, typer.Option(help="Trained weights (safetensors).")],
    metrics: MetricsFile,
    topics: TopicsFile,
    embeddings: Annotated[Path, typer.Option(help="HDF5 to write: train, test, train_labels, test_labels.")],
    params: Params = PARAMS,
) -> None:
    """Measure perplexity and retrieval of one run; store its embeddings and top words."""
    import torch

    from relatent.files.hdf5 import read_hdf5, write_hdf5
    from relatent.files.tables import write_csv, write_json
    from relatent.files.weights import read_weights
    from relatent.networks.training import set_threads
    from relatent.text import vae_measure
    from relatent.text.vae import load
    from relatent.vae.measure import active_units

    section = load_section(TextVAE, "text_vae", params)
    set_threads(1)
    trained = load(*read_weights(model))
    roles = {role: read(words, role, section.max_tokens) for role in ("train", "validation", "test")}
    measured: dict[str, Any] = {}
    for role in ("validation", "test"):
        parts = vae_measure.measure(
            trained,
            roles[role],
            elbo_samples=section.elbo_samples,
            bound_samples=section.bound_samples,
            generator=torch.Generator().manual_seed(0),
        )
        measured |= vae_measure.summary(parts, prefix=f"{role}_" if role != "test" else "")
    rows = {role: vae_measure.embed(trained, roles[role]) for role in ("train", "test")}
    labels = dict(zip(("train", "test"), read_hdf5(words, "train_labels", "test_labels"), strict=True))
    measured |= {"active_units": active_units(rows["train"]), "latent_dim": trained.latent_dim}
    write_json(metrics, measured | retrieval(rows, labels, section.neighbours))
    write_hdf5(embeddings, rows | {f"{role}_labels": values for role, values in labels.items()}, dataset="newsgroups")
    (names,) = read_hdf5(words, "words")
    # (2 * latent_dim, n_words): each dimension upwards and downwards
    gains = vae_measure.gains(trained)
    write_csv(topics, topic_rows(vae_measure.top_words(gains, names.tolist(), count=section.top_words)))


@app.command()
def peers(
    words: WordsFile,
    metrics: MetricsFile,
    topics: TopicsFile,
    params: Params = PARAMS,
) -> None:
    """Measure a unigram model, LDA and tf-idf on the same words and documents."""
    from relatent.files.hdf5 import open_hdf5, read_hdf5, rows_of
    from relatent.files.tables import write_csv, write_json
    from relatent.text.lda import fit_lda, unigram
    from relatent.text.vae import with_words
    from relatent.text.vae_measure import perplexity, top_words

    section = load_section(TextVAE, "text_vae", params)
    roles = {role: read(words, role, section.max_tokens) for role in ("train", "test")}
    kept = {role: documents.counts[with_words(documents).numpy()] for role, documents in roles.items()}
    labels = dict(zip(("train", "test"), read_hdf5(words, "train_labels", "test_labels"), strict=True))
    model = fit_lda(kept["train"], **section.lda.model_dump())
    test, n_words = kept["test"], kept["test"].sum(axis=1)
    with open_hdf5(words) as file:
        tfidf = {role: rows_of(file, f"{role}_tfidf") for role in roles}
        names = rows_of(file, "words")[...].tolist()
    proportions = {role: model.proportions(documents.counts) for role, documents in roles.items()}
    measured = {
        "unigram": named(perplexity(test @ unigram(kept["train"]), n_words)),
        "lda": named(perplexity(model.bound(test), n_words)) | retrieval(proportions, labels, section.neighbours),
        "tfidf": retrieval(tfidf, labels, section.neighbours),
    }
    write_json(metrics, measured)
    write_csv(topics, topic_rows(top_words(model.topics, names, count=section.top_words)))


def read(path: Path, role: str, max_tokens: int) -> Documents:
    """Return the documents of a role: counts, and sequences of words of the vocabulary."""
    from relatent.files.hdf5 import open_hdf5, rows_of
    from relatent.text.encoders import Documents
    from relatent.text.files import read_sequences

    with open_hdf5(path) as file:
        counts = rows_of(file, f"{role}_counts")
    sequences = read_sequences(path, role)
    return Documents(counts, sequences.selected(sequences.values < counts.shape[1]), max_tokens=max_tokens)


def retrieval(rows: dict[str, Any], labels: dict[str, Any], neighbours: int) -> dict[str, float]:
    """Rank training documents for each test document by cosine; also return the accuracy of kNN."""
    from relatent.ranking.evaluation import evaluate
    from relatent.representations.classifiers import nearest_neighbours

    sides = rows["test"], rows["train"], labels["test"], labels["train"]
    means = evaluate(*sides, score="cosine", cutoffs=(100,)).means()
    nearest = nearest_neighbours(rows["train"], rows["test"], labels["train"], k=neighbours, score="cosine")
    return {
        "precision@100": means["precision@100"],
        "map": means["map"],
        "ndcg@100": means["ndcg@100"],
        "knn": float((nearest == labels["test"]).mean()),
    }


def named(averages: dict[str, float]) -> dict[str, float]:
    """Name perplexities as metrics do, {`perplexity_<name>`: value}."""
    return {f"perplexity_{name}": value for name, value in averages.items()}


def topic_rows(topics: list[list[str]]) -> list[dict[str, Any]]:
    """Return one table row per topic."""
    return [{"topic": number, "words": " ".join(words)} for number, words in enumerate(topics, start=1)]


if __name__ == "__main__":
    run(app)
