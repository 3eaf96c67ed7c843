# Rank every representation by one rule, test items against training items: scattered over blocks of queries, gathered.
RANKING = "results/ranking/{dataset}/{representation}"
PARTS = PARAMS["ranking"]["parts"]
RANKING_BLOCKS = [f"blocks/{part}-of-{PARTS}.h5" for part in range(1, PARTS + 1)]
ARTIFACTS += [
    f"{RANKING}/{file}".format(dataset=dataset, representation=name)
    for dataset, name in REPRESENTATIONS
    for file in [*RANKING_BLOCKS, "metrics.json", "precision_recall.csv"]
]


scattergather:
    ranking=PARTS,


rule ranking_block:
    input:
        representation=representation_file,
    output:
        result=f"{RANKING}/blocks/{{scatteritem}}.h5",
    log:
        "logs/ranking/{dataset}/{representation}/{scatteritem}.log",
    benchmark:
        "logs/ranking/{dataset}/{representation}/{scatteritem}.tsv"
    threads: 1  # it takes the cores that there are, for a second here, and does not wait for four to be free
    params:
        tracked=tracked("scores.{dataset}", "ranking.cutoffs", "ranking.ties"),
    shell:
        "python -m latents.stages.ranking evaluate --dataset {wildcards.dataset} --part {wildcards.scatteritem}"
        " --representation {input.representation} --result {output.result} --log {log}"


rule ranking:
    input:
        parts=gather.ranking("results/ranking/{{dataset}}/{{representation}}/blocks/{scatteritem}.h5"),
    output:
        metrics=f"{RANKING}/metrics.json",
        curve=f"{RANKING}/precision_recall.csv",
    log:
        "logs/ranking/{dataset}/{representation}/gather.log",
    shell:
        "python -m latents.stages.ranking gather {input.parts}"
        " --metrics {output.metrics} --curve {output.curve} --log {log}"
