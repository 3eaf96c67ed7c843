# The headline numbers of all stages in one file, for `dvc exp show` and README.
ARTIFACTS += ["results/metrics.json"]


rule metrics:
    input:
        faces=[f"{FACES}/metrics.json", f"{AUTOENCODER}/metrics.json"],
        rbms=[RBM.format(dataset=dataset, run=run) + "/metrics.json" for dataset, run in RBM_RUNS],
        deep_rbm=f"{DEEP_RBM}/metrics.json",
        likelihoods=[LIKELIHOOD.format(dataset=dataset, run=run) + "/metrics.json" for dataset, run in WITH_ENERGY],
        face_model=[f"{FACE_MODEL}/{run}/metrics.json" for run in FACE_WEIGHTS],
        vae=expand(
            f"{VAE}/metrics.json",
            zip,
            run=[r for r, _ in VAE_RUNS],
            seed=[s for _, s in VAE_RUNS],
        ),
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
        " {input.face_model} {input.vae} {input.others} --metrics {output.metrics} --log {log}"
