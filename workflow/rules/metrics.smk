# The headline numbers of all stages in one file, for `dvc exp show` and README.
ARTIFACTS += ["results/metrics.json"]


rule metrics:
    input:
        faces=[f"{FACES}/metrics.json", f"{AUTOENCODER}/metrics.json"],
        rbms=[RBM.format(dataset=dataset, run=run) + "/metrics.json" for dataset, run in RBM_RUNS],
        deep_rbm=f"{DEEP_RBM}/metrics.json",
        likelihoods=[LIKELIHOOD.format(dataset=dataset, run=run) + "/metrics.json" for dataset, run in WITH_ENERGY],
        vae=expand(
            f"{VAE}/metrics.json",
            zip,
            run=[r for r, _ in VAE_RUNS],
            seed=[s for _, s in VAE_RUNS],
        ),
        orderings=[f"{ORDERING}/metrics.json".format(features=name) for name in PICTURES],
        others=[
            f"results/{stage}/{dataset}/{name}/metrics.json"
            for stage in ["ranking", "classification"]
            for dataset, name in REPRESENTATIONS
        ],
        code=code("metrics"),
    output:
        metrics="results/metrics.json",
    log:
        "logs/metrics/metrics.log",
    shell:
        "python -m latents.stages.metrics gather {input.faces} {input.rbms} {input.deep_rbm} {input.likelihoods}"
        " {input.vae} {input.orderings} {input.others} --metrics {output.metrics} --log {log}"
