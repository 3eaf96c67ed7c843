DEEP_RBM = "results/deep_rbm/lfw"
ARTIFACTS += [f"{DEEP_RBM}/{file}" for file in ["weights.safetensors", "history.csv", "greedy.csv", "metrics.json"]]


rule deep_rbm:
    input:
        features=f"{AUTOENCODER}/features.h5",
        bottom=f"{RBM}/weights.safetensors".format(dataset="lfw", run=PARAMS["deep_rbm"]["bottom"]),
    output:
        weights=f"{DEEP_RBM}/weights.safetensors",
        history=f"{DEEP_RBM}/history.csv",
        greedy=f"{DEEP_RBM}/greedy.csv",
        metrics=f"{DEEP_RBM}/metrics.json",
    priority: 2
    params:
        tracked=tracked("compute", "deep_rbm"),
    shell:
        "python -m relatent.stages.deep_rbm train --features {input.features} --bottom {input.bottom}"
        " --weights {output.weights} --history {output.history} --greedy {output.greedy}"
        " --metrics {output.metrics} --log {log}"
