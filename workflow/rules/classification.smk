# Not for faces: most people of LFW have too few photographs to learn from.
CLASSIFICATION = [
    f"results/classification/{dataset}/{representation}/metrics.json"
    for dataset, representation in REPRESENTATIONS
    if dataset != "lfw"
]
ARTIFACTS += CLASSIFICATION


rule classification:
    input:
        representation=representation_file,
    output:
        metrics="results/classification/{dataset}/{representation}/metrics.json",
    params:
        tracked=tracked("classification", "scores.{dataset}"),
    shell:
        "python -m relatent.stages.classification evaluate --dataset {wildcards.dataset}"
        " --representation {input.representation} --metrics {output.metrics} --log {log}"
