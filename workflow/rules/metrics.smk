# The headline numbers of all stages in one file, for `dvc exp show` and README.
ARTIFACTS += ["results/metrics.json"]


rule metrics:
    input:
        digit_classifier=f"{DIGIT_CLASSIFIER}/metrics.json",
        faces=[f"{FACES}/metrics.json", f"{AUTOENCODER}/metrics.json"],
        measures=MEASURES_SUMMARY,
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
        "python -m latents.stages.metrics gather {input.digit_classifier} {input.faces} {input.measures} {input.others}"
        " --metrics {output.metrics} --log {log}"
