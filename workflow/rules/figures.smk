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


ARTIFACTS += [f"results/figures/rbm/mnist/{run}.png" for dataset, run in RBM_RUNS if dataset == "mnist"]
ARTIFACTS += [f"results/figures/likelihood/{dataset}/{run}.png" for dataset, run in WITH_ENERGY]


rule figures_filters:
    input:
        weights="results/rbm/mnist/{run}/weights.safetensors",
        code=code("figures"),
    output:
        figure=report(
            "results/figures/rbm/mnist/{run}.png",
            caption="../report/filters.rst",
            category="RBM",
        ),
    log:
        "logs/figures/rbm/mnist/{run}.log",
    shell:
        "python -m latents.stages.figures filters --weights {input.weights} --figure {output.figure} --log {log}"


rule figures_convergence:
    input:
        table=f"{LIKELIHOOD}/log_partition.csv",
        code=code("figures"),
    output:
        figure=report(
            "results/figures/likelihood/{dataset}/{run}.png",
            caption="../report/convergence.rst",
            category="RBM",
        ),
    log:
        "logs/figures/likelihood/{dataset}/{run}.log",
    shell:
        "python -m latents.stages.figures convergence --table {input.table} --figure {output.figure} --log {log}"


MOSAICS = "results/figures/ordering/mnist/{features}"
ARTIFACTS += [f"{MOSAICS}/{file}".format(features=name) for name in PICTURES for file in ["greedy.png", "tour.png"]]


rule figures_mosaics:
    input:
        layouts=f"{ORDERING}/layouts.h5",
        metrics=f"{ORDERING}/metrics.json",
        code=code("figures"),
    output:
        greedy=report(f"{MOSAICS}/greedy.png", caption="../report/mosaics.rst", category="Ordering"),
        tour=report(f"{MOSAICS}/tour.png", caption="../report/mosaics.rst", category="Ordering"),
    log:
        "logs/figures/ordering/mnist/{features}.log",
    shell:
        "python -m latents.stages.figures mosaics --layouts {input.layouts} --metrics {input.metrics}"
        " --greedy {output.greedy} --tour {output.tour} --log {log}"
