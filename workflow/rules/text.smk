TEXT = "results/text/{corpus}"
ARTIFACTS += [
    f"{TEXT}/{file}".format(corpus=corpus)
    for corpus in PARAMS["text"]["corpora"]
    for file in ["words.h5", "metrics.json"]
]


rule text:
    input:
        documents="results/newsgroups/newsgroups.h5",
    output:
        words=f"{TEXT}/words.h5",
        metrics=f"{TEXT}/metrics.json",
    params:
        tracked=tracked("text.corpora.{corpus}"),
    shell:
        "python -m relatent.stages.text prepare --corpus {wildcards.corpus} --documents {input.documents}"
        " --words {output.words} --metrics {output.metrics} --log {log}"
