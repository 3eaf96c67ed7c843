"""Stage `timing`: measure seconds and memory. Only its results may differ from run to run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic import Field

from relatent.jobs.params import Name, Section, Structural, load_section, named_run
from relatent.stages.shared.command import PARAMS, Params, run, stage
from relatent.stages.shared.sections import Compute


class SvmTiming(Section):
    """Configure the timings of the note on SVMs."""

    sizes: Annotated[list[Annotated[int, Field(ge=20)]], Field(min_length=2)]
    repeats: int = Field(ge=1)
    enough_seconds: float = Field(gt=0)
    seed: int = Field(ge=0)


Size = Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=2, max_length=2)]
Counts = Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)]


class Sizes(Section):
    """List the three sizes of the notes, (queries, items) each."""

    first: Size
    second: Size
    third: Size


class ScoringTiming(Section):
    """Configure the timings of the note on scores of all pairs."""

    sizes: Sizes
    widths: Counts
    repeats: int = Field(ge=1)
    queries: int = Field(ge=1)
    block_bytes: int = Field(ge=1)
    seed: int = Field(ge=0)


class SwappingTiming(Section):
    """Configure the timings of the note on BPTT."""

    cell: Literal["GRU", "LSTM", "RNN"]
    hidden: int = Field(ge=1)
    slots: Counts
    batches: int = Field(ge=2)
    longest: int = Field(ge=1)
    enough: int = Field(ge=1)
    repeats: int = Field(ge=1)
    seed: int = Field(ge=0)


class OrdersTiming(Section):
    """Configure the timings of the note on ordering."""

    sizes: Annotated[list[Annotated[int, Field(ge=3)]], Field(min_length=3)]
    repeats: int = Field(ge=1)
    seed: int = Field(ge=0)


class EncodersTiming(Section):
    """Configure the timings of training epochs of VAEs."""

    runs: Annotated[list[Name], Field(min_length=1), Structural()]
    repeats: int = Field(ge=1)


class Timing(Section):
    """Configure all timings."""

    svm: SvmTiming
    scoring: ScoringTiming
    swapping: SwappingTiming
    orders: OrdersTiming
    encoders: EncodersTiming


SECTION = Timing
AXES = {"svm.csv": ("items", "seconds"), "encoders.csv": ("run", "seconds")}

app = stage("Measure seconds and memory.")


@app.command()
def svm(
    representation: Annotated[Path, typer.Option(help="HDF5 with sparse train rows and train_labels.")],
    table: Annotated[Path, typer.Option(help="CSV to write: one row per machine, layout and size.")],
    params: Params = PARAMS,
) -> None:
    """Time LIBSVM and LIBLINEAR on growing numbers of tf-idf rows, dense and sparse."""
    from relatent.files.tables import write_csv
    from relatent.timing.svm import compare

    section = load_section(Timing, "timing", params).svm
    write_csv(table, compare(representation, **section.model_dump()))


@app.command()
def scoring(
    table: Annotated[Path, typer.Option(help="CSV to write: one row per size, number of dimensions and method.")],
    memory: Annotated[Path, typer.Option(help="CSV to write: bytes that broadcasting needs, and its outcome.")],
    params: Params = PARAMS,
) -> None:
    """Time scores of all pairs: the notes' loop, their broadcast, the same in blocks, and cdist."""
    from relatent.files.tables import write_csv
    from relatent.timing import scores as scoring_timing

    section = load_section(Timing, "timing", params).scoring
    sizes, widths = section.sizes.model_dump(), section.widths
    options = section.model_dump(include={"repeats", "queries", "block_bytes", "seed"})
    write_csv(memory, scoring_timing.memory(sizes, widths=widths))
    write_csv(table, scoring_timing.compare(sizes, widths=widths, **options))


@app.command()
def swapping(
    words: Annotated[Path, typer.Option(help="HDF5 of the stage text, with train_offsets.")],
    table: Annotated[Path, typer.Option(help="CSV to write: one row per number of slots and method.")],
    params: Params = PARAMS,
) -> None:
    """Measure useful words per second: swapped, padded, packed, bucketed, and the notes' loops."""
    from relatent.bptt.bias import document_lengths
    from relatent.files.hdf5 import read_hdf5
    from relatent.files.tables import write_csv
    from relatent.networks.training import set_threads
    from relatent.timing.sequences import PEERS, compare

    set_threads(1)
    section = load_section(Timing, "timing", params).swapping
    lengths = document_lengths(*read_hdf5(words, "train_offsets"), longest=section.longest)
    options = section.model_dump(include={"cell", "hidden", "slots", "batches", "enough", "repeats", "seed"})
    write_csv(table, compare(lengths, methods=("swapped", *PEERS), **options))


@app.command()
def orders(
    pictures: Annotated[Path, typer.Option(help="HDF5 with pictures of an RBM's weights.")],
    table: Annotated[Path, typer.Option(help="CSV to write: one row per set of features and method.")],
    params: Params = PARAMS,
) -> None:
    """Time the greedy order and the tour, and the growth of the greedy order with size."""
    from relatent.files.hdf5 import read_hdf5
    from relatent.files.tables import write_csv
    from relatent.stages.ordering import EDGE_PX, Ordering
    from relatent.timing.orders import compare, random_sets

    section, kicks = load_section(Timing, "timing", params).orders, load_section(Ordering, "ordering", params).kicks
    options = {"repeats": section.repeats, "seed": section.seed, "kicks": kicks}
    given = {"rbm_weights": read_hdf5(pictures, "pictures")[0]}
    growing = random_sets(section.sizes, width=EDGE_PX**2, seed=section.seed)
    rows = [*compare(given, methods=("greedy", "tsp"), **options), *compare(growing, methods=("greedy",), **options)]
    write_csv(table, rows)


@app.command()
def encoders(
    digits: Annotated[Path, typer.Option(help="HDF5 of the stage digits.")],
    table: Annotated[Path, typer.Option(help="CSV to write: one row per run, in seconds per epoch.")],
    params: Params = PARAMS,
) -> None:
    """Time training epochs of each inference network, which take turns in one process."""
    from relatent.digits.files import read_digits
    from relatent.files.tables import write_csv
    from relatent.networks.training import set_threads
    from relatent.stages.vae import VAE
    from relatent.timing.epochs import seconds_per_epoch

    compute = load_section(Compute, "compute", params)
    section = load_section(Timing, "timing", params).encoders
    vae = load_section(VAE, "vae", params)
    set_threads(compute.threads)
    images, validation, how = read_digits(digits, "train_images", "validation_binary")
    keys = {"encoder", "latent_dim", "encoder_widths", "decoder_widths", "batch_size", "learning_rate"}
    settings = {name: named_run(vae.runs, name).model_dump(include=keys) for name in section.runs}
    options = {"binarisation": how, "device": compute.device}
    write_csv(table, seconds_per_epoch(images, validation, settings, repeats=section.repeats, **options))


def faults(whole: Any) -> Iterator[str]:
    """Yield one line per timed run that does not exist."""
    for name in whole.timing.encoders.runs:
        if name not in whole.vae.runs:
            yield f"timing.encoders.runs: got {name!r}, allowed: {', '.join(whole.vae.runs)}"


if __name__ == "__main__":
    run(app)
