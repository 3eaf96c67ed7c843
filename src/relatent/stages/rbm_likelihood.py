"""Stage `rbm_likelihood`: estimate log partition functions and test log-likelihoods of RBMs.

Runs with moment-matched Beta or clipped Gaussian units have no likelihood: the spread of these
units is fixed, whatever the energy is, so their density is unknown. Stage `rbm` measures their
reconstruction error on held-out people, stage `face_model` how near their samples are to held-out
faces. Pseudo-likelihood exists only for Bernoulli visible units.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from pydantic import Field

from relatent.jobs.params import Section, load_section
from relatent.stages.shared.command import PARAMS, Params, ProbeFile, run, stage


class Likelihood(Section):
    """Configure the annealing of partition functions."""

    temperatures: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)]
    chains: int = Field(ge=2)
    burn_in: int = Field(ge=0)
    seed: int = Field(ge=0)


SECTION = Likelihood
HEADLINES = ["test_log_likelihood", "test_log_likelihood_reverse"]
AXES = {"log_partition.csv": ("temperatures", "log_z")}

app = stage("Estimate partition functions and likelihoods of RBMs.")


@app.command()
def anneal(
    weights: Annotated[Path, typer.Option(help="Trained weights of the stage rbm.")],
    data: Annotated[Path, typer.Option(help="HDF5 of the data that the RBM was trained on.")],
    table: Annotated[
        Path, typer.Option(help="CSV to write: one row per direction and number of temperatures, in nats.")
    ],
    metrics: Annotated[Path, typer.Option(help="JSON to write: estimates with the most temperatures, in nats.")],
    workers: Annotated[int, typer.Option(help="Number of threads, 0: all cores; results do not depend on it.")] = 0,
    probe: ProbeFile = None,
    params: Params = PARAMS,
) -> None:
    """Anneal in both directions at each number of temperatures; average the test log-likelihood."""
    from relatent.files.tables import write_csv, write_json
    from relatent.files.weights import read_weights
    from relatent.networks.probes import probing
    from relatent.networks.training import set_threads
    from relatent.rbm import model as rbm
    from relatent.rbm.convergence import estimates, summary
    from relatent.rbm.partition import require_energy
    from relatent.stages.shared.rbm_rows import read_visible

    section = load_section(Likelihood, "rbm_likelihood", params)
    set_threads(1)
    state, architecture = read_weights(weights)
    model = rbm.load(state, architecture)
    require_energy(model)
    threshold = architecture.get("threshold")
    training, test = (
        read_visible(data, role, threshold=threshold, n_visible=model.n_visible) for role in ("training", "test")
    )
    workers = workers or len(os.sched_getaffinity(0))
    with probing(probe) as marks:
        rows = estimates(model, training, test, workers=workers, probe=marks, **section.model_dump())
    write_csv(table, rows)
    about = {"threshold": threshold, "n_test": len(test), "chains": section.chains}
    write_json(metrics, summary(rows) | about)


if __name__ == "__main__":
    run(app)
