AUTOENCODER = "results/autoencoder/lfw"
AUTOENCODER_FILES = ["model.safetensors", "history.csv", "errors.csv", "metrics.json", "probe.json", "features.h5"]
ARTIFACTS += [f"{AUTOENCODER}/{file}" for file in AUTOENCODER_FILES]
ARTIFACTS += ["results/figures/autoencoder/errors.png"]


rule autoencoder_train:
    input:
        faces=f"{FACES}/faces.h5",
    output:
        model=f"{AUTOENCODER}/model.safetensors",
        history=f"{AUTOENCODER}/history.csv",
        errors=f"{AUTOENCODER}/errors.csv",
        metrics=f"{AUTOENCODER}/metrics.json",
        probe=f"{AUTOENCODER}/probe.json",
    priority: 2
    params:
        tracked=tracked("compute", "autoencoder"),
    shell:
        "python -m relatent.stages.autoencoder train --faces {input.faces} --model {output.model}"
        " --history {output.history} --errors {output.errors} --metrics {output.metrics}"
        " --probe {output.probe} --log {log}"


rule autoencoder_features:
    input:
        faces=f"{FACES}/faces.h5",
        model=f"{AUTOENCODER}/model.safetensors",
    output:
        features=f"{AUTOENCODER}/features.h5",
    priority: 2
    params:
        tracked=tracked("autoencoder"),
    shell:
        "python -m relatent.stages.autoencoder features --faces {input.faces} --model {input.model}"
        " --features {output.features} --log {log}"


rule figures_errors:
    input:
        errors=f"{AUTOENCODER}/errors.csv",
        metrics=f"{AUTOENCODER}/metrics.json",
    output:
        figure=report(
            "results/figures/autoencoder/errors.png",
            caption="../report/errors.rst",
            category="Faces",
        ),
    shell:
        "python -m relatent.stages.figures.faces errors --errors {input.errors} --metrics {input.metrics}"
        " --figure {output.figure} --log {log}"
