DIGIT_CLASSIFIER = "results/digit_classifier/mnist"
DIGIT_CLASSIFIER_FILES = ["weights.safetensors", "history.csv", "metrics.json", "probe.json"]
ARTIFACTS += [f"{DIGIT_CLASSIFIER}/{file}" for file in DIGIT_CLASSIFIER_FILES]


rule digit_classifier:
    input:
        digits="results/digits/digits.h5",
    output:
        model=f"{DIGIT_CLASSIFIER}/weights.safetensors",
        history=f"{DIGIT_CLASSIFIER}/history.csv",
        metrics=f"{DIGIT_CLASSIFIER}/metrics.json",
        probe=f"{DIGIT_CLASSIFIER}/probe.json",
    params:
        tracked=tracked("compute", "digit_classifier"),
    shell:
        "python -m relatent.stages.digit_classifier train --digits {input.digits} --model {output.model}"
        " --history {output.history} --metrics {output.metrics} --probe {output.probe} --log {log}"
