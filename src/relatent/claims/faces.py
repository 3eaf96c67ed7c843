"""Claims of the notes on faces: what RBMs on features of faces draw, keep and lose."""

from __future__ import annotations

from collections.abc import Iterator

from relatent.claims.artifacts import Evidence
from relatent.claims.claim import Judge
from relatent.claims.rules import Finding, Number, above, below, between, falling, not_below, over, under

LOOKS, UNITS = "face_model/lfw/looks.json", "rbm/lfw/units.json"
PUBLISHED_LOG_LIKELIHOOD = -84.86  # nats; PyDeep's tutorial, centred, 500 hidden units, annealed importance sampling


def look(evidence: Evidence, who: str, key: str) -> Number:
    """A measure of how faces look, such as their distance to the mean face."""
    return evidence.interval(f"{who.replace('_', ' ')}", LOOKS, f"{who}_{key}")


def typical_faces(evidence: Evidence) -> list[Finding]:
    """Gibbs draws are nearer to the floor that real faces set than to a model without weights."""
    name = f"face_model/lfw/{evidence.terms.faces}/metrics.json"
    drawn, floor, without = (
        evidence.lone(label, name, key)
        for label, key in (
            ("draws", "frechet"),
            ("real faces", "frechet_floor"),
            ("without weights", "frechet_independent"),
        )
    )
    middle = Number("half way", (floor.value + without.value) / 2, 0.0, 1, f"results/{name}")
    return [
        below(drawn, without, "nearer to real faces than shuffled features"),
        below(drawn, middle, "nearer to real faces than half way"),
    ]


def real_faces(evidence: Evidence) -> list[Finding]:
    """Gibbs draws are as near to held-out faces as training faces are."""
    name = f"face_model/lfw/{evidence.terms.faces}/metrics.json"
    floor = evidence.lone("real faces", name, "frechet_floor")
    return [not_below(floor, evidence.lone("draws", name, "frechet"), "draws as near to held-out faces as real ones")]


def more_typical(evidence: Evidence) -> list[Finding]:
    """Autoencoding brings faces nearer to the mean face, and nearly each one."""
    name = f"face_model/lfw/{evidence.terms.faces}/metrics.json"
    nearer = evidence.share(
        "share of faces nearer", name, "autoencoded_nearer", items=int(evidence.value(name, "n_held_out"))
    )
    before, after = (look(evidence, who, "distance_to_mean") for who in ("original", "autoencoded"))
    return [
        below(after, before, "nearer to the mean face after than before"),
        over(nearer, 0.9, "more than 9 of 10 faces"),
    ]


def regularised(evidence: Evidence) -> Iterator[Finding]:
    """The RBM takes detail, more than the CNN alone does."""
    for key in ("distance_to_mean", "detail"):
        name = key.replace("_", " ")
        after = look(evidence, "autoencoded", key)
        yield below(after, look(evidence, "cnn", key), f"{name}: below that after the CNN alone")
    kept, whole = (look(evidence, who, "detail") for who in ("autoencoded", "original"))
    half = Number("half of the original detail", whole.value / 2, whole.error / 2, whole.runs, whole.source)
    yield below(kept, half, "less than half of the detail is left")


def controlled(evidence: Evidence) -> list[Finding]:
    """The less of the way up is mixed in, the nearer the face is to the mean."""
    shares = evidence.value(LOOKS, "upward")
    numbers = [
        evidence.interval(f"{share:g} of the way up", LOOKS, f"mixed_{place}_distance_to_mean")
        for place, share in sorted(enumerate(shares), key=lambda each: -each[1])
    ]
    return [falling(numbers, "the distance to the mean face falls with the share of the way up")]


def gibbs(evidence: Evidence) -> Iterator[Finding]:
    """Gibbs samples are smoother than faces, and nearer to the mean face."""
    for key, name in (("roughness", "roughness"), ("distance_to_mean", "distance to the mean face")):
        yield below(look(evidence, "gibbs", key), look(evidence, "original", key), f"{name}: below that of faces")


def deeper(evidence: Evidence) -> list[Finding]:
    """Samples of the deep RBM have more detail."""
    return [
        above(
            look(evidence, "gibbs_deep", "detail"), look(evidence, "gibbs", "detail"), "more detail with the deep RBM"
        )
    ]


def distinct(evidence: Evidence, where: str) -> Number:
    """How distinct faces half way between two people are, by where they are mixed."""
    return evidence.seeded({"cnn": "CNN", "level": "RBM", "deep": "deep RBM"}[where], LOOKS, f"distinctness_{where}")


def cnn_better(evidence: Evidence) -> list[Finding]:
    """Faces between two people are more distinct when mixed in the CNN's features than in the RBM's
    hidden layer."""
    return [
        above(distinct(evidence, "cnn"), distinct(evidence, "level"), "more distinct mixed at the CNN than at the RBM")
    ]


def deep_better(evidence: Evidence) -> list[Finding]:
    """Mixed at the top of the deep RBM they are more distinct still."""
    deep = distinct(evidence, "deep")
    return [
        above(deep, distinct(evidence, "cnn"), "more distinct than mixed at the CNN"),
        above(deep, distinct(evidence, "level"), "more distinct than mixed at the RBM"),
    ]


def units(evidence: Evidence, kind: str, key: str) -> Number:
    """A measure of RBMs with one kind of visible unit, over seeds."""
    return evidence.seeded(f"{kind} units", UNITS, f"{kind}_{key}")


def beta_better(evidence: Evidence) -> list[Finding]:
    """Beta units draw better faces and reconstruct better than Gaussian ones that are clipped."""
    return [
        below(units(evidence, "beta", "frechet"), units(evidence, "gaussian", "frechet"), "draws nearer to real faces"),
        below(
            units(evidence, "beta", "reconstruction"),
            units(evidence, "gaussian", "reconstruction"),
            "smaller error of reconstruction",
        ),
    ]


def clipping(evidence: Evidence) -> list[Finding]:
    """Draws of Gaussian units end at 0 or 1 far more often than those of Beta units, which do by
    rounding alone."""
    gaussian, beta = (units(evidence, kind, "clipped_share") for kind in ("gaussian", "beta"))
    times = evidence.terms.times
    rounded = Number(
        f"{times:g} times that of beta units", times * beta.value, times * beta.error, beta.runs, beta.source
    )
    return [
        over(gaussian, 0, "Gaussian draws must be clipped"),
        above(gaussian, rounded, "Beta draws need it far less"),
    ]


def vanilla(evidence: Evidence) -> list[Finding]:
    """Binary units on continuous values draw worse than Beta units, judged by their means too."""
    return [
        below(
            units(evidence, "beta", key), units(evidence, "bernoulli", key), f"{name}: Beta units nearer to real faces"
        )
        for key, name in (("frechet", "draws"), ("frechet_means", "means of draws"))
    ]


def digits(evidence: Evidence) -> Iterator[Finding]:
    """Test log-likelihood of RBMs on binary digits against a published one."""
    published = Number("published, 500 hidden units", PUBLISHED_LOG_LIKELIHOOD, 0.0, 1, "REFERENCES: PyDeep's tutorial")
    for name in evidence.names("rbm_likelihood/mnist/", "metrics.json"):
        values = evidence.table(name)
        error = (values["test_high"] - values["test_low"]) / 3.92
        found = evidence.exact(name.split("/")[2], name, "test_log_likelihood")
        number = Number(f"run {found.label}", found.value, error, 1, found.source)
        yield not_below(number, published, f"log-likelihood of {found.label} not below the published one")


def likelihoods(evidence: Evidence) -> Iterator[Finding]:
    """Both directions of annealing agree wherever there is an energy; units by moments have
    none."""
    for name in evidence.names("rbm_likelihood/", "metrics.json"):
        run = " ".join(name.split("/")[1:3])
        pair = []
        for label, key in (("forward", "log_z"), ("in reverse", "log_z_reverse")):
            found = evidence.exact(f"{run}, {label}", name, key)
            pair.append(Number(found.label, found.value, evidence.value(name, f"{key}_std_error"), 1, found.source))
        apart = Number("nats apart", abs(pair[0].value - pair[1].value), 0.0, 1, f"results/{name}: apart")
        yield under(apart, 1.0, f"{run}: both estimates of log Z within 1 nat")
    runs = evidence.names("face_model/lfw/", "metrics.json")
    with_energy = {name.split("/")[2] for name in evidence.names("rbm_likelihood/lfw/", "metrics.json")}
    for name in runs:
        run = name.split("/")[2]
        yield Finding(f"a likelihood is defined for the faces' {run.replace('_', ' ')}", (), run in with_energy)


def counted_faces(evidence: Evidence) -> list[Finding]:
    """Faces that were kept, against the notes' 13,200."""
    return [
        between(
            evidence.exact("faces kept", "faces/lfw/metrics.json", "n_kept"),
            13_134,
            13_266,
            "13,200 faces, to half a per cent",
        )
    ]


JUDGES: dict[str, Judge] = {
    "faces-count": counted_faces,
    "rbm-digits": digits,
    "binary-unfit": vanilla,
    "beta-better": beta_better,
    "gaussian-clipped": clipping,
    "rbm-likelihood": likelihoods,
    "rbm-typical": typical_faces,
    "gibbs-real": real_faces,
    "gibbs-smooth": gibbs,
    "more-typical": more_typical,
    "glasses-vanish": regularised,
    "mixing-controls": controlled,
    "deeper-sharper": deeper,
    "cnn-interpolates": cnn_better,
    "deep-interpolates": deep_better,
}
