"""Stage `face_model`: reconstruct, sample, interpolate and mix faces with RBMs; measure them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import Field

from relatent.jobs.params import Name, Section, Structural, load_section
from relatent.stages.shared.command import PARAMS, Params, ProbeFile, run, stage
from relatent.stages.shared.face_files import held_out_faces, photographs, read_model

Shares = Annotated[list[Annotated[float, Field(ge=0, le=1)]], Field(min_length=1)]


class Measures(Section):
    """Configure the measures on faces of held-out people and on Gibbs samples."""

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
    """Configure the interpolated and mixed faces that are drawn."""

    people: Annotated[list[str], Field(min_length=2, max_length=2)]
    photographs: int = Field(ge=1, le=20)
    between: Shares
    upward: Shares
    faces: int = Field(ge=1, le=20)


class Looks(Section):
    """Configure the measures of how faces look at each stage of the model."""

    blur_px: float = Field(gt=0, le=32)
    upward: Annotated[list[Annotated[float, Field(ge=0, le=1)]], Field(min_length=2)]
    pairs: int = Field(ge=2)
    draws: int = Field(ge=2)


class FaceModelParams(Section):
    """Configure the samples, the mixtures and the measures of models of faces."""

    main: Annotated[Name, Structural()]
    measures: Measures
    mixtures: Mixtures
    looks: Looks


FacesFile = Annotated[Path, typer.Option(help="HDF5 of the stage faces.")]
AutoencoderFile = Annotated[Path, typer.Option(help="Weights of the autoencoder.")]
FeaturesFile = Annotated[Path, typer.Option(help="HDF5 of features of the stage autoencoder.")]
Examples = Annotated[Path, typer.Option(help="HDF5 with at_random, the 64 faces of the figures.")]

SECTION = FaceModelParams
HEADLINES = ["frechet", "frechet_floor"]
AXES = {"mixing.csv": ("lag", "autocorrelation")}

app = stage("Reconstruct, sample, interpolate and mix faces with RBMs; measure the results.")


@app.command()
def measure(
    faces: FacesFile,
    autoencoder: AutoencoderFile,
    features: FeaturesFile,
    examples: Examples,
    weights: Annotated[Path, typer.Option(help="Weights of an RBM or of a deep RBM.")],
    metrics: Annotated[Path, typer.Option(help="JSON to write: errors, looks and Frechet distances of faces.")],
    mixing: Annotated[Path, typer.Option(help="CSV to write: autocorrelation of Gibbs chains by lag.")],
    pictures: Annotated[Path, typer.Option(help="HDF5 to write: faces, autoencoded, gibbs, gibbs_draws.")],
    probe: ProbeFile = None,
    params: Params = PARAMS,
) -> None:
    """Measure one model on held-out faces and its Gibbs samples; store 64 of each for figures."""
    import numpy as np
    import torch

    from relatent.face_models import measure as face_measures
    from relatent.face_models.people import ROLES
    from relatent.files.hdf5 import read_hdf5, write_hdf5
    from relatent.files.tables import write_csv, write_json
    from relatent.networks.probes import probing
    from relatent.networks.training import set_threads
    from relatent.stats.chains import autocorrelation, effective_share

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
    for prefix, each in {"gibbs": values, "gibbs_means": means}.items():
        pixels = model.decode(each[: section.chains]).numpy()  # the first draw of each chain
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


@app.command()
def mix(
    faces: FacesFile,
    autoencoder: AutoencoderFile,
    features: FeaturesFile,
    examples: Examples,
    weights: Annotated[Path, typer.Option(help="Weights of an RBM.")],
    deep_weights: Annotated[Path, typer.Option(help="Weights of a deep RBM.")],
    pictures: Annotated[Path, typer.Option(help="HDF5 to write: interpolated and mixed faces.")],
    params: Params = PARAMS,
) -> None:
    """Interpolate faces of two people at each level; mix faces with the RBM's reconstructions.

    Data sets written: `first`, `second` (photographs, y, x), of the two `people`; for each name in
    `levels` the faces between them (between, photographs, y, x); `faces` (faces, y, x) and `mixed`
    (upward, faces, y, x).
    """
    import numpy as np
    import torch

    from relatent.face_models.stack import LEVELS
    from relatent.files.hdf5 import read_hdf5, write_hdf5
    from relatent.networks.training import set_threads

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
    weights: Annotated[Path, typer.Option(help="Weights of the RBM.")],
    deep_weights: Annotated[Path, typer.Option(help="Weights of the deep RBM.")],
    pictures: Annotated[Path, typer.Option(help="HDF5 of the RBM's pictures, with gibbs_draws.")],
    deep_pictures: Annotated[Path, typer.Option(help="HDF5 of the deep RBM's pictures, with gibbs_draws.")],
    metrics: Annotated[Path, typer.Option(help="JSON to write: measures of looks, with intervals.")],
    params: Params = PARAMS,
) -> None:
    """Measure how faces look, with intervals: held-out, Gibbs samples, and between two people."""
    from relatent.face_models import measure as face_looks
    from relatent.files.hdf5 import read_hdf5
    from relatent.files.tables import write_json
    from relatent.networks.training import set_threads

    set_threads(1)
    section = load_section(FaceModelParams, "face_model", params).looks
    shallow, deep = (read_model(autoencoder, features, path) for path in (weights, deep_weights))
    held_out, people, centre = held_out_faces(faces, features)
    found = face_looks.stages_of_faces(
        shallow[0], held_out, people, centre, shares=section.upward, blur_px=section.blur_px
    )
    for prefix, path in {"gibbs": pictures, "gibbs_deep": deep_pictures}.items():
        drawn = read_hdf5(path, "gibbs_draws")[0]
        found |= face_looks.look(drawn, centre, blur_px=section.blur_px, prefix=prefix, intervals=face_looks.LOOKS)
    models = {"level": shallow, "deep": deep}
    found |= face_looks.between_over_draws(models, held_out, people, pairs=section.pairs, draws=section.draws)
    write_json(metrics, found)


def faults(whole: Any) -> Iterator[str]:
    """Yield one line if `main` is no run on faces, and one if `lags` exceeds the chains' length."""
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
