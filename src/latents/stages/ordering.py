"""Stage `ordering`: order the features of a trained model by similarity, and typeset them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import Field

from latents.errors import InputError
from latents.jobs.params import Name, Section, Structural, load_section
from latents.stages.shared.command import PARAMS, Log, Params, run, stage


class RbmWeights(Section):
    """The weights of an RBM on digits, a picture a hidden unit."""

    run: Annotated[Name, Structural()]


class VaeDecoder(Section):
    """The last weights of a VAE's decoder, a picture a hidden unit."""

    run: Annotated[Name, Structural()]
    seed: Annotated[int, Structural()] = Field(ge=0)


class RnnUnits(Section):
    """What each hidden unit of a row-RNN likes to see, and what the network expects then, as a picture."""

    run: Annotated[Name, Structural()]


class Sets(Section):
    """The sets of features, by name, and the runs that they are of."""

    rbm_weights: RbmWeights
    vae_decoder: VaeDecoder
    rnn_units: RnnUnits


class Ordering(Section):
    """What is ordered, and how the order is found and laid out."""

    sets: Sets
    columns: int = Field(ge=1)
    kicks: int = Field(ge=0)
    seed: int = Field(ge=0)
    window: int = Field(ge=1)
    dip: float = Field(ge=0)


METHODS = ("none", "greedy", "leaf", "tsp")
EDGE_PX = 28  # of a digit

WeightsFile = Annotated[Path, typer.Option(help="Trained weights (safetensors).")]
PicturesFile = Annotated[Path, typer.Option(help="HDF5 to write: pictures.")]

SECTION = Ordering
HEADLINES = ["greedy_length", "tsp_length"]

app = stage("Order features by similarity and typeset them.")


@app.command()
def rbm_weights(weights: WeightsFile, pictures: PicturesFile, log: Log = None) -> None:
    """Store the weights of each hidden unit of an RBM on digits as a picture."""
    from latents.files.weights import read_weights
    from latents.rbm import model as rbm

    write_pictures(pictures, rbm.load(*read_weights(weights)).weight.detach().numpy().T)


@app.command()
def vae_decoder(weights: WeightsFile, pictures: PicturesFile, log: Log = None) -> None:
    """Store what each unit of the last hidden layer of a VAE's decoder adds to the digit's logits as a picture."""
    from latents.files.weights import read_weights

    state, _ = read_weights(weights)
    write_pictures(pictures, last_layer(state).numpy().T)


@app.command()
def order(
    pictures: Annotated[Path, typer.Option(help="HDF5 with pictures (n, y, x).")],
    layouts: Annotated[Path, typer.Option(help="HDF5 to write: pictures; order and grid of each method; typeset.")],
    metrics: Annotated[Path, typer.Option(help="JSON to write: path lengths, gains, clusters.")],
    params: Params = PARAMS,
    log: Log = None,
) -> None:
    """Order the pictures by each method, measure the paths, wrap each order, and typeset the tour."""
    import numpy as np

    from latents import ordering
    from latents.files.hdf5 import read_hdf5, write_hdf5
    from latents.files.tables import write_json

    section = load_section(Ordering, "ordering", params)
    (features,) = read_hdf5(pictures, "pictures")
    orders = {
        method: ordering.order_features(
            features, method=method, generator=np.random.default_rng(section.seed), kicks=section.kicks
        )
        for method in METHODS
    }
    lengths = {method: ordering.path_length(features, found) for method, found in orders.items()}
    layout: dict[str, Any] = section.model_dump(include={"columns", "window", "dip"})
    words = ordering.clusters(orders["tsp"], features, **layout)
    arrays = {f"order_{method}": found for method, found in orders.items()}
    arrays |= {f"grid_{method}": ordering.wrap(found, columns=section.columns) for method, found in orders.items()}
    arrays |= {"grid_typeset": ordering.typeset(orders["tsp"], features, **layout), "pictures": features}
    write_hdf5(layouts, arrays, dataset="digits")
    write_json(
        metrics,
        {f"{method}_length": length for method, length in lengths.items()}
        | {
            "greedy_gain": 1 - lengths["greedy"] / lengths["none"],
            "tsp_gain": 1 - lengths["tsp"] / lengths["none"],
            "tsp_gain_over_greedy": 1 - lengths["tsp"] / lengths["greedy"],
            "n_features": len(features),
            "n_constant": len(ordering.constant_features(features)),
            "n_clusters": len(words),
        },
    )


def write_pictures(path: Path, rows: Any) -> None:
    """Store rows (n, 784) as pictures (n, 28, 28)."""
    from latents.files.hdf5 import write_hdf5

    if rows.shape[1] != EDGE_PX**2:
        raise InputError(f"weights must be of {EDGE_PX**2} visible units to be pictures of digits, got {rows.shape[1]}")
    write_hdf5(path, {"pictures": rows.reshape(-1, EDGE_PX, EDGE_PX)}, dataset="digits")


def last_layer(state: Mapping[str, Any]) -> Any:
    """The decoder's last weights (n_visible, n_hidden); InputError when there are none."""
    found = {int(match[1]): name for name in state if (match := re.fullmatch(r"decoder\.(\d+)\.weight", name))}
    if not found:
        raise InputError(f"the weights have no decoder of plain layers; they have {', '.join(sorted(state)[:5])} ...")
    return state[found[max(found)]]


def faults(whole: Any) -> Iterator[str]:
    """Find sets of features whose run or seed does not exist, one line each."""
    sets: Sets = whole.ordering.sets
    on_digits = [name for name, settings in whole.rbm.runs.items() if settings.dataset == "mnist"]
    if sets.rbm_weights.run not in on_digits:
        there = ", ".join(on_digits) or "none; add one"
        yield f"ordering.sets.rbm_weights.run: got {sets.rbm_weights.run!r}, allowed: a run of rbm.runs on mnist: {there}"
    complete = [name for name, settings in whole.rnn.runs.items() if settings.rows == "all"]
    if sets.rnn_units.run not in complete:
        there = ", ".join(complete) or "none; add one"
        yield f"ordering.sets.rnn_units.run: got {sets.rnn_units.run!r}, allowed: a run of rnn.runs on all rows: {there}"
    vae, vae_runs = sets.vae_decoder, whole.vae.runs
    if vae.run not in vae_runs:
        yield f"ordering.sets.vae_decoder.run: got {vae.run!r}, allowed: {', '.join(vae_runs)}"
    elif vae.seed not in vae_runs[vae.run].seeds:
        allowed = ", ".join(map(str, vae_runs[vae.run].seeds))
        yield f"ordering.sets.vae_decoder.seed: got {vae.seed}, allowed: {allowed}"


if __name__ == "__main__":
    run(app)
