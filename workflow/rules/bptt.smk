ARTIFACTS += ["results/bptt/uses.json"]


rule bptt_uses:
    input:
        words=f"{TEXT}/words.h5".format(corpus=PARAMS["language_model"]["corpus"]),
    output:
        metrics="results/bptt/uses.json",
    params:
        tracked=tracked("bptt"),
    shell:
        "python -m relatent.stages.bptt uses --words {input.words} --metrics {output.metrics} --log {log}"
