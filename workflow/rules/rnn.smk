RNN = "results/rnn/mnist/{run}"
RNN_RUNS = list(PARAMS["rnn"]["runs"])
ARTIFACTS += expand(
    f"{RNN}/{{file}}", run=RNN_RUNS, file=["model.safetensors", "history.csv", "probe.json", "metrics.json"]
)
RNN_FIGURES = "results/figures/rnn/mnist"
ARTIFACTS += [f"{RNN_FIGURES}/curves.png"]


rule rnn_train:
    input:
        digits="results/digits/digits.h5",
    output:
        model=f"{RNN}/model.safetensors",
        history=f"{RNN}/history.csv",
        probe=f"{RNN}/probe.json",
    params:
        tracked=tracked("compute", "rnn.runs.{run}"),
    shell:
        "python -m relatent.stages.rnn train --run {wildcards.run} --digits {input.digits}"
        " --model {output.model} --history {output.history} --probe {output.probe} --log {log}"


rule rnn_evaluate:
    input:
        digits="results/digits/digits.h5",
        model=f"{RNN}/model.safetensors",
    output:
        metrics=f"{RNN}/metrics.json",
    params:
        tracked=tracked("rnn.runs.{run}.rows"),
    shell:
        "python -m relatent.stages.rnn evaluate --run {wildcards.run} --digits {input.digits}"
        " --model {input.model} --metrics {output.metrics} --log {log}"


rule figures_rnn_curves:
    input:
        histories=expand(f"{RNN}/history.csv", run=RNN_RUNS),
    output:
        figure=report(f"{RNN_FIGURES}/curves.png", caption="../report/rnn_curves.rst", category="RNN"),
    shell:
        "python -m relatent.stages.figures.rnn curves {input.histories} --figure {output.figure} --log {log}"
