# Rules `ranking` and `classification` take every file listed here. It is an HDF5 with train,
# train_labels, test and test_labels.
REPRESENTATIONS = {
    ("mnist", "pixels"): "results/representations/mnist/pixels.h5",
    ("mnist", "pca"): "results/representations/mnist/pca.h5",
    ("newsgroups", "tfidf"): "results/representations/newsgroups/tfidf.h5",
}
REPRESENTATIONS |= {
    ("mnist", f"vae_{run}_seed{seed}"): f"{VAE}/embeddings.h5".format(run=run, seed=seed) for run, seed in VAE_FIRST
}
REPRESENTATIONS |= {("newsgroups", f"vae_{run}"): f"{TEXT_VAE}/embeddings.h5".format(run=run) for run in TEXT_VAE_RUNS}
REPRESENTATIONS |= {("lfw", of): f"results/representations/lfw/{of}.h5" for of in ["aligned", "frontal", "autoencoder"]}
ARTIFACTS += REPRESENTATIONS.values()


rule representations_pixels:
    input:
        digits="results/digits/digits.h5",
    output:
        representation="results/representations/mnist/pixels.h5",
    shell:
        "python -m relatent.stages.representations pixels --digits {input.digits}"
        " --representation {output.representation} --log {log}"


rule representations_pca:
    input:
        digits="results/digits/digits.h5",
    output:
        representation="results/representations/mnist/pca.h5",
    params:
        tracked=tracked("representations.pca_components"),
    shell:
        "python -m relatent.stages.representations pca --digits {input.digits}"
        " --representation {output.representation} --log {log}"


rule representations_tfidf:
    input:
        documents="results/newsgroups/newsgroups.h5",
    output:
        representation="results/representations/newsgroups/tfidf.h5",
    params:
        tracked=tracked("representations.tfidf"),
    shell:
        "python -m relatent.stages.representations tfidf --documents {input.documents}"
        " --representation {output.representation} --log {log}"


rule representations_faces:
    input:
        faces=f"{FACES}/faces.h5",
        features=f"{AUTOENCODER}/features.h5",
    output:
        representation="results/representations/lfw/{representation}.h5",
    shell:
        "python -m relatent.stages.representations faces --faces {input.faces} --features {input.features}"
        " --of {wildcards.representation} --representation {output.representation} --log {log}"
