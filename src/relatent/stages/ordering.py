"""Stage `ordering`: order the features of a trained model by similarity, and typeset them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import Field

from relatent.errors import InputError
from relatent.jobs.params import Name, Section, Structural, load_section
from relatent.stages.shared.command import PARAMS, Params, run, stage


class RbmWeights(Section):
    """Choose an RBM on digits; the weights of each hidden unit are one picture."""

    run: Annotated[Name, Structural()]


class VaeDecoder(Section):
    """Choose a VAE; the last weights of its decoder are one picture per hidden unit."""

    run: Annotated[Name, Structural()]
    seed: Annotated[int, Structural()] = Field(ge=0)


class RnnUnits(Section):
    """Choose a row-RNN; the rows that each hidden unit prefers, and the next, are one picture."""

    run: Annotated[Name, Structural()]


class Sets(Section):
    """Choose the run of each set of features."""

    rbm_weights: RbmWeights
    vae_decoder: VaeDecoder
    rnn_units: RnnUnits


class Ordering(Section):
    """Configure the sets of features, their orders and their layouts."""

    sets: Sets
    columns: int = Field(ge=1)
    kicks: int = Field(ge=0)
    seed: int = Field(ge=0)
    window: int = Field(ge=1)
    dip: float = Field(ge=0)


METHODS = ("none", "greedy", "leaf", "tsp")
EDGE_PX = 28  # side of a digit

WeightsFile = Annotated[Path, typer.Option(help="Trained weights (safetensors).")]
PicturesFile = Annotated[Path, typer.Option(help="HDF5 to write: pictures (n, 28, 28).")]

SECTION = Ordering
HEADLINES = ["greedy_length", "tsp_length"]

app = stage("Order features by similarity and typeset them.")


@app.command()
def rbm_weights(weights: WeightsFile, pictures: PicturesFile) -> None:
    """Store the weights of each hidden unit of an RBM on digits as a picture."""
    from relatent.files.weights import read_weights
    from relatent.rbm import model as rbm

    write_pictures(pictures, rbm.load(*read_weights(weights)).weight.detach().numpy().T)


@app.command()
def vae_decoder(weights: WeightsFile, pictures: PicturesFile) -> None:
    """Store the weights of each last hidden unit of a VAE's decoder as a picture."""
    from relatent.files.weights import read_weights

    state, _ = read_weights(weights)
    write_pictures(pictures, last_layer(state).numpy().T)


@app.command()
def order(
    pictures: Annotated[Path, typer.Option(help="HDF5 with pictures (n, y, x).")],
    layouts: Annotated[Path, typer.Option(help="HDF5 to write: pictures; order and grid per method; typeset grid.")],
    metrics: Annotated[Path, typer.Option(help="JSON to write: lengths of paths, gains, number of clusters.")],
    params: Params = PARAMS,
) -> None:
    """Order the pictures by each method, measure and wrap each order, and typeset the tour."""
    import numpy as np

    from relatent import ordering
    from relatent.files.hdf5 import read_hdf5, write_hdf5
    from relatent.files.tables import write_json

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
    from relatent.files.hdf5 import write_hdf5

    if rows.shape[1] != EDGE_PX**2:
        raise InputError(f"weights must be of {EDGE_PX**2} visible units to be pictures of digits, got {rows.shape[1]}")
    write_hdf5(path, {"pictures": rows.reshape(-1, EDGE_PX, EDGE_PX)}, dataset="digits")


def last_layer(state: Mapping[str, Any]) -> Any:
    """Return the decoder's last weights (n_visible, n_hidden); InputError if there are none."""
    found = {int(match[1]): name for name in state if (match := re.fullmatch(r"decoder\.(\d+)\.weight", name))}
    if not found:
        raise InputError(f"the weights have no decoder of plain layers; they have {', '.join(sorted(state)[:5])} ...")
    return state[found[max(found)]]


def faults(whole: Any) -> Iterator[str]:
    """Yield one line per set of features whose run or seed does not exist."""
    sets: Sets = whole.ordering.sets
    on_digits = [name for name, settings in whole.rbm.runs.items() if settings.dataset == "mnist"]
    if sets.rbm_weights.run not in on_digits:
        allowed = f"a run of rbm.runs on mnist: {', '.join(on_digits) or 'none; add one'}"
        yield f"ordering.sets.rbm_weights.run: got {sets.rbm_weights.run!r}, allowed: {allowed}"
    complete = [name for name, settings in whole.rnn.runs.items() if settings.rows == "all"]
    if sets.rnn_units.run not in complete:
        allowed = f"a run of rnn.runs on all rows: {', '.join(complete) or 'none; add one'}"
        yield f"ordering.sets.rnn_units.run: got {sets.rnn_units.run!r}, allowed: {allowed}"
    vae, vae_runs = sets.vae_decoder, whole.vae.runs
    if vae.run not in vae_runs:
        yield f"ordering.sets.vae_decoder.run: got {vae.run!r}, allowed: {', '.join(vae_runs)}"
    elif vae.seed not in vae_runs[vae.run].seeds:
        allowed = ", ".join(map(str, vae_runs[vae.run].seeds))
        yield f"ordering.sets.vae_decoder.seed: got {vae.seed}, allowed: {allowed}"


if __name__ == "__main__":
    run(app)
