# The headline numbers of all stages in one file, for `dvc exp show` and README: of every metrics.json that the rules make.
HEADLINES = [path for path in ARTIFACTS if path.endswith("/metrics.json")]
ARTIFACTS += ["results/metrics.json"]


rule metrics:
    input:
        files=HEADLINES,
        code=code("metrics"),
    output:
        metrics="results/metrics.json",
    log:
        "logs/metrics/metrics.log",
    shell:
        "python -m latents.stages.metrics gather {input.files} --metrics {output.metrics} --log {log}"
