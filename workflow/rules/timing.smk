# All that measures seconds: these results, and figures of them, may differ from run to run.
ARTIFACTS += ["results/timing/svm.csv"]


rule timing_svm:
    input:
        representation="results/representations/newsgroups/tfidf.h5",
    output:
        table="results/timing/svm.csv",
    log:
        "logs/timing/svm.log",
    benchmark:
        "logs/timing/svm.tsv"
    threads: 999  # all that there are, so that nothing runs beside it: it measures time
    params:
        tracked=tracked("timing.svm"),
    shell:
        "python -m latents.stages.timing svm --representation {input.representation} --table {output.table} --log {log}"


TIMED = ["scoring", "memory", "swapping", "orders"]
ARTIFACTS += [f"results/timing/{name}.csv" for name in TIMED]


rule timing_scoring:
    output:
        table="results/timing/scoring.csv",
        memory="results/timing/memory.csv",
    log:
        "logs/timing/scoring.log",
    benchmark:
        "logs/timing/scoring.tsv"
    threads: 999
    params:
        tracked=tracked("timing.scoring"),
    shell:
        "python -m latents.stages.timing scoring --table {output.table} --memory {output.memory} --log {log}"


rule timing_swapping:
    input:
        words=f"{TEXT}/words.h5".format(corpus=PARAMS["language_model"]["corpus"]),
    output:
        table="results/timing/swapping.csv",
    log:
        "logs/timing/swapping.log",
    benchmark:
        "logs/timing/swapping.tsv"
    threads: 999
    params:
        tracked=tracked("timing.swapping"),
    shell:
        "python -m latents.stages.timing swapping --words {input.words} --table {output.table} --log {log}"


rule timing_orders:
    input:
        pictures=PICTURES["rbm_weights"],
    output:
        table="results/timing/orders.csv",
    log:
        "logs/timing/orders.log",
    benchmark:
        "logs/timing/orders.tsv"
    threads: 999
    params:
        tracked=tracked("timing.orders", "ordering.kicks"),
    shell:
        "python -m latents.stages.timing orders --pictures {input.pictures} --table {output.table} --log {log}"
