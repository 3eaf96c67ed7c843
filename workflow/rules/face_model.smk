FACE_MODEL = "results/face_model/lfw"
FACE_RUNS = [run for dataset, run in RBM_RUNS if dataset == "lfw"]
FACE_WEIGHTS = {run: f"{RBM}/weights.safetensors".format(dataset="lfw", run=run) for run in FACE_RUNS}
FACE_WEIGHTS["deep_rbm"] = f"{DEEP_RBM}/weights.safetensors"
ARTIFACTS += [
    f"{FACE_MODEL}/{run}/{file}"
    for run in FACE_WEIGHTS
    for file in ["metrics.json", "mixing.csv", "pictures.h5", "probe.json"]
]
FACE_MAIN = PARAMS["face_model"]["main"]
ARTIFACTS += [f"{FACE_MODEL}/mixed.h5", f"{FACE_MODEL}/looks.json"]
ARTIFACTS += [f"results/figures/faces/{name}.png" for name in ["autoencoded", "interpolation", "strip", "mixing"]]
ARTIFACTS += [f"results/figures/faces/gibbs/{run}.png" for run in FACE_WEIGHTS]


rule face_model:
    input:
        faces=f"{FACES}/faces.h5",
        autoencoder=f"{AUTOENCODER}/model.safetensors",
        features=f"{AUTOENCODER}/features.h5",
        examples=f"{FACES}/examples.h5",
        weights=lambda wildcards: FACE_WEIGHTS[wildcards.run],
    output:
        metrics=f"{FACE_MODEL}/{{run}}/metrics.json",
        mixing=f"{FACE_MODEL}/{{run}}/mixing.csv",
        pictures=f"{FACE_MODEL}/{{run}}/pictures.h5",
        probe=f"{FACE_MODEL}/{{run}}/probe.json",
    params:
        tracked=tracked("face_model.measures"),
    shell:
        "python -m relatent.stages.face_model measure --faces {input.faces} --autoencoder {input.autoencoder}"
        " --features {input.features} --examples {input.examples} --weights {input.weights}"
        " --metrics {output.metrics} --mixing {output.mixing} --pictures {output.pictures}"
        " --probe {output.probe} --log {log}"


rule face_model_mix:
    input:
        faces=f"{FACES}/faces.h5",
        autoencoder=f"{AUTOENCODER}/model.safetensors",
        features=f"{AUTOENCODER}/features.h5",
        examples=f"{FACES}/examples.h5",
        weights=FACE_WEIGHTS[FACE_MAIN],
        deep_weights=FACE_WEIGHTS["deep_rbm"],
    output:
        pictures=f"{FACE_MODEL}/mixed.h5",
    params:
        tracked=tracked("face_model.mixtures"),
    shell:
        "python -m relatent.stages.face_model mix --faces {input.faces} --autoencoder {input.autoencoder}"
        " --features {input.features} --examples {input.examples} --weights {input.weights}"
        " --deep-weights {input.deep_weights} --pictures {output.pictures} --log {log}"


rule face_model_looks:
    input:
        faces=f"{FACES}/faces.h5",
        autoencoder=f"{AUTOENCODER}/model.safetensors",
        features=f"{AUTOENCODER}/features.h5",
        weights=FACE_WEIGHTS[FACE_MAIN],
        deep_weights=FACE_WEIGHTS["deep_rbm"],
        pictures=f"{FACE_MODEL}/{FACE_MAIN}/pictures.h5",
        deep_pictures=f"{FACE_MODEL}/deep_rbm/pictures.h5",
    output:
        metrics=f"{FACE_MODEL}/looks.json",
    params:
        tracked=tracked("face_model.looks"),
    shell:
        "python -m relatent.stages.face_model looks --faces {input.faces} --autoencoder {input.autoencoder}"
        " --features {input.features} --weights {input.weights} --deep-weights {input.deep_weights}"
        " --pictures {input.pictures} --deep-pictures {input.deep_pictures} --metrics {output.metrics} --log {log}"


rule figures_autoencoded:
    input:
        pictures=f"{FACE_MODEL}/{PARAMS['face_model']['main']}/pictures.h5",
    output:
        figure=report(
            "results/figures/faces/autoencoded.png",
            caption="../report/autoencoded.rst",
            category="Faces",
        ),
    shell:
        "python -m relatent.stages.figures.faces grid --pictures {input.pictures} --name autoencoded"
        " --figure {output.figure} --log {log}"


rule figures_gibbs:
    input:
        pictures=f"{FACE_MODEL}/{{run}}/pictures.h5",
    output:
        figure=report(
            "results/figures/faces/gibbs/{run}.png",
            caption="../report/gibbs.rst",
            category="Faces",
        ),
    shell:
        "python -m relatent.stages.figures.faces grid --pictures {input.pictures} --name gibbs"
        " --figure {output.figure} --log {log}"


rule figures_interpolation:
    input:
        mixed=f"{FACE_MODEL}/mixed.h5",
    output:
        figure=report(
            "results/figures/faces/interpolation.png",
            caption="../report/interpolation.rst",
            category="Faces",
        ),
    shell:
        "python -m relatent.stages.figures.faces interpolation --mixed {input.mixed}"
        " --figure {output.figure} --log {log}"


rule figures_strip:
    input:
        mixed=f"{FACE_MODEL}/mixed.h5",
    output:
        figure=report("results/figures/faces/strip.png", caption="../report/strip.rst", category="Faces"),
    shell:
        "python -m relatent.stages.figures.faces strip --mixed {input.mixed} --figure {output.figure} --log {log}"


rule figures_mixing:
    input:
        tables=[f"{FACE_MODEL}/{run}/mixing.csv" for run in FACE_WEIGHTS],
    output:
        figure=report("results/figures/faces/mixing.png", caption="../report/mixing.rst", category="Faces"),
    shell:
        "python -m relatent.stages.figures.faces mixing {input.tables} --figure {output.figure} --log {log}"
