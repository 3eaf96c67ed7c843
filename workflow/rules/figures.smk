# Figures: each drawn from result files, kept in git, shown in the report.
FIGURES = "results/figures/vae/mnist/{run}/seed{seed}"
ARTIFACTS += [
    f"{FIGURES}/{file}".format(run=run, seed=seed)
    for run, seed in VAE_RUNS
    for file in ["embedding.png", "manifold.png", "curves.png"]
]


rule figures_embedding:
    input:
        embeddings=f"{VAE}/embeddings.h5",
        code=code("figures"),
    output:
        figure=report(
            f"{FIGURES}/embedding.png",
            caption="../report/embedding.rst",
            category="VAE",
        ),
    log:
        "logs/figures/vae/mnist/{run}/seed{seed}/embedding.log",
    shell:
        "python -m latents.stages.figures embedding --embeddings {input.embeddings}"
        " --figure {output.figure} --log {log}"


rule figures_manifold:
    input:
        generated=f"{VAE}/generated.h5",
        code=code("figures"),
    output:
        figure=report(f"{FIGURES}/manifold.png", caption="../report/manifold.rst", category="VAE"),
    log:
        "logs/figures/vae/mnist/{run}/seed{seed}/manifold.log",
    shell:
        "python -m latents.stages.figures manifold --generated {input.generated}"
        " --figure {output.figure} --log {log}"


rule figures_curves:
    input:
        history=f"{VAE}/history.csv",
        code=code("figures"),
    output:
        figure=report(f"{FIGURES}/curves.png", caption="../report/curves.rst", category="VAE"),
    log:
        "logs/figures/vae/mnist/{run}/seed{seed}/curves.log",
    shell:
        "python -m latents.stages.figures curves --history {input.history} --figure {output.figure} --log {log}"


ARTIFACTS += [f"results/figures/ranking/{dataset}.png" for dataset in PARAMS["scores"]]
ARTIFACTS += ["results/figures/timing/svm.png"]


rule figures_ranking:
    input:
        curves=curves_of,
        code=code("figures"),
    output:
        figure=report(
            "results/figures/ranking/{dataset}.png",
            caption="../report/ranking.rst",
            category="Ranking",
        ),
    log:
        "logs/figures/ranking/{dataset}.log",
    shell:
        "python -m latents.stages.figures ranking {input.curves} --figure {output.figure} --log {log}"


rule figures_svm:
    input:
        table="results/timing/svm.csv",
        code=code("figures"),
    output:
        figure=report(
            "results/figures/timing/svm.png",
            caption="../report/svm.rst",
            category="Timing",
        ),
    log:
        "logs/figures/timing/svm.log",
    shell:
        "python -m latents.stages.figures svm --table {input.table} --figure {output.figure} --log {log}"


ARTIFACTS += ["results/figures/faces/grid.png", "results/figures/faces/contact.png"]
ARTIFACTS += ["results/figures/autoencoder/errors.png"]


rule figures_faces:
    input:
        examples=f"{FACES}/examples.h5",
        code=code("figures"),
    output:
        figure=report(
            "results/figures/faces/grid.png",
            caption="../report/faces.rst",
            category="Faces",
        ),
    log:
        "logs/figures/faces/grid.log",
    shell:
        "python -m latents.stages.figures faces --examples {input.examples} --figure {output.figure} --log {log}"


rule figures_contact:
    input:
        examples=f"{FACES}/examples.h5",
        code=code("figures"),
    output:
        figure=report(
            "results/figures/faces/contact.png",
            caption="../report/contact.rst",
            category="Faces",
        ),
    log:
        "logs/figures/faces/contact.log",
    shell:
        "python -m latents.stages.figures contact --examples {input.examples} --figure {output.figure} --log {log}"


rule figures_errors:
    input:
        errors=f"{AUTOENCODER}/errors.csv",
        metrics=f"{AUTOENCODER}/metrics.json",
        code=code("figures"),
    output:
        figure=report(
            "results/figures/autoencoder/errors.png",
            caption="../report/errors.rst",
            category="Faces",
        ),
    log:
        "logs/figures/autoencoder/errors.log",
    shell:
        "python -m latents.stages.figures errors --errors {input.errors} --metrics {input.metrics}"
        " --figure {output.figure} --log {log}"


TEXT_VAE_DIMENSIONS = {run: values["latent_dim"] for run, values in PARAMS["text_vae"]["runs"].items()}
TEXT_VAE_PLANES = [run for run, latent_dim in TEXT_VAE_DIMENSIONS.items() if latent_dim == 2]
ARTIFACTS += ["results/figures/text_vae/perplexities.png", "results/figures/hashing/precision.png"]
ARTIFACTS += ["results/figures/text_vae/documents.png"] if TEXT_VAE_PLANES else []


rule figures_perplexities:
    input:
        metrics=[f"{TEXT_VAE}/metrics.json".format(run=run) for run in TEXT_VAE_RUNS if run not in TEXT_VAE_PLANES],
        peers="results/text_vae/peers/metrics.json",
        code=code("figures"),
    output:
        figure=report(
            "results/figures/text_vae/perplexities.png",
            caption="../report/perplexities.rst",
            category="Text",
        ),
    log:
        "logs/figures/text_vae/perplexities.log",
    shell:
        "python -m latents.stages.figures perplexities {input.metrics} --peers {input.peers}"
        " --figure {output.figure} --log {log}"


rule figures_documents:
    input:
        embeddings=[f"{TEXT_VAE}/embeddings.h5".format(run=run) for run in TEXT_VAE_PLANES],
        words=TEXT_VAE_WORDS,
        code=code("figures"),
    output:
        figure=report(
            "results/figures/text_vae/documents.png",
            caption="../report/documents.rst",
            category="Text",
        ),
    log:
        "logs/figures/text_vae/documents.log",
    shell:
        "python -m latents.stages.figures documents {input.embeddings} --words {input.words}"
        " --figure {output.figure} --log {log}"


rule figures_hashing:
    input:
        comparison="results/hashing/comparison.csv",
        code=code("figures"),
    output:
        figure=report(
            "results/figures/hashing/precision.png",
            caption="../report/hashing.rst",
            category="Text",
        ),
    log:
        "logs/figures/hashing/precision.log",
    shell:
        "python -m latents.stages.figures hashing --comparison {input.comparison} --figure {output.figure} --log {log}"
