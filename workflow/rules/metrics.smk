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
        text=[f"{TEXT_VAE}/metrics.json".format(run=run) for run in TEXT_VAE_RUNS],
        hashing=[f"{HASHING}/metrics.json".format(corpus=c, method=m) for c, m in HASHING_RUNS if m != "tfidf"],
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
        "python -m latents.stages.metrics gather {input.faces} {input.vae} {input.text} {input.hashing} {input.others} --metrics {output.metrics} --log {log}"
