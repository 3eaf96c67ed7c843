"""Stage `timing`: all that measures seconds; its results are the only ones whose bytes may differ between runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import Field

from latents.jobs.params import Section, load_section
from latents.stages.shared.command import PARAMS, Log, Params, run, stage


class SvmTiming(Section):
    """The SVM note's comparison."""

    sizes: Annotated[list[Annotated[int, Field(ge=20)]], Field(min_length=2)] = Field(
        description="a list of at least two numbers of documents from 20"
    )
    repeats: int = Field(ge=1, description="a whole number of fits from 1")
    enough_seconds: float = Field(gt=0, description="a number of seconds above 0")
    seed: int = Field(ge=0, description="a seed from 0")


Size = Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=2, max_length=2)]
Counts = Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)]


class Sizes(Section):
    """The notes' three sizes."""

    first: Size = Field(description="a list of two numbers, of test and training samples")
    second: Size = Field(description="a list of two numbers, of test and training samples")
    third: Size = Field(description="a list of two numbers, of test and training samples")


class ScoringTiming(Section):
    """The all-pairs note's comparison."""

    sizes: Sizes
    widths: Counts = Field(description="a list of numbers of dimensions from 1")
    repeats: int = Field(ge=1, description="a whole number of repeats from 1")
    queries: int = Field(ge=1, description="a whole number of test samples from 1")
    block_bytes: int = Field(ge=1, description="a whole number of bytes from 1")
    seed: int = Field(ge=0, description="a seed from 0")


class SwappingTiming(Section):
    """The BPTT note's comparison."""

    cell: Literal["GRU", "LSTM", "RNN"] = Field(description="GRU, LSTM or RNN")
    hidden: int = Field(ge=1, description="a whole number of units from 1")
    slots: Counts = Field(description="a list of numbers of slots from 1")
    batches: int = Field(ge=2, description="a whole number of batches from 2")
    longest: int = Field(ge=1, description="a whole number of words from 1")
    enough: int = Field(ge=1, description="a whole number of words from 1")
    repeats: int = Field(ge=1, description="a whole number of repeats from 1")
    seed: int = Field(ge=0, description="a seed from 0")


class OrdersTiming(Section):
    """The ordering note's seconds."""

    sizes: Annotated[list[Annotated[int, Field(ge=3)]], Field(min_length=3)] = Field(
        description="a list of at least three numbers of features from 3"
    )
    repeats: int = Field(ge=1, description="a whole number of repeats from 1")
    seed: int = Field(ge=0, description="a seed from 0")


class Timing(Section):
    """What is timed."""

    svm: SvmTiming
    scoring: ScoringTiming
    swapping: SwappingTiming
    orders: OrdersTiming


app = stage("Measure seconds and memory.")


@app.command()
def svm(
    representation: Annotated[Path, typer.Option(help="HDF5 with sparse train rows and train_labels.")],
    table: Annotated[Path, typer.Option(help="CSV to write: a row per machine, layout and size.")],
    params: Params = PARAMS,
    log: Log = None,
) -> None:
    """LIBSVM and LIBLINEAR on tf-idf rows, dense against sparse, over growing sizes."""
    from latents.files.tables import write_csv
    from latents.timing.svm import compare

    section = load_section(Timing, "timing", params).svm
    write_csv(table, compare(representation, **section.model_dump()))


@app.command()
def scoring(
    table: Annotated[Path, typer.Option(help="CSV to write: a row per size, number of dimensions and method.")],
    memory: Annotated[Path, typer.Option(help="CSV to write: what broadcasting needs, and what came of it.")],
    params: Params = PARAMS,
    log: Log = None,
) -> None:
    """Scores of all pairs: the notes' loop, their broadcast, the same by blocks, cdist."""
    from latents.files.tables import write_csv
    from latents.timing import scores as scoring_timing

    section = load_section(Timing, "timing", params).scoring
    sizes, widths = section.sizes.model_dump(), section.widths
    options = section.model_dump(include={"repeats", "queries", "block_bytes", "seed"})
    write_csv(memory, scoring_timing.memory(sizes, widths=widths))
    write_csv(table, scoring_timing.compare(sizes, widths=widths, **options))


@app.command()
def swapping(
    words: Annotated[Path, typer.Option(help="HDF5 of the stage text, with train_offsets.")],
    table: Annotated[Path, typer.Option(help="CSV to write: a row per number of slots and method.")],
    params: Params = PARAMS,
    log: Log = None,
) -> None:
    """Useful words a second: swapped, padded, packed, bucketed, and the notes' loops."""
    from latents.bptt.bias import document_lengths
    from latents.files.hdf5 import read_hdf5
    from latents.files.tables import write_csv
    from latents.networks.training import set_threads
    from latents.timing.sequences import PEERS, compare

    set_threads(1)
    section = load_section(Timing, "timing", params).swapping
    lengths = document_lengths(*read_hdf5(words, "train_offsets"), longest=section.longest)
    options = section.model_dump(include={"cell", "hidden", "slots", "batches", "enough", "repeats", "seed"})
    write_csv(table, compare(lengths, methods=("swapped", *PEERS), **options))


@app.command()
def orders(
    pictures: Annotated[Path, typer.Option(help="HDF5 with pictures of an RBM's weights.")],
    table: Annotated[Path, typer.Option(help="CSV to write: a row per set of features and method.")],
    params: Params = PARAMS,
    log: Log = None,
) -> None:
    """Seconds of the greedy order and of the tour, and the growth of the greedy one."""
    from latents.files.hdf5 import read_hdf5
    from latents.files.tables import write_csv
    from latents.stages.ordering import EDGE_PX, Ordering
    from latents.timing.orders import compare, random_sets

    section, kicks = load_section(Timing, "timing", params).orders, load_section(Ordering, "ordering", params).kicks
    options = {"repeats": section.repeats, "seed": section.seed, "kicks": kicks}
    given = {"rbm_weights": read_hdf5(pictures, "pictures")[0]}
    growing = random_sets(section.sizes, width=EDGE_PX**2, seed=section.seed)
    rows = [*compare(given, methods=("greedy", "tsp"), **options), *compare(growing, methods=("greedy",), **options)]
    write_csv(table, rows)


if __name__ == "__main__":
    run(app)
