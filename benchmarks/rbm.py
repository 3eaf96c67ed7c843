"""Compare the speed of RBMs with named peers, as ratios: epochs, Beta draws, annealing.

    python benchmarks/rbm.py [epochs] [beta] [ais] [--rows 10000] [--repeats 5] [--workers 4]

epochs: seconds per epoch of persistent contrastive divergence, 784 x 500, batches of 100, one
    thread, against scikit-learn's BernoulliRBM in float32: the same algorithm (PCD-1), the same
    data, and here also centring, a finite-loss check, the history, and no validation on either
    side.
beta: million Beta draws per second against torch.distributions.Beta, 13,200 x 512, concentrations
    by moments.
ais: seconds of annealing a 784 x 500 RBM, against one worker; the estimates of all runs are
    compared too.

Ours and the peer take turns, so that both see the same load. `ratio` is the ratio of the medians;
`least` is that of the minima, which a busy machine disturbs less. Each part prints one line of
JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import warnings
from collections.abc import Callable, Iterator

import numpy as np
import torch
from sklearn.neural_network import BernoulliRBM
from threadpoolctl import threadpool_limits
from torch import Tensor

from relatent.networks.training import set_threads
from relatent.rbm.beta import beta_by_moments, sample_beta
from relatent.rbm.model import RBM
from relatent.rbm.partition import LogZ, log_partition
from relatent.rbm.training import Options, train

N_VISIBLE, N_HIDDEN, BATCH = 784, 500, 100
LEARNING_RATE = 0.05


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def digits(rows: int) -> Tensor:
    """Draw random binary rows, about a fifth ink as in MNIST; their content costs nothing."""
    return (torch.rand(rows, N_VISIBLE, generator=seeded()) < 0.19).float()


def seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def in_turns(calls: dict[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Return the seconds of every call, without the first round."""
    taken: dict[str, list[float]] = {label: [] for label in calls}
    for round_ in range(repeats + 1):
        for label, call in calls.items():
            spent = seconds(call)
            if round_:
                taken[label].append(spent)
    return taken


def ratios(ours: list[float], peer: list[float]) -> dict[str, float]:
    """Return our seconds divided by the peer's."""
    return {
        "ratio": statistics.median(ours) / statistics.median(peer),
        "least": min(ours) / min(peer),
    }


def epochs(rows: int, repeats: int) -> dict[str, object]:
    data = digits(rows)
    peer_data = data.numpy()
    kept = data.to(torch.uint8)
    peer = BernoulliRBM(
        N_HIDDEN, learning_rate=LEARNING_RATE, batch_size=BATCH, n_iter=1, random_state=0, verbose=False
    )
    rbm = RBM(N_VISIBLE, N_HIDDEN)
    rbm.initialise(data, generator=seeded())
    draws = seeded(1)

    def ours() -> None:
        train(
            rbm,
            lambda picked, _: kept[picked].float(),
            Options(epochs=1, batch_size=BATCH, learning_rate=LEARNING_RATE, final_rate=1.0, chains=BATCH),
            n_train=rows,
            generator=draws,
        )

    taken = in_turns({"relatent": ours, "sklearn": lambda: peer.fit(peer_data)}, repeats)
    per_epoch = 60_000 / rows  # scaled to MNIST's size
    return {
        "part": "epochs",
        "relatent_seconds": statistics.median(taken["relatent"]) * per_epoch,
        "sklearn_seconds": statistics.median(taken["sklearn"]) * per_epoch,
        **ratios(taken["relatent"], taken["sklearn"]),
    }


def beta(repeats: int, workers: int) -> Iterator[dict[str, object]]:
    ones, zeros = beta_by_moments(torch.rand(13_200, 512, generator=seeded()))
    peer = torch.distributions.Beta(ones, zeros)
    for used in sorted({1, 2, workers}):
        draws = seeded(2)
        taken = in_turns(
            {
                "relatent": lambda used=used, draws=draws: sample_beta(ones, zeros, generator=draws, workers=used),
                "torch": peer.sample,
            },
            repeats,
        )
        millions = ones.numel() / 1e6
        yield {
            "part": "beta",
            "workers": used,
            "relatent_millions_a_second": millions / statistics.median(taken["relatent"]),
            "torch_millions_a_second": millions / statistics.median(taken["torch"]),
            "times_as_fast": 1 / ratios(taken["relatent"], taken["torch"])["ratio"],
            "least": 1 / ratios(taken["relatent"], taken["torch"])["least"],
        }


def ais(repeats: int, workers: int, temperatures: int = 1000, chains: int = 100) -> Iterator[dict[str, object]]:
    rbm, data = RBM(N_VISIBLE, N_HIDDEN), digits(1000)
    rbm.initialise(data, generator=seeded(), std=0.05)
    found: set[LogZ] = set()

    def anneal(used: int) -> None:
        options = {"temperatures": temperatures, "chains": chains, "generator": seeded(3)}
        found.add(log_partition(rbm, data=data, workers=used, **options))

    counts = sorted({1, 2, workers})
    taken = in_turns({str(used): lambda used=used: anneal(used) for used in counts}, repeats)
    for used in counts:
        yield {
            "part": "ais",
            "workers": used,
            "seconds_for_10000_temperatures_100_chains": statistics.median(taken[str(used)]) * 10_000 / temperatures,
            **ratios(taken[str(used)], taken["1"]),
            "same_bits": len(found) == 1,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", default=["epochs", "beta", "ais"], help="epochs, beta, ais")
    parser.add_argument("--rows", type=int, default=10_000, help="rows of an epoch (default 10000)")
    parser.add_argument("--repeats", type=int, default=5, help="rounds (default 5)")
    parser.add_argument("--workers", type=int, default=4, help="most workers (default 4)")
    options = parser.parse_args()
    set_threads(1)
    np.seterr(all="raise", under="ignore")
    warnings.simplefilter("error")
    parts: dict[str, Callable[[], Iterator[dict[str, object]]]] = {
        "epochs": lambda: iter([epochs(options.rows, options.repeats)]),
        "beta": lambda: beta(options.repeats, options.workers),
        "ais": lambda: ais(options.repeats, options.workers),
    }
    with threadpool_limits(1):  # one BLAS thread on the peer's side too
        for part in options.parts:
            for line in parts[part]():
                print(json.dumps({name: rounded(value) for name, value in line.items()}), flush=True)


def rounded(value: object) -> object:
    return round(value, 3) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
