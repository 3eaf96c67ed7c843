# Numbers that only the claims of the notes need, of artifacts that other stages made.
EVIDENCE = "results/evidence"
FACE_MAIN = PARAMS["face_model"]["main"]
ARTIFACTS += [f"{EVIDENCE}/{name}.json" for name in ["embeddings", "faces", "units", "bptt", "hidden_units"]]


rule evidence_embeddings:
    input:
        files=[
            f"{VAE}/embeddings.h5".format(run=run, seed=seed)
            for run, seed in VAE_RUNS
            if run in PARAMS["vae"]["shown"]
        ],
        pixels="results/representations/mnist/pca.h5",
    output:
        metrics=f"{EVIDENCE}/embeddings.json",
    log:
        "logs/evidence/embeddings.log",
    benchmark:
        "logs/evidence/embeddings.tsv"
    params:
        tracked=tracked("evidence.embeddings"),
    shell:
        "python -m latents.stages.evidence embeddings {input.files} --pixels {input.pixels}"
        " --metrics {output.metrics} --log {log}"


rule evidence_faces:
    input:
        faces=f"{FACES}/faces.h5",
        autoencoder=f"{AUTOENCODER}/model.safetensors",
        features=f"{AUTOENCODER}/features.h5",
        weights=FACE_WEIGHTS[FACE_MAIN],
        deep_weights=FACE_WEIGHTS["deep_rbm"],
        pictures=f"{FACE_MODEL}/{FACE_MAIN}/pictures.h5",
        deep_pictures=f"{FACE_MODEL}/deep_rbm/pictures.h5",
    output:
        metrics=f"{EVIDENCE}/faces.json",
    log:
        "logs/evidence/faces.log",
    benchmark:
        "logs/evidence/faces.tsv"
    params:
        tracked=tracked("evidence.faces"),
    shell:
        "python -m latents.stages.evidence faces --faces {input.faces} --autoencoder {input.autoencoder}"
        " --features {input.features} --weights {input.weights} --deep-weights {input.deep_weights}"
        " --pictures {input.pictures} --deep-pictures {input.deep_pictures} --metrics {output.metrics} --log {log}"


rule evidence_units:
    input:
        features=f"{AUTOENCODER}/features.h5",
    output:
        metrics=f"{EVIDENCE}/units.json",
    log:
        "logs/evidence/units.log",
    benchmark:
        "logs/evidence/units.tsv"
    params:
        tracked=tracked("evidence.units"),
    shell:
        "python -m latents.stages.evidence units --features {input.features} --metrics {output.metrics} --log {log}"


rule evidence_bptt:
    input:
        words=f"{TEXT}/words.h5".format(corpus=PARAMS["language_model"]["corpus"]),
    output:
        metrics=f"{EVIDENCE}/bptt.json",
    log:
        "logs/evidence/bptt.log",
    benchmark:
        "logs/evidence/bptt.tsv"
    params:
        tracked=tracked("evidence.bptt"),
    shell:
        "python -m latents.stages.evidence bptt --words {input.words} --metrics {output.metrics} --log {log}"


rule evidence_hidden_units:
    input:
        digits="results/digits/digits.h5",
        model=f"{RNN}/model.safetensors".format(run=SETS["rnn_units"]["run"]),
    output:
        metrics=f"{EVIDENCE}/hidden_units.json",
    log:
        "logs/evidence/hidden_units.log",
    benchmark:
        "logs/evidence/hidden_units.tsv"
    params:
        tracked=tracked(
            "evidence.hidden_units", "rnn_pictures.unit_rows", "rnn_pictures.lead_rows", "rnn_pictures.seed"
        ),
    shell:
        "python -m latents.stages.evidence hidden-units --digits {input.digits} --model {input.model}"
        " --metrics {output.metrics} --log {log}"
