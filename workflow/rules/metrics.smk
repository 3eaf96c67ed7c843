# The headline numbers of all stages in one file, for `dvc exp show` and README.
ARTIFACTS += ["results/metrics.json"]


rule metrics:
    input:
        faces=[f"{FACES}/metrics.json", f"{AUTOENCODER}/metrics.json"],
        vae=expand(
            f"{VAE}/metrics.json",
            zip,
            run=[r for r, _ in VAE_RUNS],
            seed=[s for _, s in VAE_RUNS],
        ),
        ranking=[f"results/ranking/{dataset}/{name}/metrics.json" for dataset, name in REPRESENTATIONS],
        classification=CLASSIFICATION,
        code=code("metrics"),
    output:
        metrics="results/metrics.json",
    log:
        "logs/metrics/metrics.log",
    shell:
        "python -m latents.stages.metrics gather {input.faces} {input.vae}"
        " {input.ranking} {input.classification} --metrics {output.metrics} --log {log}"
