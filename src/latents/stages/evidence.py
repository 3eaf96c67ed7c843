"""Stage `evidence`: numbers that only the claims of the notes need, of artifacts that other stages made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import Field

from latents.jobs.params import Section, load_section
from latents.stages.shared.command import PARAMS, Log, Params, run, stage


class Embeddings(Section):
    """How embeddings are compared."""

    neighbours: int = Field(ge=1, description="a whole number of neighbours from 1")


class Faces(Section):
    """What is measured of faces at every stage of the way."""

    blur_px: float = Field(gt=0, le=32, description="a number of pixels above 0, at most 32")
    upward: Annotated[list[Annotated[float, Field(ge=0, le=1)]], Field(min_length=2)] = Field(
        description="a list of at least two shares between 0 and 1"
    )
    pairs: int = Field(ge=2, description="a whole number of pairs from 2")
    draws: int = Field(ge=2, description="a whole number of draws from 2")


class Units(Section):
    """RBMs on features of faces that differ by their visible units alone."""

    kinds: Annotated[list[Literal["bernoulli", "beta", "gaussian"]], Field(min_length=1)] = Field(
        description="a list of bernoulli, beta, gaussian"
    )
    seeds: int = Field(ge=2, description="a whole number of seeds from 2")
    n_hidden: int = Field(ge=1, description="a whole number from 1")
    sigma: float = Field(gt=0, lt=0.5, description="a standard deviation above 0, below 0.5")
    std: float = Field(gt=0, description="a standard deviation above 0")
    epochs: int = Field(ge=1, description="a whole number from 1")
    batch_size: int = Field(ge=1, description="a whole number from 1")
    learning_rate: float = Field(gt=0, le=1, description="a number above 0, at most 1")
    persistent: int = Field(ge=0, description="a whole number of persistent chains; 0: contrastive divergence")
    centring: float = Field(ge=0, lt=1, description="a rate from 0, below 1")
    chains: int = Field(ge=2, description="a whole number of chains from 2")
    steps: int = Field(ge=1, description="a whole number of Gibbs steps from 1")


class Bptt(Section):
    """Epochs of documents, and how often each element is used in them."""

    slots: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)] = Field(
        description="a list of whole numbers from 1"
    )
    bptt: int = Field(ge=1, description="a whole number of steps from 1")
    batches: int = Field(ge=2, description="a whole number of batches from 2")
    longest: int = Field(ge=1, description="a whole number of words from 1")
    seeds: int = Field(ge=2, description="a whole number of seeds from 2")
    epochs: int = Field(ge=2, description="a whole number of epochs from 2")


class HiddenUnits(Section):
    """The average pictures of hidden units."""

    blur_px: float = Field(gt=0, le=10, description="a number of pixels above 0, at most 10")


class EvidenceParams(Section):
    """What is measured for the claims."""

    embeddings: Embeddings
    faces: Faces
    units: Units
    bptt: Bptt
    hidden_units: HiddenUnits


FacesFile = Annotated[Path, typer.Option(help="HDF5 of the stage faces.")]
AutoencoderFile = Annotated[Path, typer.Option(help="Weights of the autoencoder.")]
FeaturesFile = Annotated[Path, typer.Option(help="HDF5 of the stage autoencoder's features.")]
Metrics = Annotated[Path, typer.Option(help="JSON to write.")]

app = stage("Measure what only the claims of the notes need.")


@app.command()
def embeddings(
    files: Annotated[list[Path], typer.Argument(help="results/vae/mnist/<run>/<seed>/embeddings.h5 of several runs.")],
    pixels: Annotated[Path, typer.Option(help="HDF5 of the digits' principal components.")],
    metrics: Metrics,
    params: Params = PARAMS,
    log: Log = None,
) -> None:
    """Neighbours that embeddings have in common, by network and seed; 4 and 9 mixed by the pixels alone."""
    from latents.files.hdf5 import read_hdf5
    from latents.files.tables import write_json
    from latents.representations.classifiers import nearest_neighbours
    from latents.stats.classes import confusion, mixing, rank_of_pair
    from latents.stats.neighbours import overlaps

    section = load_section(EvidenceParams, "evidence", params).embeddings
    of_run: dict[str, list] = {}
    for path in files:
        of_run.setdefault(path.parent.parts[-2], []).append(read_hdf5(path, "test")[0])
    train, test, train_labels, labels = read_hdf5(pixels, "train", "test", "train_labels", "test_labels")
    predicted = nearest_neighbours(train, test, train_labels, k=section.neighbours, score="l2")
    mixed = mixing(confusion(predicted, labels, int(labels.max()) + 1))
    n_classes = len(mixed)
    found = overlaps(of_run, k=section.neighbours) | {
        "pixels_mixed_4_9": float(mixed[4, 9]),
        "pixels_rank_4_9": rank_of_pair(mixed, (4, 9)),
        "pixels_mixed_mean": float(mixed.sum() / (n_classes * (n_classes - 1))),
        "n_seeds": min(map(len, of_run.values())),
        "n_test": len(labels),
    }
    write_json(metrics, found)


@app.command()
def faces(
    faces: FacesFile,
    autoencoder: AutoencoderFile,
    features: FeaturesFile,
    weights: Annotated[Path, typer.Option(help="Weights of the RBM that is shown.")],
    deep_weights: Annotated[Path, typer.Option(help="Weights of the deep RBM.")],
    pictures: Annotated[Path, typer.Option(help="HDF5 of the RBM's pictures, with gibbs.")],
    deep_pictures: Annotated[Path, typer.Option(help="The same of the deep RBM.")],
    metrics: Metrics,
    params: Params = PARAMS,
    log: Log = None,
) -> None:
    """How held-out faces look at every stage of the way, with intervals; Gibbs samples; faces between two people."""
    from latents.face_models import measure as face_looks
    from latents.files.hdf5 import read_hdf5
    from latents.files.tables import write_json
    from latents.networks.training import set_threads
    from latents.stages.face_model import held_out_faces, read_model

    set_threads(1)
    section = load_section(EvidenceParams, "evidence", params).faces
    shallow, deep = (read_model(autoencoder, features, path) for path in (weights, deep_weights))
    held_out, people, centre = held_out_faces(faces, features)
    found = face_looks.stages_of_faces(
        shallow[0], held_out, people, centre, shares=section.upward, blur_px=section.blur_px
    )
    for prefix, path in {"gibbs": pictures, "gibbs_deep": deep_pictures}.items():
        drawn = read_hdf5(path, "gibbs_draws")[0]
        found |= face_looks.look(drawn, centre, blur_px=section.blur_px, prefix=prefix, intervals=face_looks.LOOKS)
    models = {"level": shallow, "deep": deep}
    found |= face_looks.between_over_draws(models, held_out, people, pairs=section.pairs, draws=section.draws)
    write_json(metrics, found)


@app.command()
def units(features: FeaturesFile, metrics: Metrics, params: Params = PARAMS, log: Log = None) -> None:
    """Train RBMs with each kind of visible unit over several seeds, and measure their draws."""
    from latents.face_models.unit_map import read_unit_map, read_units
    from latents.face_models.units import compare
    from latents.files.tables import write_json
    from latents.networks.training import set_threads

    set_threads(1)
    section = load_section(EvidenceParams, "evidence", params).units
    settings = section.model_dump(
        include={"n_hidden", "sigma", "std", "epochs", "batch_size", "learning_rate", "centring"}
    )
    found = compare(
        read_units(features, "training"),
        read_units(features, "held_out"),
        read_unit_map(features),
        settings=settings | {"chains": section.persistent},
        **section.model_dump(include={"kinds", "seeds", "chains", "steps"}),
    )
    write_json(metrics, found)


@app.command()
def bptt(
    words: Annotated[Path, typer.Option(help="HDF5 of the stage text, with train_offsets.")],
    metrics: Metrics,
    params: Params = PARAMS,
    log: Log = None,
) -> None:
    """How often each element is used when epochs wrap around, by place in the data and by length."""
    from latents.bptt.bias import bias_over_seeds, document_lengths
    from latents.files.hdf5 import read_hdf5
    from latents.files.tables import write_json

    section = load_section(EvidenceParams, "evidence", params).bptt
    lengths = document_lengths(*read_hdf5(words, "train_offsets"), longest=section.longest)
    found: dict = {"slots": section.slots}
    for slots in section.slots:
        counted = bias_over_seeds(
            lengths, slots=slots, **section.model_dump(include={"bptt", "batches", "seeds", "epochs"})
        )
        found["n_seeds"] = counted.pop("n_seeds")
        found |= {f"{slots}_{name}": value for name, value in counted.items()}
    write_json(metrics, found)


@app.command()
def hidden_units(
    digits: Annotated[Path, typer.Option(help="HDF5 of the stage digits.")],
    model: Annotated[Path, typer.Option(help="Weights of a row-RNN.")],
    metrics: Metrics,
    params: Params = PARAMS,
    log: Log = None,
) -> None:
    """What the weights of the average do to the pictures of hidden units."""
    import torch

    from latents.files.hdf5 import read_hdf5
    from latents.files.tables import write_json
    from latents.files.weights import read_weights
    from latents.networks.training import set_threads
    from latents.rnn import model as rnn
    from latents.rnn.hidden_units import draw_sequences
    from latents.rnn.unit_weights import compare
    from latents.stages.rnn_pictures import RNNPictures

    set_threads(1)
    drawn = load_section(RNNPictures, "rnn_pictures", params)
    section = load_section(EvidenceParams, "evidence", params).hidden_units
    (images,) = read_hdf5(digits, "train_images")
    generator = torch.Generator().manual_seed(drawn.seed)
    sequences = draw_sequences(images, length=drawn.unit_rows, lead_rows=drawn.lead_rows, generator=generator)
    network = rnn.load(*read_weights(model))
    write_json(metrics, compare(network, sequences, lead_rows=drawn.lead_rows, blur_px=section.blur_px))


if __name__ == "__main__":
    run(app)
