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


RNN_FIGURES = "results/figures/rnn/mnist"
RNN_EXAMPLES = f"{RNN_FIGURES}/{{run}}/{{file}}.png"
ARTIFACTS += expand(RNN_EXAMPLES, run=RNN_WHOLE, file=["rows", "completions", "ambiguous", "units"])
ARTIFACTS += [f"{RNN_FIGURES}/measured.png", f"{RNN_FIGURES}/curves.png"]


rule figures_rnn_rows:
    input:
        examples=f"{RNN}/examples.h5",
        code=code("figures"),
    output:
        figure=report(f"{RNN_FIGURES}/{{run}}/rows.png", caption="../report/rnn_rows.rst", category="RNN"),
    log:
        "logs/figures/rnn/mnist/{run}/rows.log",
    shell:
        "python -m latents.stages.figures rnn-rows --examples {input.examples} --figure {output.figure} --log {log}"


rule figures_rnn_completions:
    input:
        examples=f"{RNN}/examples.h5",
        code=code("figures"),
    output:
        figure=report(
            f"{RNN_FIGURES}/{{run}}/completions.png",
            caption="../report/rnn_completions.rst",
            category="RNN",
        ),
    log:
        "logs/figures/rnn/mnist/{run}/completions.log",
    shell:
        "python -m latents.stages.figures rnn-completions --examples {input.examples}"
        " --figure {output.figure} --log {log}"


rule figures_rnn_ambiguous:
    input:
        examples=f"{RNN}/examples.h5",
        code=code("figures"),
    output:
        figure=report(
            f"{RNN_FIGURES}/{{run}}/ambiguous.png",
            caption="../report/rnn_ambiguous.rst",
            category="RNN",
        ),
    log:
        "logs/figures/rnn/mnist/{run}/ambiguous.log",
    shell:
        "python -m latents.stages.figures rnn-ambiguous --examples {input.examples}"
        " --figure {output.figure} --log {log}"


rule figures_rnn_units:
    input:
        units=f"{RNN}/units.h5",
        metrics=f"{RNN}/units.json",
        code=code("figures"),
    output:
        figure=report(f"{RNN_FIGURES}/{{run}}/units.png", caption="../report/rnn_units.rst", category="RNN"),
    log:
        "logs/figures/rnn/mnist/{run}/units.log",
    shell:
        "python -m latents.stages.figures rnn-units --units {input.units} --metrics {input.metrics}"
        " --figure {output.figure} --log {log}"


rule figures_rnn_measured:
    input:
        baselines="results/rnn/mnist/baselines.json",
        metrics=expand(f"{RNN}/metrics.json", run=RNN_WHOLE),
        completion=expand(f"{RNN}/completion.json", run=RNN_WHOLE),
        code=code("figures"),
    output:
        figure=report(f"{RNN_FIGURES}/measured.png", caption="../report/rnn_measured.rst", category="RNN"),
    log:
        "logs/figures/rnn/mnist/measured.log",
    shell:
        "python -m latents.stages.figures rnn-measured {input.metrics} {input.completion}"
        " --baselines {input.baselines} --figure {output.figure} --log {log}"


rule figures_rnn_curves:
    input:
        histories=expand(f"{RNN}/history.csv", run=RNN_RUNS),
        code=code("figures"),
    output:
        figure=report(f"{RNN_FIGURES}/curves.png", caption="../report/rnn_curves.rst", category="RNN"),
    log:
        "logs/figures/rnn/mnist/curves.log",
    shell:
        "python -m latents.stages.figures rnn-curves {input.histories} --figure {output.figure} --log {log}"
