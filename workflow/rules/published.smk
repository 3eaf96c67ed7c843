PUBLISHED = "results/published/page.html"
ARTIFACTS += [PUBLISHED]


rule published:
    input:
        documents=[f"{TEXT_VAE}/metrics.json".format(run=run) for run in TEXT_VAE_WIDE],
        peers="results/text_vae/peers/metrics.json",
        hashing="results/hashing/comparison.csv",
        digits=MEASURES_SUMMARY,
    output:
        page=report(PUBLISHED, caption="../report/published.rst", category="Published"),
    shell:
        "python -m relatent.stages.published write {input.documents} --peers {input.peers} --hashing {input.hashing}"
        " --digits {input.digits} --page {output.page} --log {log}"
