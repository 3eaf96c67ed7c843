# Rank every representation of a data set by one rule: test items against training items.
# A representation is an HDF5 file with train, train_labels, test, test_labels.
REPRESENTATIONS = {
    f"vae_{run}_seed{seed}": f"results/vae/mnist/{run}/seed{seed}/embeddings.h5" for run, seed in VAE_RUNS
}
RANKING = "results/ranking/mnist/{representation}"
ARTIFACTS += [
    f"{RANKING}/{file}".format(representation=name)
    for name in REPRESENTATIONS
    for file in ["metrics.json", "precision_recall.csv"]
]


rule ranking:
    input:
        embeddings=lambda wildcards: REPRESENTATIONS[wildcards.representation],
        code=code("ranking"),
    output:
        metrics=f"{RANKING}/metrics.json",
        curve=f"{RANKING}/precision_recall.csv",
    log:
        "logs/ranking/mnist/{representation}.log",
    benchmark:
        "logs/ranking/mnist/{representation}.tsv"
    threads: 4
    params:
        tracked=tracked("ranking"),
    shell:
        "python -m latents.stages.ranking evaluate --embeddings {input.embeddings}"
        " --metrics {output.metrics} --curve {output.curve} --log {log}"
