# What row-RNNs have to beat, the digits that they complete, what their hidden units like to see.
RNN_WHOLE = [run for run, values in PARAMS["rnn"]["runs"].items() if values["rows"] == "all"]  # these complete digits
ARTIFACTS += ["results/rnn/mnist/baselines.json"]
ARTIFACTS += expand(f"{RNN}/{{file}}", run=RNN_WHOLE, file=["completion.json", "examples.h5", "units.h5", "units.json"])


rule rnn_pictures_baselines:
    input:
        digits="results/digits/digits.h5",
        classifier=f"{DIGIT_CLASSIFIER}/weights.safetensors",
    output:
        metrics="results/rnn/mnist/baselines.json",
    log:
        "logs/rnn/mnist/baselines.log",
    benchmark:
        "logs/rnn/mnist/baselines.tsv"
    params:
        tracked=tracked("rnn_pictures.logistic", "rnn_pictures.seen_rows", "rnn_pictures.seed"),
    shell:
        "python -m latents.stages.rnn_pictures baselines --digits {input.digits} --classifier {input.classifier}"
        " --metrics {output.metrics} --log {log}"


rule rnn_pictures_complete:
    input:
        digits="results/digits/digits.h5",
        classifier=f"{DIGIT_CLASSIFIER}/weights.safetensors",
        model=f"{RNN}/model.safetensors",
    output:
        metrics=f"{RNN}/completion.json",
        examples=f"{RNN}/examples.h5",
    log:
        "logs/rnn/mnist/{run}/complete.log",
    benchmark:
        "logs/rnn/mnist/{run}/complete.tsv"
    params:
        tracked=tracked(
            "rnn_pictures.seen_rows",
            "rnn_pictures.samples",
            "rnn_pictures.shown",
            "rnn_pictures.shown_samples",
            "rnn_pictures.seed",
        ),
    shell:
        "python -m latents.stages.rnn_pictures complete --digits {input.digits} --classifier {input.classifier}"
        " --model {input.model} --metrics {output.metrics} --examples {output.examples} --log {log}"


rule rnn_pictures_units:
    input:
        digits="results/digits/digits.h5",
        classifier=f"{DIGIT_CLASSIFIER}/weights.safetensors",
        model=f"{RNN}/model.safetensors",
    output:
        units=f"{RNN}/units.h5",
        metrics=f"{RNN}/units.json",
    log:
        "logs/rnn/mnist/{run}/units.log",
    benchmark:
        "logs/rnn/mnist/{run}/units.tsv"
    params:
        tracked=tracked(
            "rnn_pictures.unit_rows", "rnn_pictures.lead_rows", "rnn_pictures.expected_rows", "rnn_pictures.seed"
        ),
    shell:
        "python -m latents.stages.rnn_pictures units --digits {input.digits} --classifier {input.classifier}"
        " --model {input.model} --units {output.units} --metrics {output.metrics} --log {log}"
