# Classification accuracy of every representation: k nearest neighbours and a linear SVM.
ARTIFACTS += [
    f"results/classification/{dataset}/{representation}/metrics.json" for dataset, representation in REPRESENTATIONS
]


rule classification:
    input:
        representation=representation_file,
        code=code("classification"),
    output:
        metrics="results/classification/{dataset}/{representation}/metrics.json",
    log:
        "logs/classification/{dataset}/{representation}.log",
    benchmark:
        "logs/classification/{dataset}/{representation}.tsv"
    params:
        tracked=tracked("classification", "scores.{dataset}"),
    shell:
        "python -m latents.stages.classification evaluate --dataset {wildcards.dataset}"
        " --representation {input.representation} --metrics {output.metrics} --log {log}"
