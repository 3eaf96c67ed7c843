# What the notes say of embeddings, generated digits and training times, measured on every VAE of digits.
MEASURES = "results/measures/mnist/{run}/seed{seed}"
MEASURES_SUMMARY = "results/measures/mnist/summary.json"
ARTIFACTS += [
    f"{MEASURES}/{file}".format(run=run, seed=seed)
    for run, seed in VAE_RUNS
    for file in ["metrics.json", "confusion.csv"]
]
ARTIFACTS += [MEASURES_SUMMARY, "results/timing/encoders.csv"]


rule measures:
    input:
        digits="results/digits/digits.h5",
        model=f"{VAE}/model.safetensors",
        embeddings=f"{VAE}/embeddings.h5",
        classifier=f"{DIGIT_CLASSIFIER}/weights.safetensors",
    output:
        metrics=f"{MEASURES}/metrics.json",
        confusion=f"{MEASURES}/confusion.csv",
    log:
        "logs/measures/mnist/{run}/seed{seed}.log",
    benchmark:
        "logs/measures/mnist/{run}/seed{seed}.tsv"
    params:
        tracked=tracked("measures.neighbours", "measures.pairs", "measures.samples"),
    shell:
        "python -m latents.stages.vae_measures measure --seed {wildcards.seed} --digits {input.digits} --model {input.model}"
        " --embeddings {input.embeddings} --classifier {input.classifier} --metrics {output.metrics}"
        " --confusion {output.confusion} --log {log}"


rule measures_summary:
    input:
        metrics=of_all_runs(f"{VAE}/metrics.json", f"{MEASURES}/metrics.json"),
    output:
        summary=MEASURES_SUMMARY,
    log:
        "logs/measures/mnist/summary.log",
    shell:
        "python -m latents.stages.vae_measures summarise {input.metrics} --summary {output.summary} --log {log}"


rule measures_timing:
    input:
        digits="results/digits/digits.h5",
    output:
        table="results/timing/encoders.csv",
    log:
        "logs/timing/encoders.log",
    benchmark:
        "logs/timing/encoders.tsv"
    threads: 999  # all that there are, so that nothing runs beside it: it measures time
    params:
        tracked=tracked(
            "compute", "measures.timing", *[f"vae.runs.{name}" for name in PARAMS["measures"]["timing"]["runs"]]
        ),
    shell:
        "python -m latents.stages.vae_measures timing --digits {input.digits} --table {output.table} --log {log}"
