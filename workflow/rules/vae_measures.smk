MEASURES = "results/vae_measures/mnist/{run}/seed{seed}"
MEASURES_SUMMARY = "results/vae_measures/mnist/summary.json"
ARTIFACTS += [
    f"{MEASURES}/{file}".format(run=run, seed=seed)
    for run, seed in VAE_RUNS
    for file in ["metrics.json", "confusion.csv"]
]
ARTIFACTS += [MEASURES_SUMMARY, f"results/vae_measures/mnist/neighbours.json"]
ARTIFACTS += [f"{VAE_FIGURES}/{name}.png" for name in ["confusion", "spread", "bounds", "curves"]]


rule vae_measures:
    input:
        digits="results/digits/digits.h5",
        model=f"{VAE}/model.safetensors",
        embeddings=f"{VAE}/embeddings.h5",
        classifier=f"{DIGIT_CLASSIFIER}/weights.safetensors",
    output:
        metrics=f"{MEASURES}/metrics.json",
        confusion=f"{MEASURES}/confusion.csv",
    params:
        tracked=tracked("vae_measures.neighbours", "vae_measures.pairs", "vae_measures.samples"),
    shell:
        "python -m relatent.stages.vae_measures measure --seed {wildcards.seed} --digits {input.digits} --model {input.model}"
        " --embeddings {input.embeddings} --classifier {input.classifier} --metrics {output.metrics}"
        " --confusion {output.confusion} --log {log}"


rule vae_measures_summary:
    input:
        metrics=of_all_runs(f"{VAE}/metrics.json", f"{MEASURES}/metrics.json"),
    output:
        summary=MEASURES_SUMMARY,
    shell:
        "python -m relatent.stages.vae_measures summarise {input.metrics} --summary {output.summary} --log {log}"


rule vae_measures_neighbours:
    input:
        files=[
            f"{VAE}/embeddings.h5".format(run=run, seed=seed)
            for run, seed in VAE_RUNS
            if run in PARAMS["vae"]["shown"]
        ],
        pixels="results/representations/mnist/pca.h5",
    output:
        metrics="results/vae_measures/mnist/neighbours.json",
    params:
        tracked=tracked("vae_measures.neighbours"),
    shell:
        "python -m relatent.stages.vae_measures neighbours {input.files} --pixels {input.pixels}"
        " --metrics {output.metrics} --log {log}"


rule figures_separation:
    input:
        tables=shown_runs(f"{MEASURES}/confusion.csv"),
        summary=MEASURES_SUMMARY,
    output:
        confusion=report(f"{VAE_FIGURES}/confusion.png", caption="../report/confusion.rst", category="VAE"),
        spread=report(f"{VAE_FIGURES}/spread.png", caption="../report/spread.rst", category="VAE"),
    shell:
        "python -m relatent.stages.figures.digit_vaes separation {input.tables} --summary {input.summary}"
        " --confusion {output.confusion} --spread {output.spread} --log {log}"


rule figures_networks:
    input:
        summary=MEASURES_SUMMARY,
        histories=[f"{VAE}/history.csv".format(run=run, seed=seed) for run, seed in VAE_FIRST],
    output:
        bounds=report(f"{VAE_FIGURES}/bounds.png", caption="../report/bounds.rst", category="VAE"),
        curves=report(f"{VAE_FIGURES}/curves.png", caption="../report/curves.rst", category="VAE"),
    shell:
        "python -m relatent.stages.figures.digit_vaes training {input.histories} --summary {input.summary}"
        " --bounds {output.bounds} --curves {output.curves} --log {log}"
