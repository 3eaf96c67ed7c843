ARTIFACTS += ["results/newsgroups/newsgroups.h5"]


rule newsgroups:
    input:
        archive="data/raw/newsgroups/20news-bydate.tar",
    output:
        documents="results/newsgroups/newsgroups.h5",
    shell:
        "python -m relatent.stages.newsgroups prepare --archive {input.archive}"
        " --documents {output.documents} --log {log}"
