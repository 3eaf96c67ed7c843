"""Stage `face_model`: faces autoencoded, sampled, interpolated and mixed through the RBMs, and measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import Field

from latents.errors import InputError
from latents.jobs.params import Name, Section, Structural, load_section
from latents.stages.shared.command import PARAMS, Log, Params, ProbeFile, run, stage

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from latents.face_models.stack import FaceModel

Shares = Annotated[list[Annotated[float, Field(ge=0, le=1)]], Field(min_length=1)]


class Measures(Section):
    """What is measured on faces of held-out people, and on Gibbs samples."""

    chains: int = Field(ge=64)
    steps: int = Field(ge=1)
    draws: int = Field(ge=2)
    thinning: int = Field(ge=1)
    watched: int = Field(ge=1)
    lags: int = Field(ge=2)
    blur_px: float = Field(gt=0, le=32)
    pairs: int = Field(ge=2)
    seed: int = Field(ge=0)


class Mixtures(Section):
    """The faces that are mixed, to be looked at."""

    people: Annotated[list[str], Field(min_length=2, max_length=2)]
    photographs: int = Field(ge=1, le=20)
    between: Shares
    upward: Shares
    faces: int = Field(ge=1, le=20)


class Looks(Section):
    """What is measured of faces at every stage of the way."""

    blur_px: float = Field(gt=0, le=32)
    upward: Annotated[list[Annotated[float, Field(ge=0, le=1)]], Field(min_length=2)]
    pairs: int = Field(ge=2)
    draws: int = Field(ge=2)


class FaceModelParams(Section):
    """What is drawn from the models of faces, and how it is measured."""

    main: Annotated[Name, Structural()]
    measures: Measures
    mixtures: Mixtures
    looks: Looks


FacesFile = Annotated[Path, typer.Option(help="HDF5 of the stage faces.")]
AutoencoderFile = Annotated[Path, typer.Option(help="Weights of the autoencoder.")]
FeaturesFile = Annotated[Path, typer.Option(help="HDF5 of the stage autoencoder's features.")]
Examples = Annotated[Path, typer.Option(help="HDF5 with at_random, the 64 faces that are shown.")]

SECTION = FaceModelParams
HEADLINES = ["frechet", "frechet_floor"]
AXES = {"mixing.csv": ("lag", "autocorrelation")}

app = stage("Autoencode, draw, interpolate and mix faces with RBMs; measure what comes out.")


@app.command()
def measure(
    faces: FacesFile,
    autoencoder: AutoencoderFile,
    features: FeaturesFile,
    examples: Examples,
    weights: Annotated[Path, typer.Option(help="Weights of an RBM, or of a deep RBM.")],
    metrics: Annotated[Path, typer.Option(help="JSON to write.")],
    mixing: Annotated[Path, typer.Option(help="CSV to write: autocorrelation of Gibbs chains by lag.")],
    pictures: Annotated[Path, typer.Option(help="HDF5 to write: faces, autoencoded, gibbs, gibbs_draws.")],
    probe: ProbeFile = None,
    params: Params = PARAMS,
    log: Log = None,
) -> None:
    """Measure one model on held-out faces and on its Gibbs samples; keep 64 of each to be looked at."""
    import numpy as np
    import torch

    from latents.face_models import measure as face_measures
    from latents.face_models.people import ROLES
    from latents.files.hdf5 import read_hdf5, write_hdf5
    from latents.files.tables import write_csv, write_json
    from latents.networks.probes import probing
    from latents.networks.training import set_threads
    from latents.stats.chains import autocorrelation, effective_share

    section = load_section(FaceModelParams, "face_model", params).measures
    set_threads(1)
    model, level = read_model(autoencoder, features, weights)
    draws = np.random.default_rng(section.seed)
    generator = torch.Generator().manual_seed(section.seed)
    held_out, people, centre = held_out_faces(faces, features)
    raw, role = read_hdf5(features, "features", "role")
    with probing(probe) as marks:
        if marks:
            face_measures.mark(marks, model, level, held_out, people, centre, section.blur_px, section.seed)

    found = face_measures.autoencoding(model, level, held_out, people, centre, blur_px=section.blur_px)
    found |= face_measures.between(model, level, held_out, people, pairs=section.pairs, generator=draws)
    values, trace = face_measures.run_chains(
        model,
        level,
        generator=generator,
        **section.model_dump(include={"chains", "steps", "draws", "thinning", "watched"}),
    )
    means = model.means_around(values, generator=generator, level=level)
    for prefix, each in {"gibbs": values, "gibbs_means": means}.items():  # the first draw of each chain
        pixels = model.decode(each[: section.chains]).numpy()
        found |= face_measures.look(pixels, centre, blur_px=section.blur_px, prefix=prefix)
    apart = raw[role == ROLES.index("held_out")], raw[role == ROLES.index("training")]
    found |= face_measures.against_faces(values, means, model.unit_map, *apart, generator=draws)
    correlation = autocorrelation(model.unit_map.from_unit(trace.flatten(0, 1)).view_as(trace).numpy(), section.lags)
    counts = {"n_held_out": len(held_out), "n_training": len(apart[1]), "n_samples": len(values)}
    write_json(metrics, found | {"effective_share": effective_share(correlation)} | counts)
    write_csv(mixing, [{"lag": lag, "autocorrelation": value} for lag, value in enumerate(correlation.tolist())])
    (shown,) = read_hdf5(examples, "at_random")
    drawn = {
        "faces": shown,
        "autoencoded": model.autoencode(torch.from_numpy(shown), level).numpy(),
        "gibbs": model.decode(means[: len(shown)]).numpy(),
        "gibbs_draws": model.decode(values[: len(shown)]).numpy(),
    }
    write_hdf5(pictures, drawn, dataset="lfw")


CHAINS = {"chains", "steps", "draws", "thinning", "watched"}


@app.command()
def mix(
    faces: FacesFile,
    autoencoder: AutoencoderFile,
    features: FeaturesFile,
    examples: Examples,
    weights: Annotated[Path, typer.Option(help="Weights of an RBM.")],
    deep_weights: Annotated[Path, typer.Option(help="Weights of a deep RBM.")],
    pictures: Annotated[Path, typer.Option(help="HDF5 to write: faces between people, and mixed.")],
    params: Params = PARAMS,
    log: Log = None,
) -> None:
    """Faces between those of two people, mixed at each level; faces from shares of the way up and the way down.

    Data sets: `first`, `second` (photographs), those named in `levels` (between, photographs) of `people`; `faces`
    and `mixed` (upward, faces).
    """
    import numpy as np
    import torch

    from latents.face_models.stack import LEVELS
    from latents.files.hdf5 import read_hdf5, write_hdf5
    from latents.networks.training import set_threads

    section = load_section(FaceModelParams, "face_model", params).mixtures
    set_threads(1)
    model, _ = read_model(autoencoder, features, weights, deep_weights)
    first, second = (
        torch.from_numpy(photographs(faces, features, name, section.photographs)) for name in section.people
    )
    between = {level: model.interpolate(first, second, section.between, level).numpy() for level in LEVELS}
    (shown,) = read_hdf5(examples, "at_random")
    strip = torch.from_numpy(shown[: section.faces])
    arrays = {"first": first.numpy(), "second": second.numpy(), **between}
    mixed = {"faces": strip.numpy(), "mixed": model.mix(strip, section.upward).numpy()}
    said = {
        "people": np.array(section.people),
        "between": np.array(section.between),
        "upward": np.array(section.upward),
    }
    write_hdf5(pictures, arrays | mixed | said | {"levels": np.array(LEVELS)}, dataset="lfw")


@app.command()
def looks(
    faces: FacesFile,
    autoencoder: AutoencoderFile,
    features: FeaturesFile,
    weights: Annotated[Path, typer.Option(help="Weights of the RBM that is shown.")],
    deep_weights: Annotated[Path, typer.Option(help="Weights of the deep RBM.")],
    pictures: Annotated[Path, typer.Option(help="HDF5 of the RBM's pictures, with gibbs.")],
    deep_pictures: Annotated[Path, typer.Option(help="The same of the deep RBM.")],
    metrics: Annotated[Path, typer.Option(help="JSON to write.")],
    params: Params = PARAMS,
    log: Log = None,
) -> None:
    """How held-out faces look at every stage of the way, with intervals; Gibbs samples; faces between two people."""
    from latents.face_models import measure as face_looks
    from latents.files.hdf5 import read_hdf5
    from latents.files.tables import write_json
    from latents.networks.training import set_threads

    set_threads(1)
    section = load_section(FaceModelParams, "face_model", params).looks
    shallow, deep = (read_model(autoencoder, features, path) for path in (weights, deep_weights))
    held_out, people, centre = held_out_faces(faces, features)
    found = face_looks.stages_of_faces(
        shallow[0], held_out, people, centre, shares=section.upward, blur_px=section.blur_px
    )
    for prefix, path in {"gibbs": pictures, "gibbs_deep": deep_pictures}.items():
        drawn = read_hdf5(path, "gibbs_draws")[0]
        found |= face_looks.looks(drawn, centre, blur_px=section.blur_px, prefix=prefix)
    models = {"level": shallow, "deep": deep}
    found |= face_looks.between_over_draws(models, held_out, people, pairs=section.pairs, draws=section.draws)
    write_json(metrics, found)


def read_model(autoencoder: Path, features: Path, *weights: Path) -> tuple[FaceModel, str]:
    """The stack of trained parts, and the level of the last of them; InputError when they do not fit together."""
    from latents.face_models import autoencoder as layers
    from latents.face_models.stack import FaceModel
    from latents.face_models.unit_map import read_unit_map
    from latents.files.weights import read_weights
    from latents.rbm import deep as deep_rbm
    from latents.rbm import model as rbm

    network = read_part(layers.load, autoencoder)
    parts: dict[str, Any] = {}
    for path in weights:
        deep = read_weights(path)[1].get("model") == "deep_rbm"
        level = "deep_rbm" if deep else "rbm"
        parts["deep" if deep else "rbm"] = read_part(deep_rbm.load if deep else rbm.load, path)
    unit_map = read_unit_map(features, n_features=network.n_features)
    return FaceModel(network, unit_map, **parts), level


def read_part(load: Callable[..., Any], path: Path) -> Any:
    """A trained part; InputError, in one line that names the file, when it holds weights of another architecture."""
    from latents.files.weights import read_weights

    state, architecture = read_weights(path)
    try:
        return load(state, architecture)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def held_out_faces(faces: Path, features: Path) -> tuple[Tensor, np.ndarray, np.ndarray]:
    """Faces of held-out people (n, y, x), who is on them (n,), and the mean of the training faces (y, x)."""
    import numpy as np
    import torch

    from latents.face_models.people import ROLES
    from latents.files.hdf5 import open_hdf5, read_hdf5, rows_of

    rows, role, person = read_hdf5(features, "row", "role", "person")
    with open_hdf5(features) as file:
        variant = file.attrs["variant"]
    with open_hdf5(faces) as file:
        pictures = rows_of(file, variant)[...]
    held_out = role == ROLES.index("held_out")
    centre = pictures[rows[role == ROLES.index("training")]].mean(axis=0, dtype=np.float64)
    return torch.from_numpy(pictures[rows[held_out]]), person[held_out], centre


def photographs(faces: Path, features: Path, name: str, count: int) -> np.ndarray:
    """Faces of one person (at most count, y, x), evenly over the person's photographs; InputError for a stranger."""
    import numpy as np

    from latents.face_models.people import rows_of_person
    from latents.files.hdf5 import open_hdf5, read_hdf5, rows_of

    rows, person = read_hdf5(features, "row", "person")
    found = rows_of_person(person, name)
    if len(found) < count:
        raise InputError(f"{name!r} is on {len(found)} photographs, face_model.mixtures.photographs is {count}")
    chosen = rows[found[np.linspace(0, len(found) - 1, count).round().astype(int)]]
    with open_hdf5(features) as file:
        variant = file.attrs["variant"]
    with open_hdf5(faces) as file:
        pictures: np.ndarray = rows_of(file, variant)[...][chosen]
    return pictures


def faults(whole: Any) -> Iterator[str]:
    """Find a shown run that learns no faces, and chains that are shorter than their lags."""
    section: FaceModelParams = whole.face_model
    on_faces = [name for name, settings in whole.rbm.runs.items() if settings.dataset == "lfw"]
    if section.main not in on_faces:
        there = ", ".join(on_faces) or "none; add one"
        yield f"face_model.main: got {section.main!r}, allowed: a run of rbm.runs on lfw: {there}"
    lags, steps = section.measures.lags, (section.measures.draws - 1) * section.measures.thinning
    if lags > steps:
        yield f"face_model.measures.lags: got {lags}, allowed: at most (draws - 1) thinning, {steps}"


if __name__ == "__main__":
    run(app)
