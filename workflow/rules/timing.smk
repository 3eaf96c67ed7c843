# All that measures seconds: these results, and figures of them, may differ from run to run.
ARTIFACTS += ["results/timing/svm.csv"]


rule timing_svm:
    input:
        representation="results/representations/newsgroups/tfidf.h5",
        code=code("timing"),
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
