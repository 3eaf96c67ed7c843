HASHING = "results/hashing/{corpus}/{method}"
HASHING_LEARNED = list(PARAMS["hashing"]["learned"])
HASHING_METHODS = PARAMS["hashing"]["plain"] + HASHING_LEARNED
HASHING_RUNS = [(corpus, method) for corpus in PARAMS["hashing"]["corpora"] for method in HASHING_METHODS]
HASHING_FILES = ["codes.h5", "metrics.json", "table.csv", "precision_recall.csv"]
ARTIFACTS += [f"{HASHING}/{file}".format(corpus=c, method=m) for c, m in HASHING_RUNS for file in HASHING_FILES]
ARTIFACTS += [
    f"{HASHING}/{file}".format(corpus=c, method=m)
    for c, m in HASHING_RUNS
    if m in HASHING_LEARNED
    for file in ["history.csv", "probe.json"]
]
ARTIFACTS += ["results/hashing/comparison.csv"]
ARTIFACTS += ["results/figures/hashing/precision.png"]


rule hashing_plain:
    input:
        words=f"{TEXT}/words.h5",
    output:
        codes=f"{HASHING}/codes.h5",
        metrics=f"{HASHING}/metrics.json",
        table=f"{HASHING}/table.csv",
        curve=f"{HASHING}/precision_recall.csv",
    wildcard_constraints:
        method="|".join(PARAMS["hashing"]["plain"]) or "-",
    params:
        tracked=tracked("compute", "hashing.bits", "hashing.training.seed"),
    shell:
        "python -m relatent.stages.hashing evaluate --method {wildcards.method} --words {input.words}"
        " --codes {output.codes} --metrics {output.metrics} --table {output.table} --curve {output.curve} --log {log}"


rule hashing_learned:
    input:
        words=f"{TEXT}/words.h5",
    output:
        codes=f"{HASHING}/codes.h5",
        metrics=f"{HASHING}/metrics.json",
        table=f"{HASHING}/table.csv",
        curve=f"{HASHING}/precision_recall.csv",
        history=f"{HASHING}/history.csv",
        probe=f"{HASHING}/probe.json",
    wildcard_constraints:
        method="|".join(HASHING_LEARNED),
    params:
        tracked=tracked("compute", "hashing.bits", "hashing.training", "hashing.learned.{method}"),
    shell:
        "python -m relatent.stages.hashing evaluate --method {wildcards.method} --words {input.words}"
        " --codes {output.codes} --metrics {output.metrics} --table {output.table} --curve {output.curve}"
        " --history {output.history} --probe {output.probe} --log {log}"


rule hashing_compare:
    input:
        tables=[f"{HASHING}/table.csv".format(corpus=c, method=m) for c, m in HASHING_RUNS],
    output:
        comparison="results/hashing/comparison.csv",
    shell:
        "python -m relatent.stages.hashing compare {input.tables} --comparison {output.comparison} --log {log}"


rule figures_hashing:
    input:
        comparison="results/hashing/comparison.csv",
    output:
        figure=report(
            "results/figures/hashing/precision.png",
            caption="../report/hashing.rst",
            category="Text",
        ),
    shell:
        "python -m relatent.stages.figures.text hashing --comparison {input.comparison}"
        " --figure {output.figure} --log {log}"
