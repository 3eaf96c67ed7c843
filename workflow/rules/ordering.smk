ORDERING = "results/ordering/mnist/{features}"
SETS = PARAMS["ordering"]["sets"]
EXTRACTED = {  # sets of features that rules of this file take from weights
    "rbm_weights": f"{ORDERING}/pictures.h5".format(features="rbm_weights"),
    "vae_decoder": f"{ORDERING}/pictures.h5".format(features="vae_decoder"),
}
PICTURES = EXTRACTED | {"rnn_units": f"{RNN}/units.h5".format(run=SETS["rnn_units"]["run"])}
ARTIFACTS += [*EXTRACTED.values()]
ARTIFACTS += [
    f"{ORDERING}/{file}".format(features=name) for name in PICTURES for file in ["layouts.h5", "metrics.json"]
]


wildcard_constraints:
    features="[a-z_]+",


MOSAICS = "results/figures/ordering/mnist/{features}"
ARTIFACTS += [f"{MOSAICS}/{file}".format(features=name) for name in PICTURES for file in ["greedy.png", "tour.png"]]


rule ordering_rbm:
    input:
        weights=f"{RBM}/weights.safetensors".format(dataset="mnist", run=SETS["rbm_weights"]["run"]),
    output:
        pictures=EXTRACTED["rbm_weights"],
    shell:
        "python -m relatent.stages.ordering rbm-weights --weights {input.weights} --pictures {output.pictures} --log {log}"


rule ordering_vae:
    input:
        weights=f"{VAE}/model.safetensors".format(**SETS["vae_decoder"]),
    output:
        pictures=EXTRACTED["vae_decoder"],
    shell:
        "python -m relatent.stages.ordering vae-decoder --weights {input.weights} --pictures {output.pictures} --log {log}"


rule ordering:
    input:
        pictures=lambda wildcards: PICTURES[wildcards.features],
    output:
        layouts=f"{ORDERING}/layouts.h5",
        metrics=f"{ORDERING}/metrics.json",
    params:
        tracked=tracked(*(f"ordering.{key}" for key in PARAMS["ordering"] if key != "sets")),
    shell:
        "python -m relatent.stages.ordering order --pictures {input.pictures} --layouts {output.layouts}"
        " --metrics {output.metrics} --log {log}"


rule figures_mosaics:
    input:
        layouts=f"{ORDERING}/layouts.h5",
        metrics=f"{ORDERING}/metrics.json",
    output:
        greedy=report(f"{MOSAICS}/greedy.png", caption="../report/mosaics.rst", category="Ordering"),
        tour=report(f"{MOSAICS}/tour.png", caption="../report/mosaics.rst", category="Ordering"),
    shell:
        "python -m relatent.stages.figures.mosaic panels --layouts {input.layouts} --metrics {input.metrics}"
        " --greedy {output.greedy} --tour {output.tour} --log {log}"
