# Faces through the RBMs: autoencoded, drawn, interpolated and mixed, and measured; one job for each kind of unit.
FACE_MODEL = "results/face_model/lfw"
FACE_RUNS = [run for dataset, run in RBM_RUNS if dataset == "lfw"]
FACE_WEIGHTS = {run: f"{RBM}/weights.safetensors".format(dataset="lfw", run=run) for run in FACE_RUNS}
FACE_WEIGHTS["deep_rbm"] = f"{DEEP_RBM}/weights.safetensors"
ARTIFACTS += [
    f"{FACE_MODEL}/{run}/{file}"
    for run in FACE_WEIGHTS
    for file in ["metrics.json", "mixing.csv", "pictures.h5", "probe.json"]
]
ARTIFACTS += [f"{FACE_MODEL}/mixed.h5"]


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
    log:
        "logs/face_model/{run}.log",
    benchmark:
        "logs/face_model/{run}.tsv"
    params:
        tracked=tracked("face_model.measures"),
    shell:
        "python -m latents.stages.face_model measure --faces {input.faces} --autoencoder {input.autoencoder}"
        " --features {input.features} --examples {input.examples} --weights {input.weights}"
        " --metrics {output.metrics} --mixing {output.mixing} --pictures {output.pictures}"
        " --probe {output.probe} --log {log}"


rule face_model_mix:
    input:
        faces=f"{FACES}/faces.h5",
        autoencoder=f"{AUTOENCODER}/model.safetensors",
        features=f"{AUTOENCODER}/features.h5",
        examples=f"{FACES}/examples.h5",
        weights=FACE_WEIGHTS[PARAMS["face_model"]["main"]],
        deep_weights=FACE_WEIGHTS["deep_rbm"],
    output:
        pictures=f"{FACE_MODEL}/mixed.h5",
    log:
        "logs/face_model/mix.log",
    benchmark:
        "logs/face_model/mix.tsv"
    params:
        tracked=tracked("face_model.mixtures"),
    shell:
        "python -m latents.stages.face_model mix --faces {input.faces} --autoencoder {input.autoencoder}"
        " --features {input.features} --examples {input.examples} --weights {input.weights}"
        " --deep-weights {input.deep_weights} --pictures {output.pictures} --log {log}"
