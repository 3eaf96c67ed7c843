# Seconds and memory: only these results, and figures of them, may differ from run to run.
ARTIFACTS += ["results/timing/svm.csv"]
ARTIFACTS += ["results/figures/timing/encoders.png", "results/figures/timing/svm.png"]


rule timing_svm:
    input:
        representation="results/representations/newsgroups/tfidf.h5",
    output:
        table="results/timing/svm.csv",
    threads: 999  # all cores: no other job may run while this one measures time
    params:
        tracked=tracked("timing.svm"),
    shell:
        "python -m relatent.stages.timing svm --representation {input.representation} --table {output.table} --log {log}"


TIMED = ["scoring", "memory", "swapping", "orders", "encoders"]
ARTIFACTS += [f"results/timing/{name}.csv" for name in TIMED]


rule timing_scoring:
    output:
        table="results/timing/scoring.csv",
        memory="results/timing/memory.csv",
    threads: 999
    params:
        tracked=tracked("timing.scoring"),
    shell:
        "python -m relatent.stages.timing scoring --table {output.table} --memory {output.memory} --log {log}"


rule timing_swapping:
    input:
        words=f"{TEXT}/words.h5".format(corpus=PARAMS["language_model"]["corpus"]),
    output:
        table="results/timing/swapping.csv",
    threads: 999
    params:
        tracked=tracked("timing.swapping"),
    shell:
        "python -m relatent.stages.timing swapping --words {input.words} --table {output.table} --log {log}"


rule timing_orders:
    input:
        pictures=PICTURES["rbm_weights"],
    output:
        table="results/timing/orders.csv",
    threads: 999
    params:
        tracked=tracked("timing.orders", "ordering.kicks"),
    shell:
        "python -m relatent.stages.timing orders --pictures {input.pictures} --table {output.table} --log {log}"


rule timing_encoders:
    input:
        digits="results/digits/digits.h5",
    output:
        table="results/timing/encoders.csv",
    threads: 999  # all cores: no other job may run while this one measures time
    params:
        tracked=tracked(
            "compute", "timing.encoders", *[f"vae.runs.{name}" for name in PARAMS["timing"]["encoders"]["runs"]]
        ),
    shell:
        "python -m relatent.stages.timing encoders --digits {input.digits} --table {output.table} --log {log}"


rule figures_encoders:
    input:
        table="results/timing/encoders.csv",
    output:
        figure=report("results/figures/timing/encoders.png", caption="../report/encoders.rst", category="Timing"),
    shell:
        "python -m relatent.stages.figures.digit_vaes encoders --table {input.table} --figure {output.figure} --log {log}"


rule figures_svm:
    input:
        table="results/timing/svm.csv",
    output:
        figure=report(
            "results/figures/timing/svm.png",
            caption="../report/svm.rst",
            category="Timing",
        ),
    shell:
        "python -m relatent.stages.figures.timing svm --table {input.table} --figure {output.figure} --log {log}"
