# The headline numbers of all stages in one file, for `dvc exp show` and README: not those of single seeds, which have a
# summary, nor of text_vae's peers, which are models of other kinds.
HEADLINES = [
    path
    for path in ARTIFACTS
    if path.endswith(("/metrics.json", "/summary.json")) and "/seed" not in path and "/peers/" not in path
]
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
