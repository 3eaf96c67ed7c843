ARTIFACTS += ["results/digits/digits.h5"]


rule digits:
    input:
        files=rules.data_mnist.output.files,
    output:
        digits="results/digits/digits.h5",
    params:
        tracked=tracked("digits"),
    shell:
        "python -m relatent.stages.digits prepare --folder data/raw/mnist --digits {output.digits} --log {log}"
