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


ARTIFACTS += [f"results/figures/ranking/{dataset}.png" for dataset in PARAMS["scores"]]


rule ranking_block:
    input:
        representation=representation_file,
    output:
        result=f"{RANKING}/blocks/{{scatteritem}}.h5",
    threads: 1  # starts when one core is free, then uses all cores
    params:
        tracked=tracked("scores.{dataset}", "ranking.cutoffs", "ranking.ties"),
    shell:
        "python -m relatent.stages.ranking evaluate --dataset {wildcards.dataset} --part {wildcards.scatteritem}"
        " --representation {input.representation} --result {output.result} --log {log}"


rule ranking:
    input:
        parts=gather.ranking("results/ranking/{{dataset}}/{{representation}}/blocks/{scatteritem}.h5"),
    output:
        metrics=f"{RANKING}/metrics.json",
        curve=f"{RANKING}/precision_recall.csv",
    shell:
        "python -m relatent.stages.ranking gather {input.parts}"
        " --metrics {output.metrics} --curve {output.curve} --log {log}"


rule figures_ranking:
    input:
        curves=curves_of,
    output:
        figure=report(
            "results/figures/ranking/{dataset}.png",
            caption="../report/ranking.rst",
            category="Ranking",
        ),
    shell:
        "python -m relatent.stages.figures.ranking precision-recall {input.curves} --figure {output.figure} --log {log}"
