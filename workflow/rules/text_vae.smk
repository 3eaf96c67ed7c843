# Variational autoencoders of the newsgroups by inference network: train and measure, beside a unigram model and LDA.
TEXT_VAE = "results/text_vae/{run}"
TEXT_VAE_RUNS = list(PARAMS["text_vae"]["runs"])
TEXT_VAE_WORDS = f"{TEXT}/words.h5".format(corpus=PARAMS["text_vae"]["corpus"])
TEXT_VAE_MEASURED = ["max_tokens", "elbo_samples", "bound_samples", "top_words", "neighbours"]
TEXT_VAE_FILES = ["model.safetensors", "history.csv", "probe.json", "metrics.json", "topics.csv", "embeddings.h5"]
ARTIFACTS += [f"{TEXT_VAE}/{file}".format(run=run) for run in TEXT_VAE_RUNS for file in TEXT_VAE_FILES]
ARTIFACTS += ["results/text_vae/peers/metrics.json", "results/text_vae/peers/topics.csv"]


rule text_vae_train:
    input:
        words=TEXT_VAE_WORDS,
    output:
        model=f"{TEXT_VAE}/model.safetensors",
        history=f"{TEXT_VAE}/history.csv",
        probe=f"{TEXT_VAE}/probe.json",
    log:
        "logs/text_vae/{run}/train.log",
    benchmark:
        "logs/text_vae/{run}/train.tsv"
    params:
        tracked=tracked("compute", "text_vae.runs.{run}", "text_vae.max_tokens"),
    shell:
        "python -m latents.stages.text_vae train --run {wildcards.run} --words {input.words}"
        " --model {output.model} --history {output.history} --probe {output.probe} --log {log}"


rule text_vae_evaluate:
    input:
        words=TEXT_VAE_WORDS,
        model=f"{TEXT_VAE}/model.safetensors",
    output:
        metrics=f"{TEXT_VAE}/metrics.json",
        topics=f"{TEXT_VAE}/topics.csv",
        embeddings=f"{TEXT_VAE}/embeddings.h5",
    log:
        "logs/text_vae/{run}/evaluate.log",
    benchmark:
        "logs/text_vae/{run}/evaluate.tsv"
    params:
        tracked=tracked(*(f"text_vae.{key}" for key in TEXT_VAE_MEASURED)),
    shell:
        "python -m latents.stages.text_vae evaluate --words {input.words} --model {input.model}"
        " --metrics {output.metrics} --topics {output.topics} --embeddings {output.embeddings} --log {log}"


rule text_vae_peers:
    input:
        words=TEXT_VAE_WORDS,
    output:
        metrics="results/text_vae/peers/metrics.json",
        topics="results/text_vae/peers/topics.csv",
    log:
        "logs/text_vae/peers.log",
    benchmark:
        "logs/text_vae/peers.tsv"
    params:
        tracked=tracked("text_vae.lda", "text_vae.max_tokens", "text_vae.top_words", "text_vae.neighbours"),
    shell:
        "python -m latents.stages.text_vae peers --words {input.words} --metrics {output.metrics}"
        " --topics {output.topics} --log {log}"
