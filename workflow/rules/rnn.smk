# Row-RNNs on digits: train, measure beside simple predictors, complete half-seen digits, draw hidden units.
RNN = "results/rnn/mnist/{run}"
RNN_RUNS = list(PARAMS["rnn"]["runs"])
RNN_WHOLE = [run for run, values in PARAMS["rnn"]["runs"].items() if values["rows"] == "all"]  # these complete digits
ARTIFACTS += ["results/rnn/mnist/baselines.json"]
ARTIFACTS += expand(f"{RNN}/{{file}}", run=RNN_RUNS, file=["model.safetensors", "history.csv", "metrics.json"])
ARTIFACTS += expand(f"{RNN}/{{file}}", run=RNN_WHOLE, file=["completion.json", "examples.h5", "units.h5", "units.json"])


rule rnn_train:
    input:
        digits="results/digits/digits.h5",
        code=code("rnn"),
    output:
        model=f"{RNN}/model.safetensors",
        history=f"{RNN}/history.csv",
    log:
        "logs/rnn/mnist/{run}/train.log",
    benchmark:
        "logs/rnn/mnist/{run}/train.tsv"
    params:
        tracked=tracked("compute", "rnn.runs.{run}"),
    shell:
        "python -m latents.stages.rnn train --run {wildcards.run} --digits {input.digits}"
        " --model {output.model} --history {output.history} --log {log}"


rule rnn_baselines:
    input:
        digits="results/digits/digits.h5",
        classifier=f"{DIGIT_CLASSIFIER}/weights.safetensors",
        code=code("rnn"),
    output:
        metrics="results/rnn/mnist/baselines.json",
    log:
        "logs/rnn/mnist/baselines.log",
    benchmark:
        "logs/rnn/mnist/baselines.tsv"
    params:
        tracked=tracked("rnn.logistic", "rnn.seen_rows", "rnn.seed"),
    shell:
        "python -m latents.stages.rnn baselines --digits {input.digits} --classifier {input.classifier}"
        " --metrics {output.metrics} --log {log}"


rule rnn_evaluate:
    input:
        digits="results/digits/digits.h5",
        model=f"{RNN}/model.safetensors",
        code=code("rnn"),
    output:
        metrics=f"{RNN}/metrics.json",
    log:
        "logs/rnn/mnist/{run}/evaluate.log",
    benchmark:
        "logs/rnn/mnist/{run}/evaluate.tsv"
    params:
        tracked=tracked("rnn.runs.{run}.rows"),
    shell:
        "python -m latents.stages.rnn evaluate --run {wildcards.run} --digits {input.digits}"
        " --model {input.model} --metrics {output.metrics} --log {log}"


rule rnn_complete:
    input:
        digits="results/digits/digits.h5",
        classifier=f"{DIGIT_CLASSIFIER}/weights.safetensors",
        model=f"{RNN}/model.safetensors",
        code=code("rnn"),
    output:
        metrics=f"{RNN}/completion.json",
        examples=f"{RNN}/examples.h5",
    log:
        "logs/rnn/mnist/{run}/complete.log",
    benchmark:
        "logs/rnn/mnist/{run}/complete.tsv"
    params:
        tracked=tracked("rnn.seen_rows", "rnn.samples", "rnn.shown", "rnn.shown_samples", "rnn.seed"),
    shell:
        "python -m latents.stages.rnn complete --digits {input.digits} --classifier {input.classifier}"
        " --model {input.model} --metrics {output.metrics} --examples {output.examples} --log {log}"


rule rnn_units:
    input:
        digits="results/digits/digits.h5",
        classifier=f"{DIGIT_CLASSIFIER}/weights.safetensors",
        model=f"{RNN}/model.safetensors",
        code=code("rnn"),
    output:
        units=f"{RNN}/units.h5",
        metrics=f"{RNN}/units.json",
    log:
        "logs/rnn/mnist/{run}/units.log",
    benchmark:
        "logs/rnn/mnist/{run}/units.tsv"
    params:
        tracked=tracked("rnn.unit_rows", "rnn.expected_rows", "rnn.seed"),
    shell:
        "python -m latents.stages.rnn units --digits {input.digits} --classifier {input.classifier}"
        " --model {input.model} --units {output.units} --metrics {output.metrics} --log {log}"
