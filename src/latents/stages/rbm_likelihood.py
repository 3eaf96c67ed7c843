"""Stage `likelihood`: log partition functions and test log-likelihoods of RBMs whose units follow from an energy.

The runs with moment-matched Beta or clipped Gaussian units have none: the spread of these units is fixed, whatever
the energy says, so no density of theirs is known. What is defined for them is measured elsewhere: held-out
reconstruction error (stage `rbm`), and how near their samples come to held-out faces. Pseudo-likelihood exists for
Bernoulli visible units.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from pydantic import Field

from latents.jobs.params import Section, load_section
from latents.stages.shared.command import PARAMS, Log, Params, ProbeFile, run, stage


class Likelihood(Section):
    """How partition functions are annealed."""

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
    data: Annotated[Path, typer.Option(help="HDF5 that the RBM was trained on.")],
    table: Annotated[Path, typer.Option(help="CSV to write: a row per direction and number of temperatures, in nats.")],
    metrics: Annotated[Path, typer.Option(help="JSON to write: the estimates at the most temperatures, in nats.")],
    workers: Annotated[int, typer.Option(help="Threads; no result depends on them. 0: all cores.")] = 0,
    probe: ProbeFile = None,
    params: Params = PARAMS,
    log: Log = None,
) -> None:
    """Anneal in both directions at each number of temperatures; average the log-likelihood of the test rows."""
    from latents.files.tables import write_csv, write_json
    from latents.files.weights import read_weights
    from latents.networks.probes import probing
    from latents.networks.training import set_threads
    from latents.rbm import model as rbm
    from latents.rbm.convergence import estimates, summary
    from latents.rbm.partition import require_energy
    from latents.stages.shared.rbm_rows import read_visible

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
