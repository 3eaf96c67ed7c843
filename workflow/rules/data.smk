from relatent.datasets.registry import FILES

for dataset, files in FILES.items():

    rule:
        name:
            f"data_{dataset}"
        output:
            files=[f"data/raw/{dataset}/{file}" for file in files],
            identity=f"results/data/{dataset}.json",
        params:
            tracked=tracked("data"),
            dataset=dataset,
        shell:
            "python -m relatent.stages.data fetch --dataset {params.dataset}"
            " --folder data/raw/{params.dataset} --identity {output.identity} --log {log}"

    ARTIFACTS += [f"data/raw/{dataset}/{file}" for file in files] + [f"results/data/{dataset}.json"]
