LANGUAGE_MODEL = "results/language_model/newsgroups"
ARTIFACTS += [f"{LANGUAGE_MODEL}/{file}" for file in ["model.safetensors", "history.csv", "metrics.json", "probe.json"]]


rule language_model:
    input:
        corpus=f"{TEXT}/words.h5".format(corpus=PARAMS["language_model"]["corpus"]),
    output:
        model=f"{LANGUAGE_MODEL}/model.safetensors",
        history=f"{LANGUAGE_MODEL}/history.csv",
        metrics=f"{LANGUAGE_MODEL}/metrics.json",
        probe=f"{LANGUAGE_MODEL}/probe.json",
    params:
        tracked=tracked("compute", "language_model"),
    shell:
        "python -m relatent.stages.language_model train --corpus {input.corpus} --model {output.model}"
        " --history {output.history} --metrics {output.metrics} --probe {output.probe} --log {log}"
