LIKELIHOOD = "results/rbm_likelihood/{dataset}/{run}"
WITH_ENERGY = [  # all others have no likelihood, see relatent.stages.rbm_likelihood
    (values["dataset"], run)
    for run, values in PARAMS["rbm"]["runs"].items()
    if values["visible"] in ("bernoulli", "exact_beta") and values["hidden"] == "bernoulli"
]
ARTIFACTS += [
    f"{LIKELIHOOD}/{file}".format(dataset=dataset, run=run)
    for dataset, run in WITH_ENERGY
    for file in ["log_partition.csv", "metrics.json", "probe.json"]
]
ARTIFACTS += [f"results/figures/rbm_likelihood/{dataset}/{run}.png" for dataset, run in WITH_ENERGY]


rule rbm_likelihood:
    input:
        weights=f"{RBM}/weights.safetensors",
        data=lambda wildcards: RBM_DATA[wildcards.dataset],
    output:
        table=f"{LIKELIHOOD}/log_partition.csv",
        metrics=f"{LIKELIHOOD}/metrics.json",
        probe=f"{LIKELIHOOD}/probe.json",
    priority: 2
    threads: 1  # starts when one core is free, then uses all cores, two on average
    params:
        tracked=tracked("rbm_likelihood"),
    shell:
        "python -m relatent.stages.rbm_likelihood anneal --weights {input.weights} --data {input.data}"
        " --table {output.table} --metrics {output.metrics} --probe {output.probe} --log {log}"


rule figures_convergence:
    input:
        table=f"{LIKELIHOOD}/log_partition.csv",
    output:
        figure=report(
            "results/figures/rbm_likelihood/{dataset}/{run}.png",
            caption="../report/convergence.rst",
            category="RBM",
        ),
    shell:
        "python -m relatent.stages.figures.rbm convergence --table {input.table} --figure {output.figure} --log {log}"
