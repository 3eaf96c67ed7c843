"""Claims of the notes on inference networks: VAEs of digits with an MLP, an LSTM and a GRU, and of
text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from relatent.claims.artifacts import Evidence, NotMeasuredError
from relatent.claims.claim import Judge
from relatent.claims.rules import Finding, Number, above, alike, below, highest, mean, not_below, over, under

SUMMARY = "vae_measures/mnist/summary.json"
NAMES = {"mlp": "MLP", "lstm": "LSTM", "gru": "GRU", "bigru": "bidirectional GRU"}


def runs(evidence: Evidence, latent_dim: int = 2) -> dict[str, str]:
    """Encoder -> the first run with it and so many latent dimensions."""
    found: dict[str, str] = {}
    for name, numbers in evidence.table(SUMMARY).items():
        if numbers["latent_dim"] == latent_dim:
            found.setdefault(numbers["encoder"], name)
    if "mlp" not in found or len(found) == 1:
        raise NotMeasuredError(f"no MLP and recurrent network of {latent_dim} latent dimensions among the runs")
    return found


def of(evidence: Evidence, key: str, latent_dim: int = 2) -> tuple[Number, list[Number]]:
    """A measure of the MLP, and of each recurrent network."""
    numbers = {
        encoder: evidence.seeded(f"{NAMES[encoder]}, {latent_dim}-D", SUMMARY, run, key)
        for encoder, run in runs(evidence, latent_dim).items()
    }
    return numbers.pop("mlp"), list(numbers.values())


def seconds(evidence: Evidence) -> dict[str, Number]:
    """Seconds of an epoch by encoder."""
    rows = evidence.table("timing/encoders.csv")
    repeats = {
        row["encoder"]: Number(
            NAMES[row["encoder"]],
            float(row["seconds"]),
            (float(row["highest"]) - float(row["lowest"])) / 2,
            1,
            f"results/timing/encoders.csv: seconds of {row['run']}",
        )
        for row in rows
    }
    if "mlp" not in repeats:
        raise NotMeasuredError("no epoch of an MLP is timed")
    return repeats


def fastest(evidence: Evidence) -> list[Finding]:
    """The MLP's epoch is the shortest."""
    timed = seconds(evidence)
    mlp = timed.pop("mlp")
    return [below(mlp, other) for other in timed.values()]


def slowest(evidence: Evidence) -> list[Finding]:
    """The LSTM's epoch is the longest."""
    timed = seconds(evidence)
    if "lstm" not in timed:
        raise NotMeasuredError("no epoch of an LSTM is timed")
    lstm = timed.pop("lstm")
    return [above(lstm, other) for other in timed.values()]


def approximates(evidence: Evidence) -> Iterator[Finding]:
    """The recurrent posterior leaves no larger gap below the importance-weighted bound than the
    MLP's; seed by seed."""
    gaps = {}
    for encoder, run in runs(evidence).items():
        of_seeds = [
            Number("", evidence.value(name, "bound") - evidence.value(name, "bound_elbo"), source=f"results/{name}")
            for name in evidence.names(f"vae/mnist/{run}/seed", "metrics.json")
        ]
        if len(of_seeds) < 2:
            raise NotMeasuredError(f"one seed of {run}: no error is known of what its posterior loses")
        gap = mean(f"gap of the {NAMES[encoder]}", of_seeds)
        gaps[encoder] = replace(gap, source=f"results/vae/mnist/{run}: bound - bound_elbo of all seeds")
    mlp = gaps.pop("mlp")
    for gap in gaps.values():
        yield not_below(mlp, gap, f"{gap.label} no larger than that of the MLP")


def performs(evidence: Evidence) -> Iterator[Finding]:
    """No recurrent network has a better ELBO or better neighbours than the MLP."""
    for key, name in (("elbo", "ELBO"), ("knn", "accuracy of neighbours")):
        mlp, recurrent = of(evidence, key)
        for other in recurrent:
            yield not_below(mlp, other, f"{name}: MLP not below {other.label}")


def clusters(evidence: Evidence) -> Iterator[Finding]:
    """Most classes are found again by their neighbours, and the most mixed pair is mixed widely."""
    for encoder, run in runs(evidence).items():
        yield over(evidence.seeded(f"{NAMES[encoder]}: share found", SUMMARY, run, "knn"), 0.5)
        mixed = evidence.seeded(f"{NAMES[encoder]}: 4 and 9 mixed", SUMMARY, run, "mixed_4_9")
        yield over(mixed, evidence.terms.share)


def mixed(evidence: Evidence, pair: str, encoders: list[str], rank: float) -> Iterator[Finding]:
    """A pair of classes is among the first `rank` of the 45 pairs by how often they are taken for
    one another."""
    for encoder in encoders:
        run = runs(evidence)[encoder]
        name = f"rank of {pair.replace('_', ' and ')}, {NAMES[encoder]}"
        yield under(evidence.seeded(name, SUMMARY, run, f"mixed_rank_{pair}"), rank + 0.5)


def beside(evidence: Evidence, digit: int, other: int) -> list[Finding]:
    """With the MLP, a digit that is taken for another is most often taken for this one; over
    seeds."""
    run = runs(evidence)["mlp"]
    shares: dict[int, list[Number]] = {}
    for name in evidence.names(f"vae_measures/mnist/{run}/seed", "confusion.csv"):
        rows = [row for row in evidence.table(name) if int(row["class"]) == digit]
        total = sum(int(row["count"]) for row in rows)
        for row in rows:
            share = Number(
                "", int(row["count"]) / total, source=f"results/vae_measures/mnist/{run}: confusion.csv of all seeds"
            )
            shares.setdefault(int(row["predicted"]), []).append(share)
    if len(shares[other]) < 2:
        raise NotMeasuredError("one seed of the MLP: no error is known of how often one digit is taken for another")
    means = {taken: mean(f"{digit} taken for {taken}", values) for taken, values in shares.items() if taken != digit}
    return [
        highest(means.pop(other), list(means.values()), f"{digit} is taken for {other} more than for any other digit")
    ]


def spread(evidence: Evidence) -> list[Finding]:
    """The recurrent networks' classes take a larger share of the plane."""
    mlp, recurrent = of(evidence, "spread")
    return [above(other, mlp) for other in recurrent]


def spread_of_six(evidence: Evidence) -> list[Finding]:
    """Digit 6 takes a larger share of the plane under the recurrent networks."""
    mlp, recurrent = of(evidence, "spread_6")
    return [above(other, mlp) for other in recurrent]


def other_planes(evidence: Evidence) -> Iterator[Finding]:
    """Neighbours that two networks' planes share, against those that two seeds of the MLP share."""
    overlap = "vae_measures/mnist/neighbours.json"
    found = runs(evidence)
    if evidence.value(overlap, "n_seeds") < 2:
        raise NotMeasuredError(
            "one seed a network: what differs by the network cannot be told from what differs by chance"
        )
    same = evidence.seeded("two seeds of the MLP", overlap, f"overlap_{found['mlp']}_{found['mlp']}")
    for encoder, run in found.items():
        if encoder != "mlp":
            key = f"overlap_{found['mlp']}_{run}"
            yield below(evidence.seeded(f"MLP and {NAMES[encoder]}", overlap, key), same)


def like_handwriting(evidence: Evidence) -> list[Finding]:
    """4 and 9 are mixed more than any other pair by the pixels alone, and far more than pairs on
    average."""
    name = "vae_measures/mnist/neighbours.json"
    items = int(evidence.value(name, "n_test"))
    four_nine = evidence.share("4 and 9 mixed by pixels", name, "pixels_mixed_4_9", items=items)
    return [
        under(evidence.exact("rank of 4 and 9 by pixels", name, "pixels_rank_4_9"), 1.5),
        above(four_nine, evidence.share("mean of all pairs", name, "pixels_mixed_mean", items=items)),
    ]


def subtle(evidence: Evidence) -> Iterator[Finding]:
    """Precision of the 100 nearest training digits, by number of latent dimensions."""
    items = int(evidence.value(SUMMARY, runs(evidence)["mlp"], "n_digits"))
    dimensions = sorted({numbers["latent_dim"] for numbers in evidence.table(SUMMARY).values()})
    for latent_dim in dimensions:
        of_encoder = {}
        for encoder, run in runs(evidence, latent_dim).items():
            artifact = evidence.names(f"ranking/mnist/vae_{run}_seed", "metrics.json")
            if artifact:
                label = f"{NAMES[encoder]}, {latent_dim}-D"
                of_encoder[encoder] = evidence.mean_of_shares(label, artifact[0], "precision@100", items=items)
        if "mlp" in of_encoder:
            mlp = of_encoder.pop("mlp")
            for other in of_encoder.values():
                yield above(other, mlp)


def samples(evidence: Evidence) -> Iterator[Finding]:
    """Frechet distances of random digits to test digits do not differ between networks."""
    mlp, recurrent = of(evidence, "frechet")
    every = [mlp, *recurrent]
    for place, one in enumerate(every):
        for other in every[place + 1 :]:
            yield alike(one, other, f"{one.label} as near to real digits as {other.label}")


def labels_help(evidence: Evidence) -> Iterator[Finding]:
    """Hash codes that saw labels find the class better than those that did not, at every length."""
    for supervised in evidence.names("hashing/", "vdsh_sp/metrics.json"):
        plain = supervised.replace("vdsh_sp", "vdsh")
        corpus = supervised.split("/")[1]
        keys = [key for key in evidence.table(supervised) if key.startswith("precision@100_")]
        items = int(evidence.value(f"text/{corpus}/metrics.json", "test_documents"))
        for key in keys:
            bits = key.rpartition("_")[2]
            with_labels = evidence.mean_of_shares(f"{corpus}, {bits} bits: with labels", supervised, key, items=items)
            yield above(with_labels, evidence.mean_of_shares("without", plain, key, items=items))


def text(evidence: Evidence, measures: dict[str, tuple[str, bool]]) -> Iterator[Finding]:
    """Each recurrent encoder against the perceptron, by each measure of text."""
    terms = evidence.terms
    for key, (name, more_is_better) in measures.items():
        base = evidence.lone(f"{terms.perceptron}: {name}", f"text_vae/{terms.perceptron}/metrics.json", key)
        for run in terms.recurrent:
            other = evidence.lone(f"{run}: {name}", f"text_vae/{run}/metrics.json", key)
            yield (above if more_is_better else below)(other, base, f"{name}: {run} better than {terms.perceptron}")


BETTER = {
    "perplexity_documents": ("perplexity per document", False),
    "precision@100": ("precision@100", True),
    "knn": ("accuracy of neighbours", True),
}


JUDGES: dict[str, Judge] = {
    "rnn-posterior": approximates,
    "some-mixed": clusters,
    "seven-by-nine": lambda evidence: beside(evidence, 7, 9),
    "three-with-two": lambda evidence: mixed(evidence, "3_2", ["mlp"], 5),
    "four-with-nine": lambda evidence: mixed(evidence, "4_9", list(runs(evidence)), 1),
    "four-like-nine": like_handwriting,
    "other-planes": other_planes,
    "spread": spread,
    "spread-six": spread_of_six,
    "subtle": subtle,
    "samples-alike": samples,
    "mlp-fastest": fastest,
    "lstm-slowest": slowest,
    "mlp-good": performs,
    "labels-separate": labels_help,
    "rnn-text": lambda evidence: text(evidence, BETTER),
}
