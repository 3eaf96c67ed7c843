VAE = "results/vae/mnist/{run}/seed{seed}"
VAE_RUNS = [(run, seed) for run, values in PARAMS["vae"]["runs"].items() for seed in values["seeds"]]
# figures and ranking use one seed of each run
VAE_FIRST = [(run, values["seeds"][0]) for run, values in PARAMS["vae"]["runs"].items()]
VAE_FIGURES = "results/figures/vae"
VAE_FILES = ["model.safetensors", "history.csv", "probe.json", "metrics.json", "evaluate/probe.json", "embeddings.h5"]
ARTIFACTS += [f"{VAE}/{file}".format(run=run, seed=seed) for run, seed in VAE_RUNS for file in VAE_FILES]
ARTIFACTS += [f"{VAE}/generated.h5".format(run=run, seed=seed) for run, seed in VAE_FIRST]
ARTIFACTS += [f"{VAE_FIGURES}/{name}.png" for name in ["embedding", "manifold", "random"]]


rule vae_train:
    input:
        digits="results/digits/digits.h5",
        initial=initial_weights,
    output:
        model=f"{VAE}/model.safetensors",
        history=f"{VAE}/history.csv",
        probe=f"{VAE}/probe.json",
    priority: 1  # the longest jobs start early, so that none runs alone at the end
    params:
        tracked=tracked("compute", "vae.runs.{run}"),
    shell:
        "python -m relatent.stages.vae train {input.initial} --run {wildcards.run} --seed {wildcards.seed}"
        " --digits {input.digits} --model {output.model} --history {output.history}"
        " --probe {output.probe} --log {log}"


rule vae_evaluate:
    input:
        digits="results/digits/digits.h5",
        model=f"{VAE}/model.safetensors",
    output:
        metrics=f"{VAE}/metrics.json",
        probe=f"{VAE}/evaluate/probe.json",
    threads: 1  # starts when one core is free, then uses all cores, two on average
    params:
        tracked=tracked("vae.bound"),
    shell:
        "python -m relatent.stages.vae evaluate --seed {wildcards.seed} --digits {input.digits}"
        " --model {input.model} --metrics {output.metrics} --probe {output.probe} --log {log}"


rule vae_embed:
    input:
        digits="results/digits/digits.h5",
        model=f"{VAE}/model.safetensors",
    output:
        embeddings=f"{VAE}/embeddings.h5",
    shell:
        "python -m relatent.stages.vae embed --digits {input.digits} --model {input.model}"
        " --embeddings {output.embeddings} --log {log}"


rule vae_generate:
    input:
        model=f"{VAE}/model.safetensors",
    output:
        generated=f"{VAE}/generated.h5",
    params:
        tracked=tracked("vae.manifold_side", "vae.generated"),
    shell:
        "python -m relatent.stages.vae generate --seed {wildcards.seed} --model {input.model}"
        " --generated {output.generated} --log {log}"


rule figures_embedding:
    input:
        embeddings=shown_runs(f"{VAE}/embeddings.h5"),
    output:
        figure=report(f"{VAE_FIGURES}/embedding.png", caption="../report/embedding.rst", category="VAE"),
    shell:
        "python -m relatent.stages.figures.digit_vaes embeddings {input.embeddings} --figure {output.figure} --log {log}"


rule figures_generated:
    input:
        generated=shown_runs(f"{VAE}/generated.h5"),
    output:
        manifold=report(f"{VAE_FIGURES}/manifold.png", caption="../report/manifold.rst", category="VAE"),
        random=report(f"{VAE_FIGURES}/random.png", caption="../report/random.rst", category="VAE"),
    shell:
        "python -m relatent.stages.figures.digit_vaes generated {input.generated} --manifold {output.manifold}"
        " --random {output.random} --log {log}"
