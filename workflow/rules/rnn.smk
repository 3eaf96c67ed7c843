# Row-RNNs on digits: train, and measure how well they predict the next row.
RNN = "results/rnn/mnist/{run}"
RNN_RUNS = list(PARAMS["rnn"]["runs"])
ARTIFACTS += expand(
    f"{RNN}/{{file}}", run=RNN_RUNS, file=["model.safetensors", "history.csv", "probe.json", "metrics.json"]
)


rule rnn_train:
    input:
        digits="results/digits/digits.h5",
    output:
        model=f"{RNN}/model.safetensors",
        history=f"{RNN}/history.csv",
        probe=f"{RNN}/probe.json",
    log:
        "logs/rnn/mnist/{run}/train.log",
    benchmark:
        "logs/rnn/mnist/{run}/train.tsv"
    params:
        tracked=tracked("compute", "rnn.runs.{run}"),
    shell:
        "python -m latents.stages.rnn train --run {wildcards.run} --digits {input.digits}"
        " --model {output.model} --history {output.history} --probe {output.probe} --log {log}"


rule rnn_evaluate:
    input:
        digits="results/digits/digits.h5",
        model=f"{RNN}/model.safetensors",
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
