# runs on inked rows cannot complete digits
RNN_WHOLE = [run for run, values in PARAMS["rnn"]["runs"].items() if values["rows"] == "all"]
ARTIFACTS += ["results/rnn/mnist/baselines.json", "results/rnn/mnist/unit_weights.json"]
ARTIFACTS += expand(f"{RNN}/{{file}}", run=RNN_WHOLE, file=["completion.json", "examples.h5", "units.h5", "units.json"])
ARTIFACTS += expand(
    f"{RNN_FIGURES}/{{run}}/{{file}}.png", run=RNN_WHOLE, file=["rows", "completions", "ambiguous", "units"]
)
ARTIFACTS += [f"{RNN_FIGURES}/measured.png"]


rule rnn_pictures_baselines:
    input:
        digits="results/digits/digits.h5",
        classifier=f"{DIGIT_CLASSIFIER}/weights.safetensors",
    output:
        metrics="results/rnn/mnist/baselines.json",
    params:
        tracked=tracked("rnn_pictures.logistic", "rnn_pictures.seen_rows", "rnn_pictures.seed"),
    shell:
        "python -m relatent.stages.rnn_pictures baselines --digits {input.digits} --classifier {input.classifier}"
        " --metrics {output.metrics} --log {log}"


rule rnn_pictures_complete:
    input:
        digits="results/digits/digits.h5",
        classifier=f"{DIGIT_CLASSIFIER}/weights.safetensors",
        model=f"{RNN}/model.safetensors",
    output:
        metrics=f"{RNN}/completion.json",
        examples=f"{RNN}/examples.h5",
    params:
        tracked=tracked(
            "rnn_pictures.seen_rows",
            "rnn_pictures.samples",
            "rnn_pictures.shown",
            "rnn_pictures.shown_samples",
            "rnn_pictures.seed",
        ),
    shell:
        "python -m relatent.stages.rnn_pictures complete --digits {input.digits} --classifier {input.classifier}"
        " --model {input.model} --metrics {output.metrics} --examples {output.examples} --log {log}"


rule rnn_pictures_units:
    input:
        digits="results/digits/digits.h5",
        classifier=f"{DIGIT_CLASSIFIER}/weights.safetensors",
        model=f"{RNN}/model.safetensors",
    output:
        units=f"{RNN}/units.h5",
        metrics=f"{RNN}/units.json",
    params:
        tracked=tracked(
            "rnn_pictures.unit_rows", "rnn_pictures.lead_rows", "rnn_pictures.expected_rows", "rnn_pictures.seed"
        ),
    shell:
        "python -m relatent.stages.rnn_pictures units --digits {input.digits} --classifier {input.classifier}"
        " --model {input.model} --units {output.units} --metrics {output.metrics} --log {log}"


rule rnn_pictures_weights:
    input:
        digits="results/digits/digits.h5",
        model=f"{RNN}/model.safetensors".format(run=PARAMS["ordering"]["sets"]["rnn_units"]["run"]),
    output:
        metrics="results/rnn/mnist/unit_weights.json",
    params:
        tracked=tracked(
            "rnn_pictures.unit_rows", "rnn_pictures.lead_rows", "rnn_pictures.unit_blur_px", "rnn_pictures.seed"
        ),
    shell:
        "python -m relatent.stages.rnn_pictures weights --digits {input.digits} --model {input.model}"
        " --metrics {output.metrics} --log {log}"


rule figures_rnn_rows:
    input:
        examples=f"{RNN}/examples.h5",
    output:
        figure=report(f"{RNN_FIGURES}/{{run}}/rows.png", caption="../report/rnn_rows.rst", category="RNN"),
    shell:
        "python -m relatent.stages.figures.rnn rows --examples {input.examples} --figure {output.figure} --log {log}"


rule figures_rnn_completions:
    input:
        examples=f"{RNN}/examples.h5",
    output:
        figure=report(
            f"{RNN_FIGURES}/{{run}}/completions.png",
            caption="../report/rnn_completions.rst",
            category="RNN",
        ),
    shell:
        "python -m relatent.stages.figures.rnn completions --examples {input.examples}"
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
    shell:
        "python -m relatent.stages.figures.rnn ambiguous --examples {input.examples}"
        " --figure {output.figure} --log {log}"


rule figures_rnn_units:
    input:
        units=f"{RNN}/units.h5",
        metrics=f"{RNN}/units.json",
    output:
        figure=report(f"{RNN_FIGURES}/{{run}}/units.png", caption="../report/rnn_units.rst", category="RNN"),
    shell:
        "python -m relatent.stages.figures.rnn units --units {input.units} --metrics {input.metrics}"
        " --figure {output.figure} --log {log}"


rule figures_rnn_measured:
    input:
        baselines="results/rnn/mnist/baselines.json",
        metrics=expand(f"{RNN}/metrics.json", run=RNN_WHOLE),
        completion=expand(f"{RNN}/completion.json", run=RNN_WHOLE),
    output:
        figure=report(f"{RNN_FIGURES}/measured.png", caption="../report/rnn_measured.rst", category="RNN"),
    shell:
        "python -m relatent.stages.figures.rnn measured {input.metrics} {input.completion}"
        " --baselines {input.baselines} --figure {output.figure} --log {log}"
