# Figures: each drawn from result files, kept in git, shown in the report.
FIGURES = "results/figures/vae"
ARTIFACTS += [
    f"{FIGURES}/{name}.png" for name in ["embedding", "manifold", "random", "confusion", "spread", "bounds", "curves"]
]
ARTIFACTS += ["results/figures/timing/encoders.png"]


rule figures_embedding:
    input:
        embeddings=shown_runs(f"{VAE}/embeddings.h5"),
    output:
        figure=report(f"{FIGURES}/embedding.png", caption="../report/embedding.rst", category="VAE"),
    log:
        "logs/figures/vae/embedding.log",
    shell:
        "python -m latents.stages.figures.digit_vaes embeddings {input.embeddings} --figure {output.figure} --log {log}"


rule figures_generated:
    input:
        generated=shown_runs(f"{VAE}/generated.h5"),
    output:
        manifold=report(f"{FIGURES}/manifold.png", caption="../report/manifold.rst", category="VAE"),
        random=report(f"{FIGURES}/random.png", caption="../report/random.rst", category="VAE"),
    log:
        "logs/figures/vae/generated.log",
    shell:
        "python -m latents.stages.figures.digit_vaes generated {input.generated} --manifold {output.manifold}"
        " --random {output.random} --log {log}"


rule figures_separation:
    input:
        tables=shown_runs(f"{MEASURES}/confusion.csv"),
        summary=MEASURES_SUMMARY,
    output:
        confusion=report(f"{FIGURES}/confusion.png", caption="../report/confusion.rst", category="VAE"),
        spread=report(f"{FIGURES}/spread.png", caption="../report/spread.rst", category="VAE"),
    log:
        "logs/figures/vae/separation.log",
    shell:
        "python -m latents.stages.figures.digit_vaes separation {input.tables} --summary {input.summary}"
        " --confusion {output.confusion} --spread {output.spread} --log {log}"


rule figures_networks:
    input:
        summary=MEASURES_SUMMARY,
        histories=[f"{VAE}/history.csv".format(run=run, seed=seed) for run, seed in VAE_FIRST],
    output:
        bounds=report(f"{FIGURES}/bounds.png", caption="../report/bounds.rst", category="VAE"),
        curves=report(f"{FIGURES}/curves.png", caption="../report/curves.rst", category="VAE"),
    log:
        "logs/figures/vae/networks.log",
    shell:
        "python -m latents.stages.figures.digit_vaes training {input.histories} --summary {input.summary}"
        " --bounds {output.bounds} --curves {output.curves} --log {log}"


rule figures_encoders:
    input:
        table="results/timing/encoders.csv",
    output:
        figure=report("results/figures/timing/encoders.png", caption="../report/encoders.rst", category="Timing"),
    log:
        "logs/figures/timing/encoders.log",
    shell:
        "python -m latents.stages.figures.digit_vaes encoders --table {input.table} --figure {output.figure} --log {log}"


ARTIFACTS += [f"results/figures/ranking/{dataset}.png" for dataset in PARAMS["scores"]]
ARTIFACTS += ["results/figures/timing/svm.png"]


rule figures_ranking:
    input:
        curves=curves_of,
    output:
        figure=report(
            "results/figures/ranking/{dataset}.png",
            caption="../report/ranking.rst",
            category="Ranking",
        ),
    log:
        "logs/figures/ranking/{dataset}.log",
    shell:
        "python -m latents.stages.figures.ranking precision-recall {input.curves} --figure {output.figure} --log {log}"


rule figures_svm:
    input:
        table="results/timing/svm.csv",
    output:
        figure=report(
            "results/figures/timing/svm.png",
            caption="../report/svm.rst",
            category="Timing",
        ),
    log:
        "logs/figures/timing/svm.log",
    shell:
        "python -m latents.stages.figures.timing svm --table {input.table} --figure {output.figure} --log {log}"


ARTIFACTS += ["results/figures/faces/grid.png", "results/figures/faces/contact.png"]
ARTIFACTS += ["results/figures/autoencoder/errors.png"]


rule figures_faces:
    input:
        examples=f"{FACES}/examples.h5",
    output:
        figure=report(
            "results/figures/faces/grid.png",
            caption="../report/faces.rst",
            category="Faces",
        ),
    log:
        "logs/figures/faces/grid.log",
    shell:
        "python -m latents.stages.figures.faces grid --pictures {input.examples} --name at_random"
        " --figure {output.figure} --log {log}"


rule figures_contact:
    input:
        examples=f"{FACES}/examples.h5",
    output:
        figure=report(
            "results/figures/faces/contact.png",
            caption="../report/contact.rst",
            category="Faces",
        ),
    log:
        "logs/figures/faces/contact.log",
    shell:
        "python -m latents.stages.figures.faces contact --examples {input.examples}"
        " --figure {output.figure} --log {log}"


rule figures_errors:
    input:
        errors=f"{AUTOENCODER}/errors.csv",
        metrics=f"{AUTOENCODER}/metrics.json",
    output:
        figure=report(
            "results/figures/autoencoder/errors.png",
            caption="../report/errors.rst",
            category="Faces",
        ),
    log:
        "logs/figures/autoencoder/errors.log",
    shell:
        "python -m latents.stages.figures.faces errors --errors {input.errors} --metrics {input.metrics}"
        " --figure {output.figure} --log {log}"


ARTIFACTS += [f"results/figures/rbm/mnist/{run}.png" for dataset, run in RBM_RUNS if dataset == "mnist"]
ARTIFACTS += [f"results/figures/likelihood/{dataset}/{run}.png" for dataset, run in WITH_ENERGY]


rule figures_filters:
    input:
        weights="results/rbm/mnist/{run}/weights.safetensors",
    output:
        figure=report(
            "results/figures/rbm/mnist/{run}.png",
            caption="../report/filters.rst",
            category="RBM",
        ),
    log:
        "logs/figures/rbm/mnist/{run}.log",
    shell:
        "python -m latents.stages.figures.rbm filters --weights {input.weights} --figure {output.figure} --log {log}"


rule figures_convergence:
    input:
        table=f"{LIKELIHOOD}/log_partition.csv",
    output:
        figure=report(
            "results/figures/likelihood/{dataset}/{run}.png",
            caption="../report/convergence.rst",
            category="RBM",
        ),
    log:
        "logs/figures/likelihood/{dataset}/{run}.log",
    shell:
        "python -m latents.stages.figures.rbm convergence --table {input.table} --figure {output.figure} --log {log}"


ARTIFACTS += [f"results/figures/faces/{name}.png" for name in ["autoencoded", "interpolation", "strip", "mixing"]]
ARTIFACTS += [f"results/figures/faces/gibbs/{run}.png" for run in FACE_WEIGHTS]


rule figures_autoencoded:
    input:
        pictures=f"{FACE_MODEL}/{PARAMS['face_model']['main']}/pictures.h5",
    output:
        figure=report(
            "results/figures/faces/autoencoded.png",
            caption="../report/autoencoded.rst",
            category="Faces",
        ),
    log:
        "logs/figures/faces/autoencoded.log",
    shell:
        "python -m latents.stages.figures.faces grid --pictures {input.pictures} --name autoencoded"
        " --figure {output.figure} --log {log}"


rule figures_gibbs:
    input:
        pictures=f"{FACE_MODEL}/{{run}}/pictures.h5",
    output:
        figure=report(
            "results/figures/faces/gibbs/{run}.png",
            caption="../report/gibbs.rst",
            category="Faces",
        ),
    log:
        "logs/figures/faces/gibbs/{run}.log",
    shell:
        "python -m latents.stages.figures.faces grid --pictures {input.pictures} --name gibbs"
        " --figure {output.figure} --log {log}"


rule figures_interpolation:
    input:
        mixed=f"{FACE_MODEL}/mixed.h5",
    output:
        figure=report(
            "results/figures/faces/interpolation.png",
            caption="../report/interpolation.rst",
            category="Faces",
        ),
    log:
        "logs/figures/faces/interpolation.log",
    shell:
        "python -m latents.stages.figures.faces interpolation --mixed {input.mixed}"
        " --figure {output.figure} --log {log}"


rule figures_strip:
    input:
        mixed=f"{FACE_MODEL}/mixed.h5",
    output:
        figure=report("results/figures/faces/strip.png", caption="../report/strip.rst", category="Faces"),
    log:
        "logs/figures/faces/strip.log",
    shell:
        "python -m latents.stages.figures.faces strip --mixed {input.mixed} --figure {output.figure} --log {log}"


rule figures_mixing:
    input:
        tables=[f"{FACE_MODEL}/{run}/mixing.csv" for run in FACE_WEIGHTS],
    output:
        figure=report("results/figures/faces/mixing.png", caption="../report/mixing.rst", category="Faces"),
    log:
        "logs/figures/faces/mixing.log",
    shell:
        "python -m latents.stages.figures.faces mixing {input.tables} --figure {output.figure} --log {log}"


MOSAICS = "results/figures/ordering/mnist/{features}"
ARTIFACTS += [f"{MOSAICS}/{file}".format(features=name) for name in PICTURES for file in ["greedy.png", "tour.png"]]


rule figures_mosaics:
    input:
        layouts=f"{ORDERING}/layouts.h5",
        metrics=f"{ORDERING}/metrics.json",
    output:
        greedy=report(f"{MOSAICS}/greedy.png", caption="../report/mosaics.rst", category="Ordering"),
        tour=report(f"{MOSAICS}/tour.png", caption="../report/mosaics.rst", category="Ordering"),
    log:
        "logs/figures/ordering/mnist/{features}.log",
    shell:
        "python -m latents.stages.figures.mosaic panels --layouts {input.layouts} --metrics {input.metrics}"
        " --greedy {output.greedy} --tour {output.tour} --log {log}"


RNN_FIGURES = "results/figures/rnn/mnist"
RNN_EXAMPLES = f"{RNN_FIGURES}/{{run}}/{{file}}.png"
ARTIFACTS += expand(RNN_EXAMPLES, run=RNN_WHOLE, file=["rows", "completions", "ambiguous", "units"])
ARTIFACTS += [f"{RNN_FIGURES}/measured.png", f"{RNN_FIGURES}/curves.png"]


rule figures_rnn_rows:
    input:
        examples=f"{RNN}/examples.h5",
    output:
        figure=report(f"{RNN_FIGURES}/{{run}}/rows.png", caption="../report/rnn_rows.rst", category="RNN"),
    log:
        "logs/figures/rnn/mnist/{run}/rows.log",
    shell:
        "python -m latents.stages.figures.rnn rows --examples {input.examples} --figure {output.figure} --log {log}"


rule figures_rnn_completions:
    input:
        examples=f"{RNN}/examples.h5",
    output:
        figure=report(
            f"{RNN_FIGURES}/{{run}}/completions.png",
            caption="../report/rnn_completions.rst",
            category="RNN",
        ),
    log:
        "logs/figures/rnn/mnist/{run}/completions.log",
    shell:
        "python -m latents.stages.figures.rnn completions --examples {input.examples}"
        " --figure {output.figure} --log {log}"


rule figures_rnn_ambiguous:
    input:
        examples=f"{RNN}/examples.h5",
    output:
        figure=report(
            f"{RNN_FIGURES}/{{run}}/ambiguous.png",
            caption="../report/rnn_ambiguous.rst",
            category="RNN",
        ),
    log:
        "logs/figures/rnn/mnist/{run}/ambiguous.log",
    shell:
        "python -m latents.stages.figures.rnn ambiguous --examples {input.examples}"
        " --figure {output.figure} --log {log}"


rule figures_rnn_units:
    input:
        units=f"{RNN}/units.h5",
        metrics=f"{RNN}/units.json",
    output:
        figure=report(f"{RNN_FIGURES}/{{run}}/units.png", caption="../report/rnn_units.rst", category="RNN"),
    log:
        "logs/figures/rnn/mnist/{run}/units.log",
    shell:
        "python -m latents.stages.figures.rnn units --units {input.units} --metrics {input.metrics}"
        " --figure {output.figure} --log {log}"


rule figures_rnn_measured:
    input:
        baselines="results/rnn/mnist/baselines.json",
        metrics=expand(f"{RNN}/metrics.json", run=RNN_WHOLE),
        completion=expand(f"{RNN}/completion.json", run=RNN_WHOLE),
    output:
        figure=report(f"{RNN_FIGURES}/measured.png", caption="../report/rnn_measured.rst", category="RNN"),
    log:
        "logs/figures/rnn/mnist/measured.log",
    shell:
        "python -m latents.stages.figures.rnn measured {input.metrics} {input.completion}"
        " --baselines {input.baselines} --figure {output.figure} --log {log}"


rule figures_rnn_curves:
    input:
        histories=expand(f"{RNN}/history.csv", run=RNN_RUNS),
    output:
        figure=report(f"{RNN_FIGURES}/curves.png", caption="../report/rnn_curves.rst", category="RNN"),
    log:
        "logs/figures/rnn/mnist/curves.log",
    shell:
        "python -m latents.stages.figures.rnn curves {input.histories} --figure {output.figure} --log {log}"


TEXT_VAE_DIMENSIONS = {run: values["latent_dim"] for run, values in PARAMS["text_vae"]["runs"].items()}
TEXT_VAE_PLANES = [run for run, latent_dim in TEXT_VAE_DIMENSIONS.items() if latent_dim == 2]
ARTIFACTS += ["results/figures/text_vae/perplexities.png", "results/figures/hashing/precision.png"]
TEXT_VAE_WIDE = [run for run in TEXT_VAE_RUNS if run not in TEXT_VAE_PLANES]
ARTIFACTS += [f"results/figures/text_vae/topics/{run}.png" for run in TEXT_VAE_WIDE[:1]]  # others by name
ARTIFACTS += ["results/figures/text_vae/documents.png"] if TEXT_VAE_PLANES else []


rule figures_perplexities:
    input:
        metrics=[f"{TEXT_VAE}/metrics.json".format(run=run) for run in TEXT_VAE_WIDE],
        peers="results/text_vae/peers/metrics.json",
    output:
        figure=report(
            "results/figures/text_vae/perplexities.png",
            caption="../report/perplexities.rst",
            category="Text",
        ),
    log:
        "logs/figures/text_vae/perplexities.log",
    shell:
        "python -m latents.stages.figures.text perplexities {input.metrics} --peers {input.peers}"
        " --figure {output.figure} --log {log}"


rule figures_topics:
    input:
        ours=f"{TEXT_VAE}/topics.csv",
        peers="results/text_vae/peers/topics.csv",
    output:
        figure=report(
            "results/figures/text_vae/topics/{run}.png",
            caption="../report/topics.rst",
            category="Text",
        ),
    log:
        "logs/figures/text_vae/topics/{run}.log",
    shell:
        "python -m latents.stages.figures.text topics --ours {input.ours} --peers {input.peers}"
        " --figure {output.figure} --log {log}"


rule figures_documents:
    input:
        embeddings=[f"{TEXT_VAE}/embeddings.h5".format(run=run) for run in TEXT_VAE_PLANES],
        words=TEXT_VAE_WORDS,
    output:
        figure=report(
            "results/figures/text_vae/documents.png",
            caption="../report/documents.rst",
            category="Text",
        ),
    log:
        "logs/figures/text_vae/documents.log",
    shell:
        "python -m latents.stages.figures.text documents {input.embeddings} --words {input.words}"
        " --figure {output.figure} --log {log}"


rule figures_hashing:
    input:
        comparison="results/hashing/comparison.csv",
    output:
        figure=report(
            "results/figures/hashing/precision.png",
            caption="../report/hashing.rst",
            category="Text",
        ),
    log:
        "logs/figures/hashing/precision.log",
    shell:
        "python -m latents.stages.figures.text hashing --comparison {input.comparison}"
        " --figure {output.figure} --log {log}"
