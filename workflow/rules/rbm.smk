# Restricted Boltzmann machines on digits and on features of faces, a deep one on faces, and their likelihoods.
RBM = "results/rbm/{dataset}/{run}"
DEEP_RBM = "results/deep_rbm/lfw"
LIKELIHOOD = "results/likelihood/{dataset}/{run}"
RBM_DATA = {"mnist": "results/digits/digits.h5", "lfw": f"{AUTOENCODER}/features.h5"}
RBM_RUNS = [(values["dataset"], run) for run, values in PARAMS["rbm"]["runs"].items()]
WITH_ENERGY = [  # the others have no likelihood, see latents.stages.rbm_likelihood
    (values["dataset"], run)
    for run, values in PARAMS["rbm"]["runs"].items()
    if values["visible"] in ("bernoulli", "exact_beta") and values["hidden"] == "bernoulli"
]
ARTIFACTS += [
    f"{RBM}/{file}".format(dataset=dataset, run=run)
    for dataset, run in RBM_RUNS
    for file in ["weights.safetensors", "history.csv", "metrics.json", "probe.json"]
]
ARTIFACTS += [f"{DEEP_RBM}/{file}" for file in ["weights.safetensors", "history.csv", "greedy.csv", "metrics.json"]]
ARTIFACTS += [
    f"{LIKELIHOOD}/{file}".format(dataset=dataset, run=run)
    for dataset, run in WITH_ENERGY
    for file in ["log_partition.csv", "metrics.json", "probe.json"]
]


rule rbm:
    input:
        data=lambda wildcards: RBM_DATA[wildcards.dataset],
    output:
        weights=f"{RBM}/weights.safetensors",
        history=f"{RBM}/history.csv",
        metrics=f"{RBM}/metrics.json",
        probe=f"{RBM}/probe.json",
    log:
        "logs/rbm/{dataset}/{run}.log",
    benchmark:
        "logs/rbm/{dataset}/{run}.tsv"
    priority: 2
    params:
        tracked=tracked("compute", "rbm.runs.{run}"),
    shell:
        "python -m latents.stages.rbm train --run {wildcards.run} --data {input.data} --weights {output.weights}"
        " --history {output.history} --metrics {output.metrics} --probe {output.probe} --log {log}"


rule deep_rbm:
    input:
        features=f"{AUTOENCODER}/features.h5",
        bottom=f"{RBM}/weights.safetensors".format(dataset="lfw", run=PARAMS["deep_rbm"]["bottom"]),
    output:
        weights=f"{DEEP_RBM}/weights.safetensors",
        history=f"{DEEP_RBM}/history.csv",
        greedy=f"{DEEP_RBM}/greedy.csv",
        metrics=f"{DEEP_RBM}/metrics.json",
    log:
        "logs/deep_rbm/train.log",
    benchmark:
        "logs/deep_rbm/train.tsv"
    priority: 2
    params:
        tracked=tracked("compute", "deep_rbm"),
    shell:
        "python -m latents.stages.deep_rbm train --features {input.features} --bottom {input.bottom}"
        " --weights {output.weights} --history {output.history} --greedy {output.greedy}"
        " --metrics {output.metrics} --log {log}"


rule likelihood:
    input:
        weights=f"{RBM}/weights.safetensors",
        data=lambda wildcards: RBM_DATA[wildcards.dataset],
    output:
        table=f"{LIKELIHOOD}/log_partition.csv",
        metrics=f"{LIKELIHOOD}/metrics.json",
        probe=f"{LIKELIHOOD}/probe.json",
    log:
        "logs/likelihood/{dataset}/{run}.log",
    benchmark:
        "logs/likelihood/{dataset}/{run}.tsv"
    priority: 2
    threads: 1  # it takes the cores that there are, two of them on average, and does not wait for four to be free
    params:
        tracked=tracked("likelihood"),
    shell:
        "python -m latents.stages.rbm_likelihood anneal --weights {input.weights} --data {input.data}"
        " --table {output.table} --metrics {output.metrics} --probe {output.probe} --log {log}"
