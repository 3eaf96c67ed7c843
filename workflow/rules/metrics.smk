# The headline numbers of all stages in one file, for `dvc exp show` and README.
ARTIFACTS += ["results/metrics.json"]


rule metrics:
    input:
        digit_classifier=f"{DIGIT_CLASSIFIER}/metrics.json",
        faces=[f"{FACES}/metrics.json", f"{AUTOENCODER}/metrics.json"],
        vae=expand(
            f"{VAE}/metrics.json",
            zip,
            run=[r for r, _ in VAE_RUNS],
            seed=[s for _, s in VAE_RUNS],
        ),
        rnn=expand(f"{RNN}/metrics.json", run=RNN_RUNS) + [f"{LANGUAGE_MODEL}/metrics.json"],
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
        "python -m latents.stages.metrics gather {input.digit_classifier} {input.faces} {input.vae} {input.rnn} {input.others} --metrics {output.metrics} --log {log}"
