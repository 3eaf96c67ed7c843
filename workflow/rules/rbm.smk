RBM = "results/rbm/{dataset}/{run}"
RBM_DATA = {"mnist": "results/digits/digits.h5", "lfw": f"{AUTOENCODER}/features.h5"}
RBM_UNITS = "results/rbm/lfw/units.json"
RBM_RUNS = [(values["dataset"], run) for run, values in PARAMS["rbm"]["runs"].items()]
ARTIFACTS += [
    f"{RBM}/{file}".format(dataset=dataset, run=run)
    for dataset, run in RBM_RUNS
    for file in ["weights.safetensors", "history.csv", "metrics.json", "probe.json"]
]
ARTIFACTS += [RBM_UNITS]
ARTIFACTS += [f"results/figures/rbm/mnist/{run}.png" for dataset, run in RBM_RUNS if dataset == "mnist"]


rule rbm:
    input:
        data=lambda wildcards: RBM_DATA[wildcards.dataset],
    output:
        weights=f"{RBM}/weights.safetensors",
        history=f"{RBM}/history.csv",
        metrics=f"{RBM}/metrics.json",
        probe=f"{RBM}/probe.json",
    priority: 2
    params:
        tracked=tracked("compute", "rbm.runs.{run}"),
    shell:
        "python -m relatent.stages.rbm train --run {wildcards.run} --data {input.data} --weights {output.weights}"
        " --history {output.history} --metrics {output.metrics} --probe {output.probe} --log {log}"


rule rbm_units:
    input:
        features=f"{AUTOENCODER}/features.h5",
    output:
        metrics=RBM_UNITS,
    params:
        tracked=tracked("rbm.units"),
    shell:
        "python -m relatent.stages.rbm units --features {input.features} --metrics {output.metrics} --log {log}"


rule figures_filters:
    input:
        weights="results/rbm/mnist/{run}/weights.safetensors",
    output:
        figure=report(
            "results/figures/rbm/mnist/{run}.png",
            caption="../report/filters.rst",
            category="RBM",
        ),
    shell:
        "python -m relatent.stages.figures.rbm filters --weights {input.weights} --figure {output.figure} --log {log}"
