# Left out: single seeds, since their runs have a summary, and methods without the stage's headlines.
OTHER_KINDS = expand(f"{HASHING}/metrics.json", corpus=PARAMS["hashing"]["corpora"], method="tfidf")
OTHER_KINDS += ["results/text_vae/peers/metrics.json"]
HEADLINES = [
    path
    for path in ARTIFACTS
    if Path(path).name in ["metrics.json", "summary.json"]
    and not Path(path).parent.name.startswith("seed")
    and path not in OTHER_KINDS
]
ARTIFACTS += ["results/metrics.json"]


rule headlines:
    input:
        files=HEADLINES,
    output:
        metrics="results/metrics.json",
    params:
        names=" ".join(f"--headline {stage}:{name}" for stage, names in told("HEADLINES").items() for name in names),
    shell:
        "python -m relatent.stages.headlines gather {input.files} {params.names} --metrics {output.metrics} --log {log}"
