TEXT_VAE = "results/text_vae/{run}"
TEXT_VAE_RUNS = list(PARAMS["text_vae"]["runs"])
TEXT_VAE_WORDS = f"{TEXT}/words.h5".format(corpus=PARAMS["text_vae"]["corpus"])
TEXT_VAE_MEASURED = ["max_tokens", "elbo_samples", "bound_samples", "top_words", "neighbours"]
TEXT_VAE_FILES = ["model.safetensors", "history.csv", "probe.json", "metrics.json", "topics.csv", "embeddings.h5"]
ARTIFACTS += [f"{TEXT_VAE}/{file}".format(run=run) for run in TEXT_VAE_RUNS for file in TEXT_VAE_FILES]
ARTIFACTS += ["results/text_vae/peers/metrics.json", "results/text_vae/peers/topics.csv"]
TEXT_VAE_DIMENSIONS = {run: values["latent_dim"] for run, values in PARAMS["text_vae"]["runs"].items()}
TEXT_VAE_PLANES = [run for run, latent_dim in TEXT_VAE_DIMENSIONS.items() if latent_dim == 2]
TEXT_VAE_WIDE = [run for run in TEXT_VAE_RUNS if run not in TEXT_VAE_PLANES]
ARTIFACTS += ["results/figures/text_vae/perplexities.png"]
# figures of other runs are made on request
ARTIFACTS += [f"results/figures/text_vae/topics/{run}.png" for run in TEXT_VAE_WIDE[:1]]
ARTIFACTS += ["results/figures/text_vae/documents.png"] if TEXT_VAE_PLANES else []


rule text_vae_train:
    input:
        words=TEXT_VAE_WORDS,
    output:
        model=f"{TEXT_VAE}/model.safetensors",
        history=f"{TEXT_VAE}/history.csv",
        probe=f"{TEXT_VAE}/probe.json",
    params:
        tracked=tracked("compute", "text_vae.runs.{run}", "text_vae.max_tokens"),
    shell:
        "python -m relatent.stages.text_vae train --run {wildcards.run} --words {input.words}"
        " --model {output.model} --history {output.history} --probe {output.probe} --log {log}"


rule text_vae_evaluate:
    input:
        words=TEXT_VAE_WORDS,
        model=f"{TEXT_VAE}/model.safetensors",
    output:
        metrics=f"{TEXT_VAE}/metrics.json",
        topics=f"{TEXT_VAE}/topics.csv",
        embeddings=f"{TEXT_VAE}/embeddings.h5",
    params:
        tracked=tracked(*(f"text_vae.{key}" for key in TEXT_VAE_MEASURED)),
    shell:
        "python -m relatent.stages.text_vae evaluate --words {input.words} --model {input.model}"
        " --metrics {output.metrics} --topics {output.topics} --embeddings {output.embeddings} --log {log}"


rule text_vae_peers:
    input:
        words=TEXT_VAE_WORDS,
    output:
        metrics="results/text_vae/peers/metrics.json",
        topics="results/text_vae/peers/topics.csv",
    params:
        tracked=tracked("text_vae.lda", "text_vae.max_tokens", "text_vae.top_words", "text_vae.neighbours"),
    shell:
        "python -m relatent.stages.text_vae peers --words {input.words} --metrics {output.metrics}"
        " --topics {output.topics} --log {log}"


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
    shell:
        "python -m relatent.stages.figures.text perplexities {input.metrics} --peers {input.peers}"
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
    shell:
        "python -m relatent.stages.figures.text topics --ours {input.ours} --peers {input.peers}"
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
    shell:
        "python -m relatent.stages.figures.text documents {input.embeddings} --words {input.words}"
        " --figure {output.figure} --log {log}"
